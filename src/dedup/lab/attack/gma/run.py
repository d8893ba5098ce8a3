"""The graph matching attack on our two forms, each beside the same attack on Bloom filters of the same people.

Schäfer, Armknecht and Heng, "R+R: Revisiting Graph Matching Attacks on Privacy-Preserving Record Linkage" (ACSAC 2024),
in our own code: an attacker who holds encodings and a clear list of people, but no key, draws a graph of similar
records of either, embeds the nodes, turns the embeddings onto one another and pairs the nodes up. He need not know more
than some of the people, and no pair; a stronger one who knows a few pairs can be tried out as well.
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
from dedup.lab.attack.gma.alignment import match_from_pairs, match_graphs
from dedup.lab.attack.gma.embedding import Matrix
from dedup.lab.attack.people import Acquaintance, acquaint, draw_people, normalised
from dedup.lab.simulate.columns import Numbers
from dedup.model.linkage import LinkageModel

# So many of both controls must be re-identified, of all and of some people: a search that fails finds hardly any.
CONTROL_SHARE, CONTROL_SHARE_OF_SOME = 0.98, 0.9
OVERLAPS = (1.0, 0.5, 0.2)
BATCHES = 12  # of tries, until a control is given up; ours get as many as the slower control took

Tell = Callable[[str], None]


def attack_by_graph_matching(
    model: LinkageModel,
    *,
    people: int,
    overlaps: Sequence[float],
    known_pairs: int = 0,
    seed: int,
    day: date,
    config: Path,
    tell: Tell,
) -> list[dict[str, Any]]:
    """Return one result per overlap, form and graph, as `docs/attacks.md` describes them.

    `known_pairs` are given to the attacker, a quarter of the people on both sides at most; they do not count as
    re-identified. Raises `AttackError` (`attack.control-failed`) when too few of either control are re-identified.
    """
    results = []
    for overlap in sorted(overlaps, reverse=True):
        rng = np.random.default_rng((seed, round(overlap * 1000)))
        drawn = draw_people(round(people * (2 - overlap)), seed=seed, day=day, config=config)
        case = Case.draw(acquaint(drawn, overlap, rng), known_pairs, rng)
        results += list(_attack(case, overlap, model, rng, tell))
    return results


@dataclass(frozen=True, slots=True)
class Case:
    """An attacker's list beside what was encoded, and the known rows whose encoded row he knows (`seeds`)."""

    acquaintance: Acquaintance
    seeds: Numbers

    @classmethod
    def draw(cls, acquaintance: Acquaintance, known_pairs: int, rng: np.random.Generator) -> Case:
        """Give away `known_pairs` pairs, a quarter of those there are at most."""
        shared = np.flatnonzero(acquaintance.truth >= 0)
        return cls(acquaintance, rng.permutation(shared)[: min(known_pairs, len(shared) // 4)])

    @property
    def to_find(self) -> int:
        """The number of people who are in both and whom he does not know yet."""
        return self.acquaintance.shared - len(self.seeds)

    @property
    def chance(self) -> float:
        """How many of them a blind assignment gets right on average."""
        return self.to_find / (len(self.acquaintance.encoded) - len(self.seeds))

    def attacked(self, encoded: Matrix, known: Matrix, batches: int, rng: np.random.Generator) -> Attacked:
        """Run the attack on two matrices of similarities; the seeds do not count as right."""
        truth = self.acquaintance.truth
        if len(self.seeds):
            matched = match_from_pairs(encoded, known, (self.seeds, truth[self.seeds]))
        else:
            matched = match_graphs(encoded, known, rng, batches)
        right = int(((matched.pairing == truth) & (truth >= 0)).sum()) - len(self.seeds)
        return Attacked(right, self.to_find, matched.batches)


@dataclass(frozen=True, slots=True)
class Attacked:
    """`right` of `of` people re-identified, after so many batches of tries (0 with known pairs, which need none)."""

    right: int
    of: int
    batches: int

    def to_json(self) -> dict[str, int]:
        """Return the counts as `dedup attack` prints them."""
        return {"reidentified": self.right, "of": self.of, "batches": self.batches}


def _attack(
    case: Case, overlap: float, model: LinkageModel, rng: np.random.Generator, tell: Tell
) -> Iterator[dict[str, Any]]:
    encoded, known = (normalised(rows, model) for rows in (case.acquaintance.encoded, case.acquaintance.known))
    clear = clear_similarities(known, model)
    control = case.attacked(bloom_similarities(encoded, rng), bloom_similarities(known, rng), BATCHES, rng)
    one_secret = similarities(encode_under_one_secret(encoded, model, rng), model, Graph.ALL)
    unkeyed = case.attacked(one_secret, clear, BATCHES, rng)
    tell(
        f"Overlap {overlap}: of {case.to_find} are re-identified {control.right} by their Bloom filters, "
        f"{unkeyed.right} by our sketches if all blocks had one secret."
    )
    least = CONTROL_SHARE if overlap == 1.0 else CONTROL_SHARE_OF_SOME
    require(control, least, "Bloom filters")
    require(unkeyed, least, "sketches under one secret")
    batches = max(control.batches, unkeyed.batches)
    for form in Form:
        ours = encode(encoded, model, form, rng)
        for graph in Graph:
            # All sketches are laid beside clear similarity, as the control is that succeeds; what stands out of the
            # noise beside what the scheme makes of the attacker's own list under a key of his own.
            theirs = clear if graph is Graph.ALL else similarities(encode(known, model, form, rng), model, graph)
            found = case.attacked(similarities(ours, model, graph), theirs, batches, rng)
            low, high = count_interval(found.right)
            tell(f"  {form}, graph of {graph}: {found.right} of {case.to_find}, by chance {case.chance:.2g}.")
            yield {
                "form": form.value,
                "graph": graph.value,
                "people": len(case.acquaintance.encoded),
                "overlap": overlap,
                "known_pairs": len(case.seeds),
                "chance": case.chance,
                "control": control.to_json(),
                "control_one_secret": unkeyed.to_json(),
                "ours": {**found.to_json(), "interval": [low, high]},
            }


def require(found: Attacked, share: float, what: str) -> None:
    """Raise `AttackError` (`attack.control-failed`) when the attack fails where it is known to succeed."""
    if found.right < share * found.of:
        raise AttackError(
            "attack.control-failed",
            f"Only {found.right} of {found.of} {what} were re-identified, so this run says nothing of our encodings.",
        )


def bloom_similarities(table: NormalisedTable, rng: np.random.Generator) -> Matrix:
    """Return float32[n, n]: how similar the Bloom filters of every two people are, under a key that `rng` draws."""
    similar = dice(bloom_filters(bigram_sets(table), rng.bytes(KEY_BYTES)))
    np.fill_diagonal(similar, 0)
    return similar
