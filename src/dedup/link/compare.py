"""From hits to compared pairs: distances of a pair's hits added up, turned into levels, and packed into a pattern.

Adding integers over independent sketches lowers the noise and does not depend on the order of records. The similarity
of a field is 1 - 2 * distance / bits: 1 for equal values, 0 on average for values that share nothing, and in between
2/pi times the arc sine of the cosine of their token sets (SimHash; Charikar, STOC 2002; docs/spec/encoding-v1.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dedup.link.candidates import Hits
from dedup.link.levels import ONE_TOKEN_AGREES, LevelRules
from dedup.model.linkage import LinkageModel
from dedup.model.records import EncodedRecords

_FAR_APART = np.int16(32767)
# Guards a similarity that is exactly a threshold against the rounding of 1 - 2 * distance / bits.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class ComparedPairs:
    """p pairs, each once, ordered by left and then right.

    `left` and `right` are int32[p]; `levels` int8[p, c]; `weeks_apart` int16[p], -1 where an EDD is missing; `pattern`
    int64[p] packs the pair's cells in mixed radix (`LevelRules.cells`, last comparison in the lowest place).
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    levels: NDArray[np.int8]
    weeks_apart: NDArray[np.int16]
    pattern: NDArray[np.int64]


def compare(hits: Hits, records: EncodedRecords, model: LinkageModel, rules: LevelRules) -> ComparedPairs:
    """Add up the hits of every pair and compute its levels; the result's size is known only afterwards."""
    carries = np.array([[field.name not in p.omits for field in model.fields] for p in model.passes], dtype=np.bool_)
    size = len(hits.right)
    left = np.empty(size, dtype=np.int32)
    right = np.empty(size, dtype=np.int32)
    levels = np.empty((size, len(rules.names)), dtype=np.int8)
    weeks_apart = np.empty(size, dtype=np.int16)
    pattern = np.empty(size, dtype=np.int64)
    found = _compare(
        hits.first_left,
        hits.offsets,
        hits.right,
        hits.via,
        hits.distance,
        carries,
        np.array([field.bits for field in model.fields], dtype=np.int64),
        records.presence,
        records.edd_week,
        rules.kind,
        rules.first,
        rules.second,
        rules.split,
        rules.thresholds,
        rules.threshold_count,
        rules.observed,
        rules.cells,
        left,
        right,
        levels,
        weeks_apart,
        pattern,
    )
    return ComparedPairs(left[:found], right[:found], levels[:found], weeks_apart[:found], pattern[:found])


def join(parts: list[ComparedPairs], comparisons: int) -> ComparedPairs:
    """Put the pairs of all slices behind one another."""
    if not parts:
        none = np.empty(0, dtype=np.int32)
        levels = np.empty((0, comparisons), dtype=np.int8)
        return ComparedPairs(none, none, levels, np.empty(0, dtype=np.int16), np.empty(0, dtype=np.int64))
    return ComparedPairs(
        left=np.concatenate([part.left for part in parts]),
        right=np.concatenate([part.right for part in parts]),
        levels=np.concatenate([part.levels for part in parts]),
        weeks_apart=np.concatenate([part.weeks_apart for part in parts]),
        pattern=np.concatenate([part.pattern for part in parts]),
    )


@njit(cache=True, nogil=True)
def _similarity(distance: int, bits: int) -> float:
    """Estimate the similarity; a field that no entry carried was fixed by the block, so it is equal."""
    if bits == 0:
        return 1.0
    return 1.0 - 2.0 * distance / bits


@njit(cache=True, nogil=True)
def _reached(value: float, thresholds: NDArray[np.float64]) -> int:
    """Return how many of the ascending thresholds a similarity reaches."""
    level = 0
    for threshold in thresholds:
        if value + _ROUNDING >= threshold:
            level += 1
    return level


@njit(cache=True, nogil=True)
def _sketch_level(
    value: float, thresholds: NDArray[np.float64], split: int, split_known: bool, split_value: float
) -> int:
    """Level of one field; where the lowest is split, 0 asks that the other field is known and differs as well."""
    level = _reached(value, thresholds)
    if split >= 0:
        level += 1
        if level == 1 and split_known and split_value < ONE_TOKEN_AGREES:
            level = 0
    return level


@njit(cache=True, nogil=True)
def _address_level(postcode: float, number: float, number_known: bool, thresholds: NDArray[np.float64]) -> int:
    """Level of an address: none, weak, near, postcode, near and number, postcode and number.

    A house number agrees from the highest threshold; an unknown one counts as other.
    """
    reached = _reached(postcode, thresholds)
    same_number = number_known and number + _ROUNDING >= thresholds[2]
    if reached == 3:
        return 5 if same_number else 3
    if reached == 2:
        return 4 if same_number else 2
    return reached


@njit(cache=True, nogil=True)
def _weeks_level(apart: int, thresholds: NDArray[np.float64]) -> int:
    """Return how many of the thresholds the difference stays within; fewer weeks are a higher level."""
    level = 0
    for threshold in thresholds:
        if apart <= threshold:
            level += 1
    return level


@njit(cache=True, nogil=True)
def _compare(
    first_left: int,
    offsets: NDArray[np.int64],
    hit_right: NDArray[np.int32],
    hit_via: NDArray[np.uint8],
    hit_distance: NDArray[np.uint16],
    carries: NDArray[np.bool_],
    field_bits: NDArray[np.int64],
    presence: NDArray[np.uint32],
    edd_week: NDArray[np.int32],
    kind: NDArray[np.int8],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    split: NDArray[np.int64],
    thresholds: NDArray[np.float64],
    threshold_count: NDArray[np.int64],
    observed: NDArray[np.int64],
    cells: NDArray[np.int64],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    levels: NDArray[np.int8],
    weeks_apart: NDArray[np.int16],
    pattern: NDArray[np.int64],
) -> int:
    """Fill the arrays of compared pairs and return how many there are."""
    fields = len(field_bits)
    differ = np.zeros(fields, dtype=np.int64)
    bits = np.zeros(fields, dtype=np.int64)
    carried = np.zeros(fields, dtype=np.int64)
    found = 0
    for slot in range(len(offsets) - 1):
        begin, end = offsets[slot], offsets[slot + 1]
        if begin == end:
            continue
        order = begin + np.argsort(hit_right[begin:end], kind="mergesort")
        a = first_left + slot
        at = 0
        while at < end - begin:
            b = hit_right[order[at]]
            differ[:] = 0
            bits[:] = 0
            carried[:] = 0
            while at < end - begin and hit_right[order[at]] == b:
                hit = order[at]
                for f in range(fields):
                    if carries[hit_via[hit], f]:
                        differ[f] += hit_distance[hit, f]
                        bits[f] += field_bits[f]
                        carried[f] += 1
                at += 1
            both = presence[a] & presence[b]
            apart = -1
            if edd_week[a] >= 0 and edd_week[b] >= 0:
                apart = min(abs(edd_week[a] - edd_week[b]), _FAR_APART)
            packed = np.int64(0)
            for c in range(len(kind)):
                cell = 0
                level = -1
                f, g = first[c], second[c]
                limits = thresholds[c, : threshold_count[c]]
                if kind[c] == 2:
                    if apart >= 0:
                        level = _weeks_level(apart, limits)
                        cell = 2 + level
                elif (both >> f) & 1:
                    seen = carried[f]
                    value = _similarity(differ[f], bits[f])
                    if kind[c] == 1:
                        seen = max(seen, carried[g])
                        known = ((both >> g) & 1) == 1
                        level = _address_level(value, _similarity(differ[g], bits[g]), known, limits)
                    else:
                        s = split[c]
                        known = s >= 0 and ((both >> s) & 1) == 1
                        other = _similarity(differ[s], bits[s]) if s >= 0 else 1.0
                        level = _sketch_level(value, limits, s, known, other)
                    if seen == 0:
                        level = observed[c]
                        cell = 1
                    else:
                        cell = 2 + (min(seen, 3) - 1) * observed[c] + level
                levels[found, c] = level
                packed = packed * cells[c] + cell
            left[found] = a
            right[found] = b
            weeks_apart[found] = apart
            pattern[found] = packed
            found += 1
    return found
