"""What is kept of the statistics that a vendor sends along: numbers under code-like names, nothing else.

Statistics are free JSON, and the one place in a bundle where a careless vendor could put a value of a client. Texts are
dropped whatever they say; so are names that are not codes, and what is nested deeper than the checks of an extract are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 3
_CODE = re.compile(r"[a-z][a-z0-9_.-]{0,63}")


def counts_only(statistics: Mapping[str, Any], depth: int = MAX_DEPTH) -> dict[str, Any]:
    """Return the numbers of `statistics` and of the objects in it, at most `MAX_DEPTH` deep."""
    kept: dict[str, Any] = {}
    for name, value in statistics.items():
        if not _CODE.fullmatch(name):
            continue
        if isinstance(value, int | float) and not isinstance(value, bool):
            kept[name] = value
        elif isinstance(value, Mapping) and depth > 1:
            kept[name] = counts_only(value, depth - 1)
    return kept
