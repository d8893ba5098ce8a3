"""JSON without room for doubt: one way to write a value, and a reader that refuses everything ambiguous."""

from __future__ import annotations

import json
import math
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Return `value` as UTF-8 JSON with sorted keys, no white space, no escapes that are not needed.

    Raises `ValueError` for NaN and infinities, which JSON does not have.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")


def parse_json(data: bytes) -> Any:
    """Parse UTF-8 JSON; raises `ValueError` for whatever two readers could understand differently.

    That is: a key that stands twice, NaN and infinities (also as 1e999), a byte order mark, bytes that are not UTF-8,
    lone surrogates, and nesting too deep to read.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object_without_doubles,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if b"\\u" in data:  # only an escape can make a lone surrogate; encoding it again is the check
        canonical_json(value)
    return value


def _object_without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice")
    return result


def _refuse_constant(_text: str) -> Any:
    raise ValueError("not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number out of range")
    return number
