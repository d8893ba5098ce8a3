"""Groups: registrations judged to be one woman, as connected components that hold no contradiction.

Pairs above the threshold are joined from the strongest down. Where a component holds a contradiction (two of its
records were compared and found very unlikely to be one woman), a join that would bring the two together is left out.
Joins of equal strength are made together or not at all, so the result does not depend on the order of records.
"""

from __future__ import annotations

from itertools import groupby

import numpy as np
from numba import njit
from numpy.typing import NDArray


def group(
    records: int,
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    log_odds: NDArray[np.float64],
    *,
    joins_from: float,
    contradicts_below: float,
) -> NDArray[np.int32]:
    """Return int32[records], the smallest record index of each record's group.

    `joins_from` and `contradicts_below` are log odds: a pair from the first on joins, one below the second contradicts.
    """
    joined = log_odds >= joins_from
    component = _components(records, left[joined], right[joined])
    inside = component[left] == component[right]
    against = inside & (log_odds < contradicts_below)
    if against.any():
        mended = np.unique(component[left[against]])
        component = _smallest(_mend(component, mended, left, right, log_odds, joined & inside, against))
    return component


@njit(cache=True, nogil=True)
def _components(records: int, left: NDArray[np.int32], right: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return for each record the smallest of its connected component: union-find, always below the smaller root."""
    root = np.arange(records).astype(np.int32)
    for pair in range(len(left)):
        one, other = left[pair], right[pair]
        while root[one] != one:
            root[one] = root[root[one]]
            one = root[one]
        while root[other] != other:
            root[other] = root[root[other]]
            other = root[other]
        root[max(one, other)] = min(one, other)
    for record in range(records):
        root[record] = root[root[record]]  # whose own root lies before it and is final
    return root


def _smallest(component: NDArray[np.int64]) -> NDArray[np.int32]:
    _, first, inverse = np.unique(component, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int32)


def _mend(
    component: NDArray[np.int32],
    mended: NDArray[np.int32],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    log_odds: NDArray[np.float64],
    joins: NDArray[np.bool_],
    against: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Build the contradictory components again, join by join."""
    bad = np.isin(component[left], mended)
    clusters = _Clusters()
    for pair in np.flatnonzero(against & bad):
        clusters.keep_apart(int(left[pair]), int(right[pair]))
    joining = np.flatnonzero(joins & bad)
    joining = joining[np.argsort(-log_odds[joining], kind="stable")]
    for _, equal in groupby(joining, key=lambda pair: float(log_odds[pair])):
        clusters.join([(int(left[pair]), int(right[pair])) for pair in equal])
    # New labels lie above the old ones, so that a part of a component never takes another's label.
    labels = component.astype(np.int64)
    members = np.flatnonzero(np.isin(component, mended))
    labels[members] = [len(component) + clusters.cluster_of(int(record)) for record in members]
    return labels


class _Clusters:
    """Clusters of records that grow by joins, and which clusters must stay apart."""

    def __init__(self) -> None:
        self._cluster: dict[int, int] = {}
        self._members: dict[int, list[int]] = {}
        self._apart: dict[int, set[int]] = {}

    def cluster_of(self, record: int) -> int:
        return self._cluster.get(record, record)

    def keep_apart(self, one: int, other: int) -> None:
        self._apart.setdefault(one, set()).add(other)
        self._apart.setdefault(other, set()).add(one)

    def join(self, pairs: list[tuple[int, int]]) -> None:
        """Join the clusters that equally strong pairs connect, unless that brings contradicting records together."""
        neighbours: dict[int, set[int]] = {}
        for one, other in pairs:
            a, b = self.cluster_of(one), self.cluster_of(other)
            if a != b:
                neighbours.setdefault(a, set()).add(b)
                neighbours.setdefault(b, set()).add(a)
        done: set[int] = set()
        for start in sorted(neighbours):
            if start in done:
                continue
            reached = _reachable(start, neighbours)
            done |= reached
            if not any(self._apart.get(cluster, set()) & reached for cluster in reached):
                self._merge(sorted(reached))

    def _merge(self, clusters: list[int]) -> None:
        keep = max(clusters, key=lambda cluster: (len(self._members.get(cluster, ())), -cluster))
        members = self._members.setdefault(keep, [keep])
        for cluster in clusters:
            if cluster == keep:
                continue
            moved = self._members.pop(cluster, [cluster])
            for record in moved:
                self._cluster[record] = keep
            members.extend(moved)
            for enemy in self._apart.pop(cluster, set()):
                self._apart[enemy].discard(cluster)
                self.keep_apart(keep, enemy)


def _reachable(start: int, neighbours: dict[int, set[int]]) -> set[int]:
    reached, todo = {start}, [start]
    while todo:
        for cluster in neighbours[todo.pop()] - reached:
            reached.add(cluster)
            todo.append(cluster)
    return reached
