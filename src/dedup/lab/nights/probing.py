"""Sixty nights with probing providers among honest ones; the truth stands in for the linkage, so that it is cheap.

A probing provider enters made-up clients who are somebody else's, to learn whether she is registered elsewhere. The
linkage would recognise her, so here whoever is one woman in the truth matches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from dedup.fields import ATTRIBUTES, AttributeType
from dedup.findings.classify import find
from dedup.findings.conditions import Conditions
from dedup.findings.config import Rules
from dedup.findings.deliveries import Delivery, suspected_deliveries
from dedup.findings.frames import Findings
from dedup.findings.probing import probing_table
from dedup.lab.simulate import Simulation, SimulationSettings, generate
from dedup.weeks import MISSING_WEEK, week_of

STYLES = ("visitor", "editor", "collector")
PROBES_A_NIGHT = 0.5  # a visitor's new questions
STAYS = (15, 20)  # nights that a question stays: past L9, then it is gone
EDITED = 5  # registrations that an editor uses
EDIT_EVERY = 5  # nights
COLLECTED_SHARE = 1.0  # of its own clients, as many made-up ones
HONEST_EDIT = 0.002  # chance that an honest registration's identifiers change in a night
_MISSING = {
    AttributeType.TEXT: "",
    AttributeType.WEEK: MISSING_WEEK,
    AttributeType.NUMBER: -1,
    AttributeType.YES_NO: -1,
}
_WEEKS = {  # not status_week: every simulated transfer has a date of its own
    "inschrijf_week": "inschrijf_datum",
    "overdracht_week": "overdracht_datum",
    "edd_week": "a_terme_datum",
}
_SAME = {"first_name": 4, "surname": 4, "birth_date": 2, "address": 5, "phone": 1, "email": 1, "insurance": 1, "edd": 5}


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it: the probing providers by style, and when each provider was first named (night, signals)."""

    probing: dict[str, str]
    named: dict[str, tuple[int, str]]

    @property
    def found(self) -> int:
        """How many probing providers were named."""
        return len(self.named.keys() & self.probing.keys())

    @property
    def wrongly(self) -> list[str]:
        """The honest providers that were named."""
        return sorted(self.named.keys() - self.probing.keys())


@dataclass
class _Made:
    """A made-up registration: whose woman it shows, until which night, and how often that changed."""

    provider: str
    copied: str  # registratie_id of the registration that it copies
    until: int
    since: date
    changes: int = 0
    changed: date | None = None


def run_trial(
    rules: Rules,
    *,
    seed: int,
    day: date,
    registrations: int = 10_000,
    honest: int = 200,
    probing: int = 10,
    nights: int = 60,
) -> Trial:
    """Run nights with `honest` and `probing` providers, and tell who was named."""
    simulation = generate(
        SimulationSettings(
            registrations=registrations, doubles=0.08, seed=seed, day=day, providers=honest + probing, nights=nights
        )
    )
    rng = np.random.default_rng([seed, 4])
    providers = sorted(simulation.providers["aanbieder_agb"])
    probers = sorted(rng.choice(providers, size=probing, replace=False).tolist())
    style = {agb: STYLES[at % len(STYLES)] for at, agb in enumerate(probers)}
    woman = dict(zip(simulation.truth["registratie_id"], simulation.truth["vrouw"], strict=True))
    named: dict[str, tuple[int, str]] = {}
    for number, table in enumerate(_nights(simulation, style, woman, rules, rng)):
        for agb, signals in table.loc[table["signals"] != "", ["aanbieder_agb", "signals"]].to_numpy():
            named.setdefault(agb, (number, signals))
    return Trial(style, named)


def _nights(
    simulation: Simulation, style: dict[str, str], woman: dict[str, str], rules: Rules, rng: np.random.Generator
) -> Iterator[pd.DataFrame]:
    """Yield each night's `probing_table`."""
    first_seen: dict[str, date] = {}
    edits: dict[str, tuple[int, date]] = {}
    made: dict[str, _Made] = {}
    previous: Findings | None = None
    deliveries: list[Delivery] = []
    for number, night in enumerate(simulation.nights):
        real = _attributes(night.registrations)
        _probe(number, night.day, real, style, made, rng)
        copies = _copies(real, made)
        table = pd.concat([real, copies], ignore_index=True)
        shown = [made[one].copied if one in made else one for one in table["registratie_id"]]
        table["vrouw"] = [woman[one] for one in shown]
        for one in real["registratie_id"][rng.random(len(real)) < HONEST_EDIT * (number > 0)]:
            edits[one] = (edits.get(one, (0, night.day))[0] + 1, night.day)
        for one in table["registratie_id"]:
            first_seen.setdefault(one, night.day)
        known = {name: (one.changes, one.changed) for name, one in made.items() if one.changed} | edits
        table["first_seen"] = [first_seen[one] for one in table["registratie_id"]]
        table["identity_changes"] = [known.get(one, (0, None))[0] for one in table["registratie_id"]]
        table["tokens_changed"] = [known.get(one, (0, None))[1] for one in table["registratie_id"]]
        table["group"] = pd.factorize(table["vrouw"])[0]
        counted = table["aanbieder_agb"].value_counts().to_dict()
        deliveries += [Delivery(str(agb), night.day, int(count)) for agb, count in counted.items()]
        suspected = suspected_deliveries(deliveries, rules.deliveries, today=night.day)
        previous = find(
            table,
            _pairs(table),
            rules,
            today=night.day,
            previous=previous,
            conditions=Conditions(suspected=suspected, delivered=frozenset(table["aanbieder_agb"])),
        )
        yield probing_table(previous, table, rules.probing, today=night.day)


def _probe(
    number: int, day: date, real: pd.DataFrame, style: dict[str, str], made: dict[str, _Made], rng: np.random.Generator
) -> None:
    """Let every probing provider do tonight what its style does."""
    there = set(real["registratie_id"])
    for name in [name for name, one in made.items() if one.until < number or one.copied not in there]:
        del made[name]
    ids, owners = real["registratie_id"].to_numpy(), real["aanbieder_agb"].to_numpy()

    def victim(agb: str) -> str:
        while True:
            at = int(rng.integers(len(ids)))
            if owners[at] != agb:
                return str(ids[at])

    for agb, how in style.items():
        mine = [one for one in made.values() if one.provider == agb]
        if number == 0:
            continue
        if how == "visitor":
            fresh = [int(rng.integers(*STAYS)) + number for _ in range(int(rng.poisson(PROBES_A_NIGHT)))]
        elif how == "editor":
            fresh = [10**6] * max(0, EDITED - len(mine))
            for one in mine:
                if rng.random() < 1 / EDIT_EVERY:
                    one.copied, one.changes, one.changed = victim(agb), one.changes + 1, day
        else:
            wanted = COLLECTED_SHARE * float((owners == agb).sum())
            fresh = [10**6] * min(4, max(0, round(wanted) - len(mine)))
        for at, until in enumerate(fresh):
            made[f"made-{agb}-{number}-{at}"] = _Made(agb, victim(agb), until, day)


def _copies(real: pd.DataFrame, made: dict[str, _Made]) -> pd.DataFrame:
    """Return the made-up registrations as rows: those that they copy, at the provider that made them up."""
    place = pd.Index(real["registratie_id"]).get_indexer([one.copied for one in made.values()])
    copies: pd.DataFrame = real.iloc[place].assign(
        registratie_id=list(made),
        aanbieder_agb=[one.provider for one in made.values()],
        inschrijf_week=[week_of(one.since) for one in made.values()],
        status="ingeschreven",
    )
    return copies


def _attributes(extract: pd.DataFrame) -> pd.DataFrame:
    """Return the attributes of extracts' rows, as ingest would have them."""
    columns: dict[str, object] = {}
    for name, kind in ATTRIBUTES.items():
        if name in _WEEKS:
            days = pd.to_datetime(extract[_WEEKS[name]])
            columns[name] = [MISSING_WEEK if pd.isna(one) else week_of(one.date()) for one in days]
        elif name in ("indicatie_uren", "toegezegde_uren"):
            columns[name] = pd.to_numeric(extract[name]).fillna(-1).astype(int) // 4 * 4
        elif name == "gedeelde_zorg":
            columns[name] = extract[name].map({"ja": 1, "nee": 0}).fillna(-1).astype(int)
        elif name == "sharing":
            columns[name] = extract["verdeling_id"]
        elif name == "ksv":
            columns[name] = "KSV01"
        else:
            columns[name] = extract[name] if name in extract and kind is AttributeType.TEXT else _MISSING[kind]
    return pd.DataFrame(columns, index=range(len(extract)) if extract.empty else extract.index)


def _pairs(table: pd.DataFrame) -> pd.DataFrame:
    """Return every pair of registrations that show one woman."""
    rows = table[["vrouw"]].assign(at=np.arange(len(table)))
    rows = rows[rows["vrouw"].duplicated(keep=False)]
    both = rows.merge(rows, on="vrouw")
    both = both[both["at_x"] < both["at_y"]]
    levels = {name: np.full(len(both), level, dtype=np.int8) for name, level in _SAME.items()}
    return pd.DataFrame({"left": both["at_x"], "right": both["at_y"], "probability": 0.9999, **levels})
