"""Writes u tables into a linkage model's TOML file and leaves every other line as its author wrote it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

from dedup.errors import ModelError
from dedup.lab.fit_u import UTable

_COMPARISONS = "[[comparisons]]"


def with_u(text: str, tables: Mapping[str, UTable]) -> str:
    """Return the model file with a new `u` under each comparison; raises `ModelError` (`fit.model-layout`).

    The file must write its comparisons as `[[comparisons]]` tables with the name on a line of its own.
    """
    lines: list[str] = []
    for part in _parts(text.splitlines()):
        name = _name_of(part)
        lines += part if name is None else _with_table(part, tables[name])
    result = "\n".join(lines) + "\n"
    written = {row["name"]: row.get("u") for row in tomllib.loads(result).get("comparisons", [])}
    if written != {name: [list(row) for row in table] for name, table in tables.items()}:
        raise ModelError("fit.model-layout", "The model's comparisons are not laid out so that u can be written.")
    return result


def _parts(lines: list[str]) -> list[list[str]]:
    """Cut the file before every line that opens a table."""
    parts: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("["):
            parts.append([])
        parts[-1].append(line)
    return parts


def _name_of(part: list[str]) -> str | None:
    if not part or part[0].partition("#")[0].strip() != _COMPARISONS:
        return None
    return str(tomllib.loads("\n".join(part))["comparisons"][0]["name"])


def _with_table(part: list[str], table: UTable) -> list[str]:
    """Drop the old u, which ends where its brackets do, and put the new one after the last line that says something."""
    kept: list[str] = []
    depth = 0
    for line in part:
        is_start = depth == 0 and line.partition("=")[0].strip() == "u"
        if is_start or depth > 0:
            depth += line.count("[") - line.count("]")
            continue
        kept.append(line)
    end = max(position for position, line in enumerate(kept) if line.strip() and not line.startswith("#")) + 1
    rows = ["    [" + ", ".join(f"{value:.12g}" for value in row) + "]," for row in table]
    return [*kept[:end], "u = [", *rows, "]", *kept[end:]]
