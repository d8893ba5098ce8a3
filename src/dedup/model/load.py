"""Reading a linkage model from its TOML file: all of its faults are found, then raised once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from dedup.errors import ModelError, shortened
from dedup.model.digest import model_digest
from dedup.model.faults import FaultList, did_you_mean
from dedup.model.linkage import (
    Attribute,
    Comparison,
    ComparisonKind,
    Field,
    LinkageModel,
    Pass,
    TableFormat,
    TokenRule,
)
from dedup.model.toml_table import LONGEST_TEXT, TableReader
from dedup.model.validate import check_model
from dedup.toml import read_toml

Row = TypeVar("Row")
Choice = TypeVar("Choice", bound=StrEnum)

SECTIONS = ("model", "table", "attributes", "fields", "passes", "comparisons")


def load_model(path: Path, *, without_u: bool = False) -> LinkageModel:
    """Read, check and return a linkage model; `without_u` leaves its u tables out, for who is to fit them anew.

    Raises `ModelError`: `model.missing-file` or `model.malformed` when there is no TOML to read, else an
    `InvalidModelError` with every fault that was found.
    """
    try:
        document = read_toml(path)
    except OSError as error:
        raise ModelError("model.missing-file", f"The linkage model {path} cannot be read.") from error
    except UnicodeDecodeError as error:
        raise ModelError("model.malformed", f"The linkage model {path} is not valid TOML: it is not UTF-8.") from error
    except ValueError as error:
        why = shortened(str(error), most=200)
        raise ModelError("model.malformed", f"The linkage model {path} is not valid TOML: {why}.") from error
    if without_u and isinstance(rows := document.get("comparisons"), list):
        # A table of the thresholds that were there before is what fitting mends; it must not stand in its way.
        document["comparisons"] = [_without_u(row) for row in rows]
    return parse_model(document, source=f"The linkage model {path}")


def _without_u(row: Any) -> Any:
    return {key: value for key, value in row.items() if key != "u"} if isinstance(row, Mapping) else row


def parse_model(document: Mapping[str, Any], *, source: str = "The linkage model") -> LinkageModel:
    """Build a model from a parsed TOML document; raises `InvalidModelError`, whose message starts with `source`."""
    faults = FaultList()
    for section in document:
        if section not in SECTIONS:
            known = ", ".join(SECTIONS)
            end = did_you_mean(section, SECTIONS)
            faults.add("unknown-key", f"[{shortened(section)}] is not a known section; known are {known}{end}")

    head = TableReader(document.get("model", {}), "[model]", faults)
    name, version, min_block_bits = head.text("name"), head.integer("version"), head.number("min_block_bits")
    head.refuse_unknown_keys()

    table = _table_format(document["table"], faults) if "table" in document else None
    named = document.get("attributes", {})
    if not isinstance(named, Mapping):
        faults.add("wrong-type", "attributes must be written as [attributes], one line per attribute.")
        named = {}
    attributes = tuple(_attribute(key, value, faults) for key, value in named.items())
    fields = _rows(document, "fields", _field, faults)
    passes = _rows(document, "passes", _pass, faults)
    comparisons = _rows(document, "comparisons", _comparison, faults)

    digest = model_digest(table, attributes, fields, passes)
    model = LinkageModel(name, version, digest, table, attributes, fields, passes, comparisons)
    check_model(model, min_block_bits, faults)
    faults.raise_any(source)
    return model


def _table_format(document: object, faults: FaultList) -> TableFormat:
    reader = TableReader(document, "[table]", faults)
    table = TableFormat(reader.text("id_column"), reader.text("separator", ","))
    reader.refuse_unknown_keys()
    return table


def _attribute(name: str, document: object, faults: FaultList) -> Attribute:
    reader = TableReader(document, f"attribute {shortened(name)}", faults)
    if len(name) > LONGEST_TEXT:
        faults.add("wrong-type", f"The name of {reader.where} is over {LONGEST_TEXT} characters long.")
        name = shortened(name)
    attribute = Attribute(
        name=name,
        rule=reader.text("rule"),
        columns=reader.texts("columns", required=False),
        of=reader.text("of", ""),
        bits=reader.number("bits"),
    )
    reader.refuse_unknown_keys()
    return attribute


def _field(reader: TableReader, faults: FaultList) -> Field:
    return Field(
        number=reader.integer("number"),
        name=reader.text("name"),
        attribute=reader.text("attribute"),
        tokens=_choice(TokenRule, "tokens", reader, "unknown-tokens", faults) or TokenRule.WHOLE,
        bits=reader.integer("bits"),
    )


def _pass(reader: TableReader, _faults: FaultList) -> Pass:
    return Pass(
        number=reader.integer("number"),
        attributes=reader.texts("attributes", required=True),
        omits=reader.texts("omits", required=False),
    )


def _comparison(reader: TableReader, faults: FaultList) -> Comparison:
    return Comparison(
        name=reader.text("name"),
        kind=_choice(ComparisonKind, "kind", reader, "unknown-kind", faults) or ComparisonKind.SKETCH,
        fields=reader.texts("fields", required=True),
        thresholds=reader.numbers("thresholds", required=True),
        split_lowest_by=reader.text("split_lowest_by", ""),
        u=reader.rows("u"),
        shared_by_relatives=reader.flag("shared_by_relatives"),
        shared_by_some_relatives=reader.flag("shared_by_some_relatives"),
        changes_together=reader.text("changes_together", ""),
    )


def _choice(choices: type[Choice], key: str, reader: TableReader, code: str, faults: FaultList) -> Choice | None:
    written = reader.text(key)
    if written in set(choices):
        return choices(written)
    if written:
        known = ", ".join(choice.value for choice in choices)
        faults.add(code, f"In {reader.where}, {key} is {written!r}; known are {known}.")
    return None


def _rows(
    document: Mapping[str, Any], section: str, read: Callable[[TableReader, FaultList], Row], faults: FaultList
) -> tuple[Row, ...]:
    rows = document.get(section, [])
    if not isinstance(rows, list):
        faults.add("wrong-type", f"{section} must be written as [[{section}]], one table each.")
        return ()
    return tuple(_read_rows(rows, section, read, faults))


def _read_rows(
    rows: list[object], section: str, read: Callable[[TableReader, FaultList], Row], faults: FaultList
) -> Iterable[Row]:
    singular = {"fields": "field", "passes": "pass", "comparisons": "comparison"}[section]
    for position, row in enumerate(rows, 1):
        label = row.get("name", row.get("number", f"no. {position}")) if isinstance(row, Mapping) else position
        reader = TableReader(row, f"{singular} {shortened(str(label))}", faults)
        yield read(reader, faults)
        reader.refuse_unknown_keys()
