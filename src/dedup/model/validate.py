"""What must hold between a linkage model's parts: names resolve, passes are fine enough, omissions lose nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import TypeVar

from dedup.model.faults import FaultList, did_you_mean
from dedup.model.linkage import Attribute, Comparison, ComparisonKind, Field, LinkageModel, Pass, TokenRule
from dedup.model.rules import RULES
from dedup.model.toml_table import MISSING_INTEGER

Value = TypeVar("Value", int, str)

MAX_FIELDS = 32  # presence is a 32-bit word
MAX_SKETCH_BITS = 4096
U_TOLERANCE = 1e-3


def check_model(model: LinkageModel, min_block_bits: float, faults: FaultList) -> None:
    """Note every fault of a model that was read; `min_block_bits` is the least entropy of a block value, in bits."""
    attributes = {a.name: a for a in model.attributes}
    if min_block_bits <= 0:
        faults.add("bad-bits", "In [model], min_block_bits must be above zero.")
    if model.table is not None and len(model.table.separator) != 1:
        faults.add("bad-separator", 'In [table], separator must be one character, as ";" or "\\t" for a tab.')
    _check_sections(model, faults)
    for attribute in model.attributes:
        _check_attribute(attribute, attributes, faults)
    _check_numbers(model, faults)
    for field in model.fields:
        _check_field(field, attributes, faults)
    for linkage_pass in model.passes:
        _check_pass(linkage_pass, model, attributes, min_block_bits, faults)
    for comparison in model.comparisons:
        _check_comparison(comparison, model, faults)


def _check_sections(model: LinkageModel, faults: FaultList) -> None:
    sections = (("fields", model.fields), ("passes", model.passes), ("comparisons", model.comparisons))
    if not model.attributes and not faults.about("attributes must"):
        faults.add("empty-section", "The model has no [attributes].")
    for section, rows in sections:
        if not rows and not faults.about(f"{section} must"):
            faults.add("empty-section", f"The model has no [[{section}]].")


def _check_attribute(attribute: Attribute, attributes: dict[str, Attribute], faults: FaultList) -> None:
    where = f"In attribute {attribute.name}"
    if attribute.bits < 0:
        faults.add("bad-bits", f"{where}, bits must be zero or more.")
    traits = RULES.get(attribute.rule)
    if traits is None:
        if attribute.rule:
            known = ", ".join(sorted(RULES))
            end = did_you_mean(attribute.rule, RULES)
            faults.add("unknown-rule", f"{where}, the rule {attribute.rule!r} does not exist; known are {known}{end}")
        return
    if traits.derived:
        if attribute.columns or not attribute.of:
            sentence = f"{where}, the rule {attribute.rule} works on another attribute: give `of`, and no columns."
            faults.add("rule-needs-attribute", sentence)
        elif attribute.of not in attributes:
            _unknown_attribute(f"{where}, `of`", attribute.of, attributes, faults)
        elif list(attributes).index(attribute.of) >= list(attributes).index(attribute.name):
            faults.add("attribute-order", f"{where}, `of` names {attribute.of!r}, which must be defined above it.")
        return
    least, most = traits.columns
    if (attribute.of or not least <= len(attribute.columns) <= most) and not faults.about(f"{where}, columns"):
        count = f"{least}" if least == most else f"{least} to {most}"
        sentence = f"{where}, the rule {attribute.rule} works on {count} column(s), and takes no `of`."
        faults.add("rule-needs-columns", sentence)


def _check_numbers(model: LinkageModel, faults: FaultList) -> None:
    for kind, numbers in (("field", [f.number for f in model.fields]), ("pass", [p.number for p in model.passes])):
        for number in set(numbers) - {MISSING_INTEGER}:
            if not 1 <= number <= 255:
                faults.add("bad-number", f"The {kind} number {number} is not from 1 to 255.")
        for number in _doubles(n for n in numbers if n != MISSING_INTEGER):
            faults.add("duplicate-number", f"The {kind} number {number} is given twice.")
    for kind, names in (("field", [f.name for f in model.fields]), ("comparison", [c.name for c in model.comparisons])):
        for name in _doubles(names):
            faults.add("duplicate-name", f"The {kind} name {name!r} is given twice.")
    if len(model.fields) > MAX_FIELDS:
        faults.add("too-many-fields", f"The model has {len(model.fields)} fields; at most {MAX_FIELDS} fit.")


def _check_field(field: Field, attributes: dict[str, Attribute], faults: FaultList) -> None:
    where = f"In field {field.name}"
    if field.bits != MISSING_INTEGER and (field.bits % 8 or not 8 <= field.bits <= MAX_SKETCH_BITS):
        faults.add("bad-bits", f"{where}, bits must be a multiple of 8 from 8 to {MAX_SKETCH_BITS}.")
    if field.attribute and field.attribute not in attributes:
        _unknown_attribute(f"{where}, attribute", field.attribute, attributes, faults)
    elif field.tokens is TokenRule.DATE and field.attribute and attributes[field.attribute].rule not in ("date", ""):
        faults.add("tokens-need-date", f"{where}, the token rule date needs an attribute of the rule date.")


def _check_pass(
    linkage_pass: Pass,
    model: LinkageModel,
    attributes: dict[str, Attribute],
    min_block_bits: float,
    faults: FaultList,
) -> None:
    where = f"In pass {linkage_pass.number}"
    if not linkage_pass.attributes:
        faults.add("empty-pass", f"{where}, there are no attributes.")
        return
    unknown = [name for name in linkage_pass.attributes if name not in attributes]
    for name in unknown:
        _unknown_attribute(f"{where}, attributes", name, attributes, faults)
    for name in _doubles(linkage_pass.attributes):
        faults.add("duplicate-name", f"{where}, the attribute {name!r} is named twice.")
    if not unknown:
        bits = _entropy([attributes[name] for name in linkage_pass.attributes], attributes)
        if bits < min_block_bits:
            sentence = (
                f"{where}, the block value has {bits:g} bits by its attributes' declaration, "
                f"fewer than min_block_bits ({min_block_bits:g}): its blocks would be too coarse."
            )
            faults.add("pass-too-coarse", sentence)
    _check_omissions(linkage_pass, model, attributes, faults)


def _check_omissions(
    linkage_pass: Pass, model: LinkageModel, attributes: dict[str, Attribute], faults: FaultList
) -> None:
    where = f"In pass {linkage_pass.number}"
    fields = {field.name: field for field in model.fields}
    for name in linkage_pass.omits:
        field = fields.get(name)
        if field is None:
            _unknown_field(f"{where}, omits", name, fields, faults)
        elif _resolved(linkage_pass, field, attributes) and not _fixed_by(linkage_pass, attributes[field.attribute]):
            sentence = (
                f"{where}, the field {name} may not be omitted: two records can share the block and still differ in "
                f"it, because its attribute is not one of the pass's, may have several values, or is lossy."
            )
            faults.add("omission-not-fixed", sentence)
    if fields and set(fields) <= set(linkage_pass.omits):
        faults.add("pass-omits-all", f"{where}, every field is omitted, so its entries would compare nothing.")


def _resolved(linkage_pass: Pass, field: Field, attributes: dict[str, Attribute]) -> bool:
    """Whether all names are known that decide if the field may be omitted: else that is the fault, and told already."""
    field_attribute = attributes.get(field.attribute)
    known = field_attribute is not None and field_attribute.rule in RULES
    return known and all(name in attributes for name in linkage_pass.attributes)


def _unknown_attribute(where: str, name: str, attributes: dict[str, Attribute], faults: FaultList) -> None:
    # Without any attribute, that is what is wrong.
    if attributes:
        end = did_you_mean(name, attributes)
        faults.add("unknown-attribute", f"{where} names {name!r}, which is no attribute{end}")


def _unknown_field(where: str, name: str, fields: Iterable[str], faults: FaultList) -> None:
    known = list(fields)
    if known:
        faults.add("unknown-field", f"{where} names {name!r}, which is no field{did_you_mean(name, known)}")


def _fixed_by(linkage_pass: Pass, attribute: Attribute) -> bool:
    """Whether an equal block value means an equal normalised value of the attribute, with nothing lost."""
    if attribute.name not in linkage_pass.attributes:
        return False
    traits = RULES.get(attribute.rule)
    return traits is not None and traits.fixes(len(attribute.columns))


def _entropy(parts: list[Attribute], attributes: dict[str, Attribute]) -> float:
    """Sum the declared bits; of attributes that read the same column only the greatest counts, they are no news."""
    families: list[tuple[frozenset[str], float]] = []
    for part in parts:
        columns, bits = _roots(part, attributes), part.bits
        apart = []
        for family, family_bits in families:
            if family & columns:
                columns, bits = columns | family, max(bits, family_bits)
            else:
                apart.append((family, family_bits))
        families = [*apart, (columns, bits)]
    return sum(bits for _, bits in families)


def _roots(attribute: Attribute, attributes: dict[str, Attribute]) -> frozenset[str]:
    """Return the columns that an attribute is made of in the end; empty when following `of` leads nowhere."""
    seen: set[str] = set()
    while attribute.of and attribute.name not in seen and attribute.of in attributes:
        seen.add(attribute.name)
        attribute = attributes[attribute.of]
    return frozenset(attribute.columns)


def _check_comparison(comparison: Comparison, model: LinkageModel, faults: FaultList) -> None:
    where = f"In comparison {comparison.name}"
    names = [field.name for field in model.fields]
    for name in comparison.fields:
        if name not in names:
            _unknown_field(f"{where}, fields", name, names, faults)
    if comparison.split_lowest_by and comparison.split_lowest_by not in names:
        _unknown_field(f"{where}, split_lowest_by", comparison.split_lowest_by, names, faults)
    wanted = {ComparisonKind.SKETCH: 1, ComparisonKind.ADDRESS: 2, ComparisonKind.WEEKS: 0}[comparison.kind]
    if len(comparison.fields) != wanted and not faults.about(f"{where}, fields must"):
        faults.add("comparison-fields", f"{where}, the kind {comparison.kind} compares {wanted} field(s).")
    if comparison.kind is ComparisonKind.WEEKS and model.table is not None:
        faults.add(
            "weeks-without-extract", f"{where}, only the maternity-care extract has weeks; this model reads [table]."
        )
    if comparison.split_lowest_by and comparison.kind is not ComparisonKind.SKETCH:
        faults.add("split-needs-sketch", f"{where}, split_lowest_by belongs to the kind sketch.")
    _check_marks(comparison, model, where, faults)
    thresholds = comparison.thresholds
    if faults.about(f"{where}, thresholds must"):
        pass
    elif not thresholds or any(high <= low for low, high in pairwise(thresholds)):
        faults.add("bad-thresholds", f"{where}, thresholds must be one or more ascending numbers.")
    elif comparison.kind is ComparisonKind.WEEKS:
        if thresholds[0] < 0 or any(weeks % 1 for weeks in thresholds):
            faults.add("bad-thresholds", f"{where}, thresholds must be whole weeks, zero or more.")
    elif thresholds[0] <= 0 or thresholds[-1] > 1:
        faults.add("bad-thresholds", f"{where}, thresholds are similarities: above 0, at most 1.")
    _check_u(comparison, where, faults)


def _check_marks(comparison: Comparison, model: LinkageModel, where: str, faults: FaultList) -> None:
    """Check what the comparison says of relatives and of what changes together (`dedup.link.kinds`)."""
    all_share = comparison.shared_by_relatives
    if comparison.shared_by_some_relatives and (all_share or not any(c.shared_by_relatives for c in model.comparisons)):
        faults.add(
            "special-relatives",
            f"{where}, shared_by_some_relatives goes without shared_by_relatives, which another comparison must have.",
        )
    name = comparison.changes_together
    if name and sum(other.changes_together == name for other in model.comparisons) < 2:
        faults.add("changes-alone", f"{where}, changes_together is {name!r}, but no other comparison changes with it.")


def _check_u(comparison: Comparison, where: str, faults: FaultList) -> None:
    if not comparison.u:
        return
    widths = {len(row) for row in comparison.u}
    if len(comparison.u) != 3 or len(widths) != 1:
        faults.add("bad-u", f"{where}, u must be three rows of equal length: for 1, 2, and 3 or more entries.")
        return
    # The address levels are the linker's own table, so only the kinds whose levels follow from thresholds are counted.
    levels = len(comparison.thresholds) + 1 + (1 if comparison.split_lowest_by else 0)
    counted = comparison.kind is not ComparisonKind.ADDRESS and not faults.about(f"{where}, thresholds must")
    if counted and widths != {levels}:
        faults.add("bad-u", f"{where}, each row of u must have {levels} probabilities, one per level.")
    if any(p < 0 for row in comparison.u for p in row) or any(abs(sum(row) - 1) > U_TOLERANCE for row in comparison.u):
        faults.add("bad-u", f"{where}, each row of u must be probabilities that add up to 1.")


def _doubles(values: Iterable[Value]) -> list[Value]:
    return [value for value, count in Counter(values).items() if count > 1]
