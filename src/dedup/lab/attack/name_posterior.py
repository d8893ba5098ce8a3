"""What a distance says about two names: the likeliest pair of a dictionary for block-mates of a stolen store.

All that the second key leaves of two entries of one block is how many bits differ. The attacker knows that the two have
a phonetic code in common, how many codes each has (its entries in the pass), how common every name is, and how probable
a distance is for two sets of bigrams. By Bayes' rule he names the likeliest pair. Block secrets do not help him: which
of them belongs to the block is what he does not know, and over all of them the distance is binomial.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from dedup.encode.tokens import value_tokens
from dedup.extract.normalise.phonetic import phonetic_code
from dedup.lab.agreement import expected_similarities
from dedup.lab.attack.dictionary import Dictionary
from dedup.model.linkage import TokenRule

BINS = 1_000  # of similarity
CODE_COUNTS = 8


@dataclass(frozen=True, slots=True)
class PairPrior:
    """Pairs of names with a code in common, grouped by their numbers of codes and their similarity.

    Each group g has `kind[g]` (the two numbers of codes), `alike[g]` (the similarity that sketches show on average),
    the sum `weight[g]` of its pairs' weights, and its likeliest pair: names `one[g]` and `other[g]` of weight `top[g]`.
    """

    kind: NDArray[np.int64]
    alike: NDArray[np.float64]
    weight: NDArray[np.float64]
    top: NDArray[np.float64]
    one: NDArray[np.int64]
    other: NDArray[np.int64]


def kind_of(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one number for two numbers of codes, whichever comes first."""
    low = np.minimum(np.minimum(one, other), CODE_COUNTS - 1)
    return np.asarray(low * CODE_COUNTS + np.minimum(np.maximum(one, other), CODE_COUNTS - 1))


def pair_prior(dictionary: Dictionary) -> PairPrior:
    """Return the prior over pairs of names; two of the same name weigh as often as the name is borne."""
    codes_of = [{phonetic_code(name) for name in names} - {""} for names in dictionary.names]
    grams = [{gram for name in names for gram in value_tokens(TokenRule.BIGRAMS, name)} for names in dictionary.names]
    number = {gram: position for position, gram in enumerate(sorted(set().union(*grams)))}
    sets = np.zeros((len(grams), len(number)), np.float32)
    for row, own in enumerate(grams):
        sets[row, [number[gram] for gram in own]] = 1
    grams_of = sets.sum(axis=1).astype(np.int64)
    members: dict[str, list[int]] = {}
    for position, codes in enumerate(codes_of):
        for code in codes:
            members.setdefault(code, []).append(position)
    size = np.array([len(codes) for codes in codes_of], np.int64)
    keys: list[NDArray[np.int64]] = []
    pairs: list[NDArray[np.int64]] = []
    weights: list[NDArray[np.float64]] = []
    for group in map(np.array, members.values()):
        i, j = np.triu_indices(len(group))
        one, other = group[i], group[j]
        shared = (sets[group] @ sets[group].T)[i, j].astype(np.int64)
        alike = np.maximum(expected_similarities(grams_of[one], grams_of[other], shared), 0.0)
        bearers = dictionary.bearers[group].sum()
        expected = dictionary.bearers[one] * dictionary.bearers[other] * 2.0 / bearers
        weights.append(np.where(one == other, dictionary.bearers[one], expected))
        keys.append(kind_of(size[one], size[other]) * (BINS + 1) + np.rint(alike * BINS).astype(np.int64))
        pairs.append(np.stack([one, other]))
    key, weight = np.concatenate(keys), np.concatenate(weights)
    one, other = np.concatenate(pairs, axis=1)
    order = np.lexsort((-weight, key))
    key, one, other, weight = key[order], one[order], other[order], weight[order]
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    return PairPrior(
        kind=key[first] // (BINS + 1),
        alike=key[first] % (BINS + 1) / BINS,
        weight=np.add.reduceat(weight, first),
        top=weight[first],
        one=one[first],
        other=other[first],
    )


def likeliest(prior: PairPrior, kind: int, distance: int, bits: int) -> tuple[int, int, float]:
    """Return the likeliest pair of names at a distance, and its probability; (-1, -1, 0) where there is none."""
    chosen = np.flatnonzero(prior.kind == kind)
    if not len(chosen):
        return -1, -1, 0.0
    chance = binom.pmf(distance, bits, (1 - prior.alike[chosen]) / 2)
    total = float(prior.weight[chosen] @ chance)
    best = chosen[int(np.argmax(prior.top[chosen] * chance))]
    top = float(np.max(prior.top[chosen] * chance))
    return int(prior.one[best]), int(prior.other[best]), top / total if total > 0 else 0.0
