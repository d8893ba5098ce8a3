"""The graph matching attack on our two forms, each beside the same attack on Bloom filters of the same people.

Schäfer, Armknecht and Heng, "R+R: Revisiting Graph Matching Attacks on Privacy-Preserving Record Linkage" (ACSAC 2024),
in our own code: an attacker who holds encodings and a clear list of people, but no key, draws a graph of similar
records of either, embeds the nodes, turns the embeddings onto one another and pairs the nodes up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from dedup.extract.values import NormalisedTable
from dedup.lab.attack import AttackError
from dedup.lab.attack.bloom import bigram_sets, bloom_filters, dice
from dedup.lab.attack.chance import count_interval
from dedup.lab.attack.forms import (
    KEY_BYTES,
    Form,
    Graph,
    clear_similarities,
    encode,
    encode_under_one_secret,
    similarities,
)
from dedup.lab.attack.gma.alignment import match_graphs
from dedup.lab.attack.gma.embedding import Matrix
from dedup.lab.attack.people import Acquaintance, acquaint, draw_people, normalised
from dedup.lab.simulate.columns import Numbers
from dedup.model.linkage import LinkageModel

CONTROL_SHARE = 0.98  # of the Bloom filters must be re-identified by an attacker who knows everybody
OVERLAPS = (1.0, 0.5, 0.2)

Tell = Callable[[str], None]


def attack_by_graph_matching(
    model: LinkageModel, *, people: int, overlaps: Sequence[float], seed: int, day: date, config: Path, tell: Tell
) -> list[dict[str, Any]]:
    """Return one result per overlap, form and graph, as `docs/attacks.md` describes them.

    Raises `AttackError` (`attack.control-failed`) when an attacker who knows everybody re-identifies less than
    `CONTROL_SHARE` of either control, or when nobody was asked to know everybody (`attack.no-control`).
    """
    if 1.0 not in overlaps:
        raise AttackError("attack.no-control", "The control is judged at overlap 1, so that overlap must be attacked.")
    results = []
    for overlap in sorted(overlaps, reverse=True):
        rng = np.random.default_rng((seed, round(overlap * 1000)))
        drawn = draw_people(round(people * (2 - overlap)), seed=seed, day=day, config=config)
        results += list(_attack(acquaint(drawn, overlap, rng), overlap, model, rng, tell))
    return results


def _attack(
    acquaintance: Acquaintance, overlap: float, model: LinkageModel, rng: np.random.Generator, tell: Tell
) -> Iterator[dict[str, Any]]:
    encoded, known = (normalised(frame, model) for frame in (acquaintance.encoded, acquaintance.known))
    bloom = bloom_similarities(encoded, rng), bloom_similarities(known, rng)
    control = right(match_graphs(*bloom), acquaintance.truth)
    clear = clear_similarities(known, model)
    unkeyed = similarities(encode_under_one_secret(encoded, model, rng), model, Graph.ALL)
    ours_unkeyed = right(match_graphs(unkeyed, clear), acquaintance.truth)
    tell(
        f"Overlap {overlap}: of {acquaintance.shared} are re-identified {control} by their Bloom filters, "
        f"{ours_unkeyed} by our sketches if all blocks had one secret."
    )
    if overlap == 1.0:
        require(control, acquaintance.shared, "Bloom filters")
        require(ours_unkeyed, acquaintance.shared, "sketches under one secret")
    chance = acquaintance.shared / len(acquaintance.encoded)
    for form in Form:
        ours = encode(encoded, model, form, rng)
        for graph in Graph:
            # All sketches are laid beside clear similarity, as the control is that succeeds; what stands out of the
            # noise beside what the scheme makes of the attacker's own list under a key of his own.
            theirs = clear if graph is Graph.ALL else similarities(encode(known, model, form, rng), model, graph)
            found = right(match_graphs(similarities(ours, model, graph), theirs), acquaintance.truth)
            low, high = count_interval(found)
            tell(f"  {form}, graph of {graph}: {found} of {acquaintance.shared}, by chance {chance:g}.")
            yield {
                "form": form.value,
                "graph": graph.value,
                "people": len(acquaintance.encoded),
                "overlap": overlap,
                "chance": chance,
                "control": {"reidentified": control, "of": acquaintance.shared},
                "control_one_secret": {"reidentified": ours_unkeyed, "of": acquaintance.shared},
                "ours": {"reidentified": found, "of": acquaintance.shared, "interval": [low, high]},
            }


def require(reidentified: int, of: int, what: str) -> None:
    """Raise `AttackError` (`attack.control-failed`) when the attack fails where it is known to succeed."""
    if reidentified < CONTROL_SHARE * of:
        raise AttackError(
            "attack.control-failed",
            f"Only {reidentified} of {of} {what} were re-identified, so this run says nothing of our encodings.",
        )


def bloom_similarities(table: NormalisedTable, rng: np.random.Generator) -> Matrix:
    """Return [n, n]: how similar the Bloom filters of every two people are, under a key that `rng` draws."""
    return dice(bloom_filters(bigram_sets(table), rng.bytes(KEY_BYTES))).astype(np.float64)


def right(pairing: Numbers, truth: Numbers) -> int:
    """Return how many known people were paired with their own record."""
    return int(((pairing == truth) & (truth >= 0)).sum())
