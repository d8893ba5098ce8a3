"""What sketches of records that share no block say about one another: directly, and through a third record.

People are planted in threes: A shares an address with B, C shares a phone number with B, A and C share no block. In
half of the threes A and C have the same names. The control is a design that was dropped for this reason: one sketch a
record, hidden in each block under a pad that the block keys. Between two entries of a block the pad cancels, so along
any chain of blocks the differences add up to that of its two ends, whoever stands between them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dedup.lab.attack import AttackError
from dedup.lab.attack.chance import Auc, auc
from dedup.lab.attack.entries import NameEntries, by_row, name_entries
from dedup.lab.attack.forms import Form, encode, encode_under_one_secret
from dedup.lab.attack.people import draw_people, normalised
from dedup.model.linkage import LinkageModel

CONTROL_AUC = 0.95
FEWEST_THREES = 50
ADDRESS = ["postcode", "huisnummer"]
PHONE = ["telefoon"]
NAMES = ["achternaam", "voorvoegsels", "achternaam_partner", "voorvoegsels_partner", "voornamen", "roepnaam"]
NAMES += ["initialen", "naamgebruik"]

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Threes:
    """Clear registrations, three rows for each planted chain: A, B and C.

    `alike` is bool[threes]: A and C have the same names. With `third_alike` B has A's names as well, otherwise names
    of her own.
    """

    rows: pd.DataFrame
    alike: NDArray[np.bool_]


def plant_threes(people: pd.DataFrame, *, third_alike: bool) -> Threes:
    """Return chains made of people who had nothing to do with one another, as many as there are people for."""
    usable = people[(people[[*ADDRESS, *PHONE, "voornamen"]] != "").all(axis=1)]
    usable = usable[~usable["telefoon"].duplicated()]
    count = len(usable) // 3
    a, b, c = (usable.iloc[side * count : (side + 1) * count].reset_index(drop=True) for side in range(3))
    alike = np.arange(count) % 2 == 0
    a[ADDRESS] = b[ADDRESS]
    c[PHONE] = b[PHONE]
    c.loc[alike, NAMES] = a.loc[alike, NAMES]
    if third_alike:
        b[NAMES] = a[NAMES]
    rows = pd.concat([a, b, c]).sort_index(kind="stable").reset_index(drop=True)
    return Threes(rows, alike)


def attack_by_chains(
    model: LinkageModel, *, people: int, seed: int, day: date, config: Path, tell: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Return one result per form, as `docs/attacks.md` describes them.

    Raises `AttackError`: `attack.control-failed` when chains of pads tell same names from others with an AUC below
    `CONTROL_AUC`, `attack.too-few-chains` when there are too few people to measure.
    """
    rng = np.random.default_rng((seed, 1))
    drawn = draw_people(people, seed=seed, day=day, config=config)
    unlike, alike = (plant_threes(drawn, third_alike=third_alike) for third_alike in (False, True))
    table, table_alike = normalised(unlike.rows, model), normalised(alike.rows, model)
    padded = under_pads(name_entries(encode_under_one_secret(table, model, rng), model), rng)
    control = Chains.of(padded, unlike.alike).through_third()
    tell(f"Chains of pads tell same names from others with an AUC of {control.value:.4f}.")
    if control.value < CONTROL_AUC:
        raise AttackError("attack.control-failed", "Chains of pads told too little, so this run says nothing of ours.")
    results = []
    for form in Form:
        ours = name_entries(encode(table, model, form, rng), model)
        chains = Chains.of(ours, unlike.alike)
        chains_alike = Chains.of(name_entries(encode(table_alike, model, form, rng), model), alike.alike)
        direct, record = chains.directly(), one_record(ours, rng)
        third, third_alike = chains.through_third(), chains_alike.through_third()
        tell(f"  {form}: directly {direct.value:.4f}, through a third with the same names {third_alike.value:.4f}.")
        results.append(
            {
                "form": form.value,
                "people": len(table.ids),
                "chains": len(chains.links),
                "auc": direct.value,
                "auc_interval": [direct.low, direct.high],
                "control_auc": control.value,
                "one_record_in_two_blocks": described(record),
                "through_an_unlike_third": described(third),
                "through_an_alike_third": described(third_alike),
            }
        )
    return results


@dataclass(frozen=True, slots=True)
class Chains:
    """The planted chains that an encoding has.

    `links` is int64[chains, 4]: entries of A and B in one block, then of B and C in another. `alike` is bool[chains];
    `own` lists the entries of every row.
    """

    entries: NameEntries
    links: NDArray[np.int64]
    alike: NDArray[np.bool_]
    own: dict[int, NDArray[np.int64]]

    @classmethod
    def of(cls, entries: NameEntries, alike: NDArray[np.bool_]) -> Chains:
        """Find the chains of threes that share exactly the blocks that were planted; raises `AttackError`."""
        own = by_row(entries)
        links, kept = [], []
        for three in range(len(alike)):
            a, b, c = (own.get(3 * three + side) for side in range(3))
            if a is None or b is None or c is None or shared(entries, a, c):
                continue
            ab, bc = shared(entries, a, b), shared(entries, b, c)
            apart = [(one, other) for one in ab for other in bc if one[1] != other[0]]
            if apart:
                links.append((*apart[0][0], *apart[0][1]))
                kept.append(three)
        found = alike[kept]
        if min(int(found.sum()), int((~found).sum())) < FEWEST_THREES:
            raise AttackError("attack.too-few-chains", "There are too few chains to measure; ask for more people.")
        return cls(entries, np.array(links, np.int64), found, own)

    def through_third(self) -> Auc:
        """Tell same names from others by the sum of the differences along the chain."""
        a, b1, b2, c = (self.entries.bits[self.links[:, side]] for side in range(4))
        return self._told_apart(1 - (a ^ b1 ^ b2 ^ c).mean(axis=1))

    def directly(self) -> Auc:
        """Tell same names from others by laying every entry of A on every entry of C."""
        rows = self.entries.row[self.links[:, [0, 3]]].tolist()
        bits = self.entries.bits
        agree = [np.mean(bits[self.own[a]][:, None] == bits[self.own[c]][None]) for a, c in rows]
        return self._told_apart(np.array(agree))

    def _told_apart(self, scores: Scores) -> Auc:
        return auc(scores[self.alike], scores[~self.alike])


def shared(entries: NameEntries, one: NDArray[np.int64], other: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return the pairs of entries, of two records' entries, that lie in one block."""
    left, right = np.nonzero(entries.block[one][:, None] == entries.block[other][None])
    return list(zip(one[left].tolist(), other[right].tolist(), strict=True))


def under_pads(entries: NameEntries, rng: np.random.Generator) -> NameEntries:
    """Return the entries, each hidden by exclusive or under the pad of its block."""
    pads = rng.integers(0, 2, (int(entries.block.max()) + 1, entries.bits.shape[1]), np.uint8).astype(np.bool_)
    return replace(entries, bits=entries.bits ^ pads[entries.block])


def one_record(entries: NameEntries, rng: np.random.Generator) -> Auc:
    """Tell two entries of one record in two blocks from those of two records; every record is used once."""
    pairs = [rng.choice(own, 2, replace=False) for own in by_row(entries).values() if len(own) > 1]
    same, others = np.array(pairs[::2]), np.array(pairs[1::2])
    half = len(others) // 2
    mixed = np.stack([others[:half, 0], others[half : 2 * half, 1]], axis=1)
    agree = [(entries.bits[two[:, 0]] == entries.bits[two[:, 1]]).mean(axis=1) for two in (same, mixed)]
    return auc(agree[0], agree[1])


def described(measured: Auc) -> dict[str, Any]:
    """Return an AUC as it stands in a result."""
    return {"auc": measured.value, "auc_interval": [measured.low, measured.high]}
