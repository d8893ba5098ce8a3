"""The graph matching attack on our two forms, each beside the same attack on Bloom filters of the same people.

Schäfer, Armknecht and Heng, "R+R: Revisiting Graph Matching Attacks on Privacy-Preserving Record Linkage" (ACSAC 2024),
in our own code: an attacker who holds encodings and a clear list of people, but no key, draws a graph of similar
records of either, embeds the nodes, turns the embeddings onto one another and pairs the nodes up. Where he knows only
some of the people, this version of the attack needs a few pairs to start from, and is given them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
from dedup.lab.attack.gma.landmarks import match_from_landmarks
from dedup.lab.attack.people import Acquaintance, acquaint, draw_people, normalised
from dedup.lab.simulate.columns import Numbers
from dedup.model.linkage import LinkageModel

CONTROL_SHARE = 0.98  # of both controls must be re-identified
OVERLAPS = (1.0, 0.5, 0.2)
KNOWN_PAIRS = 50  # given to the attacker who knows only some of the people; they do not count as re-identified

Tell = Callable[[str], None]


def attack_by_graph_matching(
    model: LinkageModel, *, people: int, overlaps: Sequence[float], seed: int, day: date, config: Path, tell: Tell
) -> list[dict[str, Any]]:
    """Return one result per overlap, form and graph, as `docs/attacks.md` describes them.

    Raises `AttackError` (`attack.control-failed`) when less than `CONTROL_SHARE` of either control is re-identified.
    """
    results = []
    for overlap in sorted(overlaps, reverse=True):
        rng = np.random.default_rng((seed, round(overlap * 1000)))
        drawn = draw_people(round(people * (2 - overlap)), seed=seed, day=day, config=config)
        results += list(_attack(Case.draw(acquaint(drawn, overlap, rng), rng), overlap, model, rng, tell))
    return results


@dataclass(frozen=True, slots=True)
class Case:
    """An attacker's list beside what was encoded, and the known rows whose encoded row he knows (`seeds`)."""

    acquaintance: Acquaintance
    seeds: Numbers

    @classmethod
    def draw(cls, acquaintance: Acquaintance, rng: np.random.Generator) -> Case:
        """Give no pair to who knows everybody, and `KNOWN_PAIRS` (a quarter at most) to who does not."""
        shared = np.flatnonzero(acquaintance.truth >= 0)
        everybody = len(shared) == len(acquaintance.known)
        return cls(acquaintance, rng.permutation(shared)[: 0 if everybody else min(KNOWN_PAIRS, len(shared) // 4)])

    @property
    def to_find(self) -> int:
        """The number of people who are in both and whom he does not know yet."""
        return self.acquaintance.shared - len(self.seeds)

    @property
    def chance(self) -> float:
        """How many of them a blind assignment gets right on average."""
        return self.to_find / (len(self.acquaintance.encoded) - len(self.seeds))

    def right(self, encoded: Matrix, known: Matrix) -> int:
        """Run the attack on two matrices of similarities; return how many it gets right, the seeds not counted."""
        truth = self.acquaintance.truth
        if len(self.seeds):
            pairing = match_from_landmarks(encoded, known, self.seeds, truth[self.seeds])
        else:
            pairing = match_graphs(encoded, known)
        return int(((pairing == truth) & (truth >= 0)).sum()) - len(self.seeds)


def _attack(
    case: Case, overlap: float, model: LinkageModel, rng: np.random.Generator, tell: Tell
) -> Iterator[dict[str, Any]]:
    encoded, known = (normalised(rows, model) for rows in (case.acquaintance.encoded, case.acquaintance.known))
    clear = clear_similarities(known, model)
    control = case.right(bloom_similarities(encoded, rng), bloom_similarities(known, rng))
    unkeyed = case.right(similarities(encode_under_one_secret(encoded, model, rng), model, Graph.ALL), clear)
    tell(
        f"Overlap {overlap}: of {case.to_find} are re-identified {control} by their Bloom filters, "
        f"{unkeyed} by our sketches if all blocks had one secret."
    )
    require(control, case.to_find, "Bloom filters")
    require(unkeyed, case.to_find, "sketches under one secret")
    for form in Form:
        ours = encode(encoded, model, form, rng)
        for graph in Graph:
            # All sketches are laid beside clear similarity, as the control is that succeeds; what stands out of the
            # noise beside what the scheme makes of the attacker's own list under a key of his own.
            theirs = clear if graph is Graph.ALL else similarities(encode(known, model, form, rng), model, graph)
            found = case.right(similarities(ours, model, graph), theirs)
            low, high = count_interval(found)
            tell(f"  {form}, graph of {graph}: {found} of {case.to_find}, by chance {case.chance:.2g}.")
            yield {
                "form": form.value,
                "graph": graph.value,
                "people": len(case.acquaintance.encoded),
                "overlap": overlap,
                "known_pairs": len(case.seeds),
                "chance": case.chance,
                "control": {"reidentified": control, "of": case.to_find},
                "control_one_secret": {"reidentified": unkeyed, "of": case.to_find},
                "ours": {"reidentified": found, "of": case.to_find, "interval": [low, high]},
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
