"""TOML that people write, read as a whole or refused: the settings, the rules, the linkage model."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

_WHOLE_NUMBERS = range(-(2**63), 2**63)  # TOML 1.0: what a reader has to take; floats and numpy hold no more either


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file in UTF-8; editors on Windows put a byte order mark in front, which is passed over.

    Raises `OSError`, and `ValueError` for whatever is not TOML, bytes that are not UTF-8, whole numbers of more than 64
    bits and nesting too deep to read.
    """
    text = path.read_text("utf-8-sig")
    try:
        document = tomllib.loads(text)
        _check_numbers(document)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    return document


def _check_numbers(value: object) -> None:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            _check_numbers(one)
    elif type(value) is int and value not in _WHOLE_NUMBERS:
        raise ValueError("a whole number of more than 64 bits")
