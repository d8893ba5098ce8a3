"""Reading one TOML table of a model: every key is known, present and of its type, or a fault is noted."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, nan
from typing import Any

from dedup.errors import shortened
from dedup.model.faults import FaultList, did_you_mean

# Stands for a whole number whose fault is noted already, so that checks do not complain of it again.
MISSING_INTEGER = -(2**63)
LONGEST_TEXT = 200  # characters; sentences about a model repeat its names


class TableReader:
    """Takes the keys of one TOML table; `where` names the table in faults, as in `pass 3`.

    A key of the wrong type is a fault and yields the default, so that reading goes on and finds the other faults.
    """

    def __init__(self, table: object, where: str, faults: FaultList) -> None:
        self._is_table = isinstance(table, Mapping)
        if not self._is_table:
            faults.add("wrong-type", f"In {where}, a table of keys and values is expected.")
        self._table: Mapping[str, Any] = table if isinstance(table, Mapping) else {}
        self._known: set[str] = set()
        self.where = where
        self._faults = faults

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string; without a default the key is required and must not be empty."""
        value = self._take(key, str, "a text", required=default is None)
        if value is not None and len(value) > LONGEST_TEXT:
            self._faults.add("wrong-type", f"In {self.where}, {key} is over {LONGEST_TEXT} characters long.")
            return default or ""
        if value == "" and default is None:
            self._faults.add("empty-value", f"In {self.where}, {key} is empty.")
        return str(value) if value is not None else (default or "")

    def integer(self, key: str) -> int:
        """Return a required whole number, `MISSING_INTEGER` when it is missing or wrong."""
        value = self._take(key, int, "a whole number", required=True)
        return MISSING_INTEGER if value is None else int(value)

    def number(self, key: str) -> float:
        """Return a required number, NaN when it is missing or wrong."""
        value = self._take(key, (int, float), "a number", required=True)
        return nan if value is None else float(value)

    def flag(self, key: str) -> bool:
        """Return an optional true or false; false when it is missing or wrong."""
        self._known.add(key)
        value = self._table.get(key, False)
        if not isinstance(value, bool):
            self._faults.add("wrong-type", f"In {self.where}, {key} must be true or false.")
            return False
        return value

    def texts(self, key: str, *, required: bool) -> tuple[str, ...]:
        """Return a list of strings; empty when it is missing."""
        values = [str(v) for v in self._list(key, str, "texts", required=required)]
        if any(len(value) > LONGEST_TEXT for value in values):
            self._faults.add("wrong-type", f"In {self.where}, a text of {key} is over {LONGEST_TEXT} characters long.")
            return ()
        return tuple(values)

    def numbers(self, key: str, *, required: bool) -> tuple[float, ...]:
        """Return a list of numbers; empty when it is missing."""
        return tuple(float(v) for v in self._list(key, (int, float), "numbers", required=required))

    def rows(self, key: str) -> tuple[tuple[float, ...], ...]:
        """Return an optional list of lists of numbers; empty when it is missing."""
        rows = self._list(key, list, "lists of numbers", required=False)
        if any(not _is(v, (int, float)) for row in rows for v in row):
            self._faults.add("wrong-type", f"In {self.where}, {key} must be a list of lists of numbers.")
            return ()
        return tuple(tuple(float(v) for v in row) for row in rows)

    def refuse_unknown_keys(self) -> None:
        """Note every key that was not asked for: a misspelt key must not pass in silence."""
        for key in self._table:
            if key not in self._known:
                known = ", ".join(sorted(self._known))
                end = did_you_mean(key, self._known)
                sentence = f"In {self.where}, {shortened(key)} is not a known key; known are {known}{end}"
                self._faults.add("unknown-key", sentence)

    def _list(self, key: str, kind: type | tuple[type, ...], of_what: str, *, required: bool) -> list[Any]:
        values = self._take(key, list, f"a list of {of_what}", required=required)
        if values is None:
            return []
        if any(not _is(v, kind) for v in values):
            self._faults.add("wrong-type", f"In {self.where}, {key} must be a list of {of_what}.")
            return []
        return list(values)

    def _take(self, key: str, kind: type | tuple[type, ...], what: str, *, required: bool) -> Any:
        self._known.add(key)
        if key not in self._table:
            if required and self._is_table:
                self._faults.add("missing-key", f"In {self.where}, {key} is missing.")
            return None
        value = self._table[key]
        if not _is(value, kind):
            self._faults.add("wrong-type", f"In {self.where}, {key} must be {what}.")
            return None
        return value


def _is(value: object, kind: type | tuple[type, ...]) -> bool:
    # TOML's true and false are no numbers here, although Python's are, and neither are its inf and nan.
    return (
        isinstance(value, kind)
        and not isinstance(value, bool)
        and not (isinstance(value, float) and not isfinite(value))
    )
