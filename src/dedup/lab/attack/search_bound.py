"""How many block-mates could be read by searching everything: distances told, in bits, against what is to be guessed.

Whoever holds the linkage key can compute, for a guess at a block's value and at two people's values, the very distances
that the store must show. No attack here searches through all such guesses together; this counts instead where a search
could end in one answer. Each distance tells its entropy and takes guesses; the guesses that together gain most over
what they cost are a maximum closure, found as a minimum cut (Picard, Management Science 1976). A name outside it is one
that all distances together do not tell. It errs on the attacker's side: every distance is taken to be independent of
the others, and guesses are cheap (see `guesses`).
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from dedup.lab.attack.graph import MAX_BLOCK
from dedup.lab.attack.guesses import Guesses, guesses_of
from dedup.lab.attack.population import Population, Stolen
from dedup.link.candidates import find_blocks, hits_in_slices
from dedup.model.linkage import LinkageModel, TokenRule

_HITS = 1 << 22
_UNITS = 1_000  # of a bit: flows are whole numbers
_UNBOUNDED = 1 << 30


def searchable(store: Stolen, component: NDArray[np.int64], population: Population, model: LinkageModel) -> int:
    """Return how many records have a name that a search could read.

    `component` is int64[n], as in `graph.Graph` of the store.
    """
    of_registration = np.empty_like(component)
    of_registration[store.origin] = component
    guesses = guesses_of(population, of_registration, model)
    gained = closure(_told(store, guesses, model), guesses)
    read = np.zeros(len(component), np.bool_)
    for one in model.fields:
        if one.tokens is TokenRule.BIGRAMS:
            guess = guesses.of[one.attribute]
            read |= (guess >= 0) & gained[guess]
    return int(read.sum())


def _told(store: Stolen, guesses: Guesses, model: LinkageModel) -> dict[tuple[int, ...], float]:
    """Return for each set of guesses the entropy in bits, taken to be binomial, of the distances it settles."""
    told: dict[tuple[int, ...], float] = defaultdict(float)
    blocks = tuple(find_blocks(entries, MAX_BLOCK) for entries in store.records.passes)
    for hits in hits_in_slices(blocks, model, len(store.records), _HITS):
        left = np.repeat(np.arange(hits.first_left, hits.last_left), np.diff(hits.offsets))
        both = store.records.presence[left] & store.records.presence[hits.right]
        one, other = store.origin[left], store.origin[hits.right]
        for via, linkage_pass in enumerate(model.passes):
            of_block = [guesses.of[name] for name in linkage_pass.attributes]
            for one_field in model.pass_fields(linkage_pass):
                position = model.fields.index(one_field)
                apart = hits.distance[:, position].astype(np.float64)
                known = both >> np.uint32(position) & np.uint32(1) == 1
                at = np.flatnonzero((hits.via == via) & known & (apart > 0))
                variance = np.maximum(apart[at] * np.maximum(1 - apart[at] / one_field.bits, 0), 1.0)
                entropy = 0.5 * np.log2(2 * np.pi * np.e * variance)
                of_field = guesses.of[one_field.attribute]
                taken = np.stack([of[one[at]] for of in of_block] + [of_field[one[at]], of_field[other[at]]], axis=1)
                for needed, bits in zip(taken.tolist(), entropy.tolist(), strict=True):
                    told[tuple(sorted({guess for guess in needed if guess >= 0}))] += bits
    return told


def closure(told: dict[tuple[int, ...], float], guesses: Guesses) -> NDArray[np.bool_]:
    """Return bool[guesses]: which of them are in the set that tells most beyond what it costs."""
    count = len(guesses.bits)
    source, sink = count + len(told), count + len(told) + 1
    edges = [(guess, sink, int(bits * _UNITS)) for guess, bits in enumerate(guesses.bits)]
    edges += [(guess, after, _UNBOUNDED) for guess, after in enumerate(guesses.after) if after >= 0]
    for number, (needed, bits) in enumerate(told.items(), start=count):
        edges.append((source, number, int(bits * _UNITS)))
        edges += [(number, guess, _UNBOUNDED) for guess in needed]
    start, end, capacity = np.array(edges, np.int32).T
    network = coo_array((capacity, (start, end)), shape=(sink + 1, sink + 1)).tocsr()
    left = network - maximum_flow(network, source, sink).flow
    left.data = (left.data > 0).astype(np.int32)
    left.eliminate_zeros()
    gained = np.zeros(sink + 1, np.bool_)
    gained[breadth_first_order(left, source, return_predecessors=False)] = True
    return gained[:count]
