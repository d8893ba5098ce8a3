"""What is kept of the statistics that a vendor sends along: the counts that the reports show, and nothing else.

Statistics are free JSON, and the one place in a bundle where a careless vendor could put a value of a client, or a
number that a later stage cannot work with. So the form is closed, and whatever else is in them is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MAX_COUNT = 1_000_000_000
MAX_CODES = 256
_COUNTS = ("rows", "accepted", "refused", "withheld")
_BY_CODE = "counts_by_code"
_CODE = re.compile(r"[a-z][a-z0-9_.-]{0,63}")


def counts_only(statistics: Mapping[str, Any]) -> dict[str, Any]:
    """Return `rows`, `accepted`, `refused`, `withheld` and the object `counts_by_code`, as far as they are counts."""
    kept: dict[str, Any] = {name: statistics[name] for name in _COUNTS if _is_count(statistics.get(name))}
    by_code = statistics.get(_BY_CODE)
    if isinstance(by_code, Mapping):
        counts = {code: count for code, count in sorted(by_code.items()) if _CODE.fullmatch(code) and _is_count(count)}
        kept[_BY_CODE] = dict(list(counts.items())[:MAX_CODES])
    return kept


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_COUNT  # true and false are integers to Python, but no counts
