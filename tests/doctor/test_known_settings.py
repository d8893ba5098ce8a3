"""The doctor knows every setting that the product reads, and none but those: they are the ones that it ships."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

from dedup.doctor import Outcome
from dedup.lab.installation import Installation

from .conftest import found, set_setting

ROOT = Path(__file__).parents[2]


def constants(nodes: list[ast.expr]) -> list[str]:
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def section_of(node: ast.expr) -> str:
    """Return the name in a call of `section`, "" for anything else."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "section":
        return "".join(constants(node.args))
    return ""


def settings_read() -> set[tuple[str, str]]:
    """Return section and name of each setting that the source asks for by both names."""
    found = set()
    for path in (ROOT / "src" / "dedup").rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)):
            if not isinstance(call.func, ast.Attribute):
                continue
            named, asked = constants(call.args), call.func
            if asked.attr in {"count", "share", "text", "path"} and len(named) >= 2 and len(call.args) == 3:
                found.add((named[0], named[1]))
            if asked.attr == "get" and named and (section := section_of(asked.value)):
                found.add((section, named[0]))
    return found


def test_every_setting_that_is_read_is_known_to_it(patient: Installation) -> None:
    """One that were not would be told to be read by nothing."""
    read = settings_read()
    assert {("nightly", "drop_after_days"), ("service", "issuer"), ("store", "url")} <= read
    values = {"url": '"sqlite:///x"', "issuer": '"https://x"', "proxies": '"127.0.0.1"'}
    present = tomllib.loads((patient.folder / "config" / "settings.toml").read_text("utf-8"))
    for section, name in sorted(read):
        if name not in present.get(section, {}):
            set_setting(patient, section, f"{name} = {values.get(name, '1')}")

    assert found(patient, "doctor.settings").outcome is Outcome.OK


def test_a_setting_that_is_mistyped_is_named(patient: Installation) -> None:
    set_setting(patient, "nightly", "drop_after_day = 3")

    told = found(patient, "doctor.settings")
    assert told.outcome is Outcome.WARNING
    assert "[nightly] drop_after_day." in told.sentence
