"""The JSON report holds what its schema says, and nothing that could identify a client."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

import pytest

from dedup.reports import json as json_report

SCHEMA = json.loads(files("dedup.reports").joinpath("schema/ksv-report-1.json").read_text("utf-8"))
TYPES = {
    "object": dict, "array": list, "string": str, "integer": int, "number": int | float, "boolean": bool,
    "null": type(None),
}  # fmt: skip
READ = {
    "$schema", "$ref", "$defs", "title", "description", "type", "const", "enum", "properties", "required",
    "additionalProperties", "items", "minimum", "pattern", "format",
}  # fmt: skip


def faults(value: Any, schema: dict[str, Any], place: str = "$") -> list[str]:
    """What is wrong with a value, by the part of JSON Schema that our schema uses."""
    if unread := set(schema) - READ:
        return [f"{place}: the test does not read {unread}"]
    if "$ref" in schema:
        return faults(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], place)
    found = []
    kinds = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", [])
    is_bool = isinstance(value, bool)
    if kinds and not any(isinstance(value, TYPES[kind]) and (not is_bool or kind == "boolean") for kind in kinds):
        return [f"{place}: {type(value).__name__} is none of {kinds}"]
    if "const" in schema and value != schema["const"]:
        found.append(f"{place}: is not {schema['const']}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{place}: is none of {schema['enum']}")
    if "minimum" in schema and value < schema["minimum"]:
        found.append(f"{place}: is below {schema['minimum']}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{place}: does not look like {schema['pattern']}")
    if schema.get("format") == "date" and value is not None and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        found.append(f"{place}: is no date")
    if isinstance(value, dict):
        properties = schema["properties"]
        found += [f"{place}: lacks {name}" for name in schema["required"] if name not in value]
        found += [f"{place}: {name} is not in the schema" for name in value if name not in properties]
        for name in set(value) & set(properties):
            found += faults(value[name], properties[name], f"{place}.{name}")
    if isinstance(value, list):
        for at, item in enumerate(value):
            found += faults(item, schema["items"], f"{place}[{at}]")
    return found


def test_the_report_is_as_its_schema_says(report):
    rendered = json.loads(json.dumps(json_report.render(report)))
    assert faults(rendered, SCHEMA) == []
    assert len(rendered["findings"]) > 10
    assert len(rendered["legitimate"]) > 3
    assert len(rendered["demand"]) > 5


@pytest.mark.parametrize(
    "damage",
    [
        lambda report: report.pop("day"),
        lambda report: report["findings"][0].update(probability=0.997),
        lambda report: report["findings"][0]["agreed"].append("Jansen"),
        lambda report: report["findings"][0].update(days_open="3"),
        lambda report: report["summary"].update(new=-1),
        lambda report: report["findings"][0].update(edd_week="2026-11-22"),
    ],
)
def test_the_schema_check_can_fail(report, damage):
    rendered = json.loads(json.dumps(json_report.render(report)))
    damage(rendered)
    assert len(faults(rendered, SCHEMA)) == 1


def test_no_probability_and_no_level_is_given(report):
    written = json.dumps(json_report.render(report))
    assert "probability" not in written
    assert "0.99" not in written
    assert "levels" not in written


def test_the_same_report_renders_the_same(report):
    assert json.dumps(json_report.render(report)) == json.dumps(json_report.render(report))
