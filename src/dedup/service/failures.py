"""How often somebody may fail to prove who it is: a bucket of failures an address, which fills up again with time.

Signatures cannot be guessed; this keeps whoever tries from filling the audit log and the processor. An address that
failed too often is refused before anything is looked at; what succeeds does not count.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

_REMEMBERED = 10_000  # addresses; those that failed longest ago are forgotten first


@dataclass(slots=True)
class _Bucket:
    left: float
    at: datetime


class FailureLimit:
    """At most `per_minute` failures an address at once, and as many a minute after that."""

    def __init__(self, per_minute: int) -> None:
        self._size = float(max(1, per_minute))
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = Lock()

    def wait(self, address: str, now: datetime) -> int:
        """Return how many seconds this address has to wait before it may try again; 0 when it need not."""
        with self._lock:
            bucket = self._buckets.get(address)
            missing = 1 - self._left(bucket, now) if bucket else 0
        return max(0, math.ceil(missing * 60 / self._size))

    def failed(self, address: str, now: datetime) -> bool:
        """Count a failure; returns False when the address had none left."""
        with self._lock:
            bucket = self._buckets.pop(address, None)
            left = self._left(bucket, now) if bucket else self._size
            self._buckets[address] = _Bucket(max(0.0, left - 1), now)
            while len(self._buckets) > _REMEMBERED:
                self._buckets.popitem(last=False)
        return left >= 1

    def _left(self, bucket: _Bucket, now: datetime) -> float:
        passed = max(timedelta(), now - bucket.at).total_seconds()
        return min(self._size, bucket.left + passed * self._size / 60)
