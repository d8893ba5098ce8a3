"""Who walks through a server's protocol, and on whose behalf."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dedup.lab.conformance.calls import Caller
from dedup.send.bundlefile import BundleFile


@dataclass(frozen=True, slots=True)
class Walk:
    """Who walks, for which provider, on which day; `other` is a second vendor, `bundle` one that may be accepted."""

    caller: Caller
    provider: str
    today: date
    other: Caller | None = None
    bundle: BundleFile | None = None
