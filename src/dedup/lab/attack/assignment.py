"""What colours leave open, settled by likelihood: inside one colour the attacker pairs those whose distances fit best.

Whoever has the same colour shares blocks in the same way. How far apart block-mates are, field by field, tells them
further, but only through the sketches' noise; so inside a colour the pairs are chosen that together fit best (linear
assignment; in large colours those that are each other's nearest). How likely a pair is right follows from the noise:
whom he knows is one of the colour's nodes, so Bayes' rule over these says how much better the chosen one fits.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array

from dedup.lab.attack.graph import U64, Graph

LARGE = 400
TOO_LARGE = 5_000
_ROWS = 1_000

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]


def profiles(graph: Graph) -> Floats:
    """Return float32[n, 2 f]: how far each record is from its block-mates, and these from theirs, field by field.

    Of records of equal degree, the noise of all columns is about the same.
    """
    n, pairs = len(graph.start), np.arange(len(graph.left))
    ends, others = np.concatenate([graph.left, graph.right]), np.concatenate([graph.right, graph.left])
    ones = np.ones(len(ends), np.float32)
    touches = coo_array((ones, (ends, np.concatenate([pairs, pairs]))), shape=(n, len(pairs))).tocsr()
    mates = coo_array((ones, (ends, others)), shape=(n, n)).tocsr()
    root = np.sqrt(np.maximum(np.bincount(ends, minlength=n), 1)).astype(np.float32)[:, None]
    own = (touches @ graph.apart) / root
    return np.hstack([own, (mates @ own) / root])


def assigned(store: U64, known: U64, theirs: Floats, his: Floats) -> tuple[Indices, Floats]:
    """Return for each node of the store the node on the attacker's side that it is paired with, -1 for none.

    Second comes how likely each pair is right (float32[n]). `store` and `known` are the colours of either side's nodes,
    `theirs` and `his` their profiles. Where nothing tells the nodes of a colour apart, they are paired at random, and
    not at all in a large colour. Colours of more than `TOO_LARGE` are left alone: among so many no pair is likely.
    """
    pairing, likely = np.full(len(store), -1), np.zeros(len(store), np.float32)
    for here, there in _classes(store, known):
        if len(here) == len(there) == 1:
            pairing[here], likely[here] = there, 1
        elif not theirs[here].any():
            few = min(len(here), len(there)) if len(here) <= LARGE else 0
            pairing[here[:few]], likely[here[:few]] = there[:few], 1 / len(here)
        elif max(len(here), len(there)) <= LARGE:
            rows, columns = linear_sum_assignment(_squared(theirs[here], his[there]))
            _pair(pairing, likely, here, there, rows, columns, theirs, his)
        elif max(len(here), len(there)) <= TOO_LARGE:
            nearest, back = _nearest(theirs[here], his[there]), _nearest(his[there], theirs[here])
            rows = np.flatnonzero(back[nearest] == np.arange(len(here)))
            _pair(pairing, likely, here, there, rows, nearest[rows], theirs, his)
    return pairing, likely


def _pair(
    pairing: Indices,
    likely: Floats,
    here: Indices,
    there: Indices,
    rows: Indices,
    columns: Indices,
    theirs: Floats,
    his: Floats,
) -> None:
    """Note the pairs of `here[rows]` and `there[columns]`, and how likely each is among all of `here`."""
    own = theirs.shape[1] // 2  # the rest says the same again where blocks hold two
    pairing[here[rows]] = there[columns]
    for at in range(0, len(rows), _ROWS):
        row, column = rows[at : at + _ROWS], columns[at : at + _ROWS]
        # Both sides are noisy: each column of a difference has a variance of two.
        fit = -_squared(his[there[column], :own], theirs[here, :own]) / 4
        fit = np.exp(fit - fit.max(axis=1, keepdims=True))
        likely[here[row]] = fit[np.arange(len(row)), row] / fit.sum(axis=1)


def _classes(store: U64, known: U64) -> Iterator[tuple[Indices, Indices]]:
    """Yield the nodes of either side for each colour that both have."""
    sides = []
    for colours in (store, known):
        order = np.argsort(colours, kind="stable")
        values, first = np.unique(colours[order], return_index=True)
        sides.append((values, np.split(order, first[1:])))
    _, one, other = np.intersect1d(sides[0][0], sides[1][0], assume_unique=True, return_indices=True)
    for at, to in zip(one.tolist(), other.tolist(), strict=True):
        yield sides[0][1][at], sides[1][1][to]


def _squared(one: Floats, other: Floats) -> Floats:
    total = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None, :] - 2 * one @ other.T
    return np.asarray(total, np.float32)


def _nearest(one: Floats, other: Floats) -> Indices:
    parts = [_squared(one[at : at + _ROWS], other).argmin(axis=1) for at in range(0, len(one), _ROWS)]
    return np.concatenate(parts).astype(np.int64)
