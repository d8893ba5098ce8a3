"""The frequency attack: block tokens, counted, against a phone book that says how often every block value occurs.

The attacker knows the true number of registrations with every block value of a pass (the strongest phone book there
can be: that of the very population). He ranks tokens and values by how often they occur, gives the commonest token the
commonest value and so on down, and guesses among equally common ones. A registration counts as re-identified when one
of its tokens of the pass was given a value that it really has.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.bundle.keys import IngestKey, LinkageKey
from dedup.lab.attack.counted import Count, require_control, result
from dedup.lab.attack.population import Population, encode, steal, tokens_of
from dedup.model.linkage import LinkageModel, Pass
from dedup.model.records import PassEntries

# A token of the main first name alone, as linkage projects use it for blocking: a few common names give it away.
CONTROL_PASS = Pass(number=255, attributes=("main_first_name",))
CONTROL_SHARE = 0.15


def frequency_attack(population: Population, model: LinkageModel, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return one line per form and pass; raises `AttackError` (`attack.control-failed`)."""
    victim, attacker = LinkageKey.generate(), LinkageKey.generate()
    bundles = encode(population, model, victim)
    store = steal(bundles, model, IngestKey.generate(), rng)
    # The attacker's names for the block values: tokens under a key of his own, which he can look up.
    known = tokens_of(population, model, model.passes, attacker)
    tokens, values = (tokens_of(population, model, (CONTROL_PASS,), key).passes[0] for key in (victim, attacker))
    n = len(population)
    control = require_control(
        _attack(tokens, values, np.arange(n), rng)[0], CONTROL_SHARE, "tokens of the first name alone"
    )
    lines = []
    for form, records, origin in (("bundle", bundles, np.arange(n)), ("store", store.records, store.origin)):
        for position, linkage_pass in enumerate(model.passes):
            count, chance = _attack(records.passes[position], known.passes[position], origin, rng)
            sizes = np.unique(records.passes[position].token, axis=0, return_counts=True)[1]
            more = {"pass": list(linkage_pass.attributes), "blocks": len(sizes), "largest_block": int(sizes.max())}
            lines.append(result(form=form, people=n, overlap=1.0, chance=chance, control=control, ours=count, **more))
    return lines


def _attack(
    entries: PassEntries, known: PassEntries, origin: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Count, float]:
    """Return how many of the records with an entry got a value of theirs, and how many a blind guess would."""
    token, token_sizes = _numbered(entries)
    value, value_sizes = _numbered(known)
    given = np.full(len(token_sizes), -1)
    ranked = _by_size(value_sizes, rng)[: len(token_sizes)]
    given[_by_size(token_sizes, rng)[: len(ranked)]] = ranked
    width = len(value_sizes)
    true = np.unique(known.row.astype(np.int64) * width + value)
    person = origin[entries.row]
    right = np.isin(person * width + given[token], true)
    of = len(np.unique(person))
    return Count(right=len(np.unique(person[right])), of=of), len(entries.row) / width


def _numbered(entries: PassEntries) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of each entry's token, and how many entries each token has."""
    raw = np.ascontiguousarray(entries.token).view("V16").ravel()
    _, number, sizes = np.unique(raw, return_inverse=True, return_counts=True)
    return number.astype(np.int64), sizes.astype(np.int64)


def _by_size(sizes: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    return np.asarray(np.lexsort((rng.random(len(sizes)), -sizes)))
