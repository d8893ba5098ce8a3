"""The rules by the names that a linkage model uses, and their application to a whole table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from dedup.errors import ModelError
from dedup.extract.coded import CodedColumn, missing_column, recode
from dedup.extract.normalise import names
from dedup.extract.normalise.address import house_number, postcode
from dedup.extract.normalise.contact import email_address, insurance_number, insurer_code, phone_number
from dedup.extract.normalise.dates import date_digits
from dedup.extract.normalise.folding import fold_text
from dedup.extract.normalise.phonetic import phonetic_code
from dedup.extract.normalise.sets import Parts, combined, derived, first_of, single, union
from dedup.extract.values import ValueSets
from dedup.model.linkage import LinkageModel

ColumnsRule = Callable[[Sequence[CodedColumn]], ValueSets]
DerivedRule = Callable[[ValueSets], ValueSets]


def _each(rule: Callable[[str], str]) -> ColumnsRule:
    """Make a rule that gives at most one value of each column, and their union."""

    def parts(value: str) -> Parts:
        made = rule(value)
        return (made,) if made else ()

    def apply(columns: Sequence[CodedColumn]) -> ValueSets:
        return single(columns[0], rule) if len(columns) == 1 else union(columns, [parts] * len(columns))

    return apply


def _surnames(columns: Sequence[CodedColumn]) -> ValueSets:
    """Columns come in pairs, a surname and its prefixes; all parts of all surnames are one set."""
    by_position = (names.surname_parts, names.prefix_column_parts)
    return union(columns, [by_position[position % 2] for position in range(len(columns))])


def _first_names(columns: Sequence[CodedColumn]) -> ValueSets:
    return union(columns, [names.counted_first_names] * len(columns))


def _main_first_name(columns: Sequence[CodedColumn]) -> ValueSets:
    return first_of(columns, [names.main_first_name] * len(columns))


def _initial(columns: Sequence[CodedColumn]) -> ValueSets:
    """The main first name's first letter; failing that, the first letter of what was typed, last column first.

    The first two columns hold first names, a third holds initials, where "Th." in "J.Th." is no name.
    """
    first_names = columns[:2]
    return first_of(
        [*first_names, *reversed(columns)],
        [names.name_initial] * len(first_names) + [names.typed_initial] * len(columns),
    )


def _insurance(columns: Sequence[CodedColumn]) -> ValueSets:
    """The insurer's code and the insured person's number, together or not at all."""
    insurer, number = columns
    return combined(
        [recode(insurer, insurer_code), recode(number, insurance_number)],
        lambda insurer, number: insurer + number if insurer and number else "",
    )


def _words(columns: Sequence[CodedColumn]) -> ValueSets:
    return union(columns, [names.words] * len(columns))


def _digits(value: str) -> str:
    return "".join(character for character in value if character in "0123456789")


RULES: dict[str, ColumnsRule] = {
    "text": _each(fold_text),
    "words": _words,
    "digits": _each(_digits),
    "date": _each(date_digits),
    "surnames": _surnames,
    "first_names": _first_names,
    "main_first_name": _main_first_name,
    "initial": _initial,
    "postcode": _each(postcode),
    "house_number": _each(house_number),
    "phone": _each(phone_number),
    "email": _each(email_address),
    "insurance": _insurance,
}

DERIVED_RULES: dict[str, DerivedRule] = {
    "phonetic": lambda source: derived(source, phonetic_code),
    "pc4": lambda source: derived(source, lambda value: value[:4]),
}


def normalise(table: Mapping[str, CodedColumn], model: LinkageModel) -> dict[str, ValueSets]:
    """Return every attribute of the model for the n rows of a table; a column that the table lacks is missing.

    Raises `ModelError` (`model.unknown-rule`, `model.unknown-attribute`) when the model names what does not exist.
    """
    attributes: dict[str, ValueSets] = {}
    absent = missing_column(len(next(iter(table.values()), ())))
    for attribute in model.attributes:
        if attribute.of:
            if attribute.rule not in DERIVED_RULES:
                raise ModelError("model.unknown-rule", f"No rule {attribute.rule} makes {attribute.name} of another.")
            if attribute.of not in attributes:
                raise ModelError(
                    "model.unknown-attribute",
                    f"Attribute {attribute.name} is made of {attribute.of}, which the model does not define before it.",
                )
            attributes[attribute.name] = DERIVED_RULES[attribute.rule](attributes[attribute.of])
        else:
            if attribute.rule not in RULES:
                raise ModelError("model.unknown-rule", f"No rule {attribute.rule} makes {attribute.name} of columns.")
            columns = [table.get(name, absent) for name in attribute.columns]
            attributes[attribute.name] = RULES[attribute.rule](columns)
    return attributes
