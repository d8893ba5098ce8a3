"""What a link view shows of its structure: who shares blocks with whom, how far apart they are, and colours of that.

Colour refinement (Weisfeiler and Leman 1968): a record's colour is made of what it shows of itself; in every round it
is joined by the colours of the records that it shares blocks with, and by how it is tied to them. Two parties that
refine the same graph arrive at the same colours, so a colour that only one record has names that record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dedup.link.candidates import find_blocks, hits_in_slices
from dedup.model.linkage import LinkageModel
from dedup.model.records import EncodedRecords

U64 = NDArray[np.uint64]
MAX_BLOCK = 2_000
_HITS = 1 << 22
_MISSING = np.uint64(0xFFFF)
# Similarities between these count as alike for an attacker whose distances are noisy; 1 is exact and stands apart.
_LEVELS = (0.2, 0.5, 0.8)


class Distances(StrEnum):
    """What an attacker reads from the distances inside blocks."""

    NONE = "none"  # nothing: only who shares which blocks
    EQUAL = "equal"  # whether two values are the same, which no noise blurs
    LEVELS = "levels"  # four levels of similarity, with the sketches' noise
    EXACT = "exact"  # the very distance: for an attacker who can compute the same sketches


@dataclass(frozen=True, slots=True)
class Graph:
    """n records and the pairs that share a block.

    `start` is uint64[n], a record's first colour; pair i ties `left[i]` and `right[i]` with the label `tie[i]` and lies
    `apart[i]` (float32[p, f]), field by field; `component` is int64[n], equal for records that are connected.
    """

    start: U64
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    tie: U64
    apart: NDArray[np.float32]
    component: NDArray[np.int64]


def draw_graph(
    records: EncodedRecords,
    model: LinkageModel,
    distances: Distances,
    label: NDArray[np.int64],
) -> Graph:
    """Return the graph that encoded records show; `label` (int64[n]) is what else is known of each record.

    A record's first colour is its presence bits, how many entries it has in each pass, and its label. A pair's label
    is how many blocks of each pass it shares and, field by field, what `distances` lets the attacker read.
    """
    n = len(records)
    start = _mixed(records.presence.astype(np.uint64), label.astype(np.uint64))
    for entries in records.passes:
        start = _mixed(start, np.bincount(entries.row, minlength=n).astype(np.uint64))
    left, right, tie = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
    apart = [np.empty((0, len(model.fields)), np.float32)]
    for one, other, label_of, distance in _ties(records, model, distances):
        left.append(one)
        right.append(other)
        tie.append(label_of)
        apart.append(distance)
    one, other = np.concatenate(left), np.concatenate(right)
    links = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(n, n))
    component = connected_components(links, directed=False)[1].astype(np.int64)
    return Graph(start, one, other, np.concatenate(tie), np.concatenate(apart), component)


def refine(graph: Graph, rounds: int) -> Iterator[U64]:
    """Yield the colours (uint64[n]) at the start and after each round, until none are new or `rounds` are done."""
    colour, found = graph.start, 0
    for _ in range(rounds + 1):
        yield colour
        distinct = len(np.unique(colour))
        if distinct == found:
            return
        found = distinct
        colour = _mixed(colour, _neighbours(graph.left, graph.right, graph.tie, colour))


def _ties(
    records: EncodedRecords, model: LinkageModel, distances: Distances
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], U64, NDArray[np.float32]]]:
    """Yield the pairs that share blocks, left below right, and the label of each and how far apart they are."""
    blocks = tuple(find_blocks(entries, MAX_BLOCK) for entries in records.passes)
    carries = np.array(
        [[field.name not in one.omits for field in model.fields] for one in model.passes], np.bool_
    ).reshape(len(model.passes), len(model.fields))
    bits = np.array([field.bits for field in model.fields], np.int64)
    for hits in hits_in_slices(blocks, model, len(records), _HITS):
        left = np.repeat(np.arange(hits.first_left, hits.last_left), np.diff(hits.offsets))
        order = np.lexsort((hits.via, hits.right, left))
        left, right, via = left[order], hits.right[order].astype(np.int64), hits.via[order]
        first = np.flatnonzero(np.concatenate(([True], (left[1:] != left[:-1]) | (right[1:] != right[:-1]))))
        shared = np.add.reduceat(np.uint64(1) << (np.uint64(8) * via.astype(np.uint64)), first)
        one, other = left[first], right[first]
        label = _mixed(shared, np.uint64(0))
        apart = np.add.reduceat(np.where(carries[via], hits.distance[order], 0).astype(np.int64), first)
        measured = np.add.reduceat(np.where(carries[via], bits, 0), first)
        both = records.presence[one] & records.presence[other]
        known = (both[:, None] >> np.arange(len(bits), dtype=np.uint32) & 1 == 1) & (measured > 0)
        if distances is Distances.EXACT:
            # Blocks of one pass come in an order that the two sides do not share, so they are summed, not listed.
            both = records.presence[left] & records.presence[right]
            label = _mixed(label, np.add.reduceat(_exact(hits.distance[order], carries[via], via, both), first))
        elif distances is not Distances.NONE:
            for position in range(len(bits)):
                read = _read(apart[:, position], measured[:, position], known[:, position], distances)
                label = _mixed(label, read)
        # The angle whose sine is the root of a share of bits has the same noise whatever the share (Anscombe 1948).
        angle = np.arcsin(np.sqrt(apart / np.maximum(measured, 1)))
        yield one, other, label, np.where(known, 2 * np.sqrt(measured) * angle, 0).astype(np.float32)


def _exact(
    distance: NDArray[np.uint16], carried: NDArray[np.bool_], via: NDArray[np.uint8], both: NDArray[np.uint32]
) -> U64:
    """Return a hash of each hit's pass and distances; where a field is not carried or missing, it says nothing."""
    label = _mixed(via.astype(np.uint64), np.uint64(1))
    for position in range(distance.shape[1]):
        known = carried[:, position] & (((both >> np.uint32(position)) & 1) == 1)
        label = _mixed(label, np.where(known, distance[:, position], _MISSING).astype(np.uint64))
    return label


def _read(apart: NDArray[np.int64], measured: NDArray[np.int64], known: NDArray[np.bool_], distances: Distances) -> U64:
    """Return what is read from summed distances: 0 unknown, 1 the same, 2 and above ever less alike."""
    alike = 1 - 2 * apart / np.maximum(measured, 1)
    edges = np.array(_LEVELS) if distances is Distances.LEVELS else np.empty(0)
    level = 2 + len(edges) - np.searchsorted(edges, alike)
    return np.where(~known, 0, np.where(apart == 0, 1, level)).astype(np.uint64)


def _mixed(one: U64, other: U64 | np.uint64) -> U64:
    """Return a hash of two numbers (the finaliser of SplitMix64; Steele, Lea and Flood, OOPSLA 2014)."""
    with np.errstate(over="ignore"):
        mixed = one * np.uint64(0x9E3779B97F4A7C15) + other + np.uint64(0x632BE59BD9B4E019)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


@njit(cache=True)
def _neighbours(left: NDArray[np.int64], right: NDArray[np.int64], tie: U64, colour: U64) -> U64:
    """Return for each record a hash of the multiset of its neighbours' colours and ties: sums do not mind the order."""
    total = np.zeros(len(colour), np.uint64)
    for i in range(len(left)):
        total[left[i]] += _mix_two(colour[right[i]], tie[i])
        total[right[i]] += _mix_two(colour[left[i]], tie[i])
    return total


@njit(cache=True)
def _mix_two(colour: np.uint64, tie: np.uint64) -> np.uint64:
    mixed = (colour ^ (tie * np.uint64(0xD6E8FEB86659FD93))) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return mixed ^ (mixed >> np.uint64(29))
