"""The recipe: regions, providers, women, a plan of registrations, errors, writing, truth."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from dedup.lab.simulate.care import NO_DAY, make_care
from dedup.lab.simulate.columns import (
    EXTRACT_COLUMNS,
    Columns,
    Days,
    Numbers,
    Texts,
    empty_texts,
    iso_dates,
    rows_of,
    texts,
)
from dedup.lab.simulate.errors import plant_errors
from dedup.lab.simulate.kinds import BASE
from dedup.lab.simulate.lookalikes import resemble
from dedup.lab.simulate.nights import STAYS, draw_last_days, make_nights, nights_up_to
from dedup.lab.simulate.plan import Plan, count_kinds, draw_due, make_plan
from dedup.lab.simulate.providers import Providers, contracts_table, make_providers, providers_table
from dedup.lab.simulate.rates import RATES, TOLD
from dedup.lab.simulate.regions import choose_postcodes, regions_table
from dedup.lab.simulate.settings import Simulation, SimulationSettings
from dedup.lab.simulate.vendors import VENDORS
from dedup.lab.simulate.women import make_women
from dedup.lab.simulate.writing import write_person
from dedup.lab.truth import SEPARATOR

SCHEMA_VERSION = "1.0"
STAGES = 10
SCANNED = 180  # days before the EDD by which most women have had the dating scan


def generate(settings: SimulationSettings) -> Simulation:
    """Simulate registrations with their truth; the same settings give the same frames.

    Every stage has a random stream of its own, so that a change in one does not move the others.
    """
    streams = iter(np.random.Generator(np.random.PCG64(settings.seed)).spawn(STAGES))
    day = (settings.day - date(1970, 1, 1)).days
    postcodes = choose_postcodes(next(streams), settings.regions, settings.ksv_count)
    providers = make_providers(next(streams), postcodes, settings.provider_count)
    counts = count_kinds(settings.registrations, settings.doubles)
    rng = next(streams)
    due = draw_due(rng, counts.first + counts.other_women, day)
    women = make_women(rng, postcodes, len(due), due)
    plan = make_plan(next(streams), counts, due, women["ksv"], providers, day)
    resemble(next(streams), women, plan)
    care = make_care(next(streams), plan, providers, day)
    rows = person_rows(next(streams), women, plan, day)
    planted = plant_errors(next(streams), rows, plan.kind != BASE, postcodes, harsh=settings.harsh)
    registrations = written(next(streams), rows, care, plan, providers)
    rng = next(streams)
    registrations["registratie_id"] = random_uuids(rng, len(registrations))
    order = np.lexsort((registrations["registratie_id"], registrations["aanbieder_agb"]))
    registrations = registrations.iloc[order].reset_index(drop=True)
    ids = registrations["registratie_id"]
    truth = truth_table(rng, plan, women["groep"][plan.woman]).iloc[order].reset_index(drop=True)
    slips = pd.DataFrame({code: hit[order] for code, hit in planted.items()})
    truth.insert(0, "registratie_id", ids)
    truth["fouten"] = fields_in_error(slips)
    slips.insert(0, "registratie_id", ids)
    days = nights_up_to(settings.day, settings.nights)
    contracts = contracts_table(rng, providers, settings.regions, settings.day)
    last_days = draw_last_days(rng, registrations, truth["soort"], days)
    return Simulation(
        registrations=registrations[last_days == STAYS].reset_index(drop=True),
        truth=truth,
        slips=slips,
        providers=providers_table(providers, settings.regions, settings.day),
        contracts=contracts,
        regions=regions_table(settings.regions),
        nights=make_nights(rng, registrations, last_days, days),
    )


def person_rows(rng: np.random.Generator, women: Columns, plan: Plan, day: int) -> Columns:
    """Return the facts about the woman of every registration, ready to be written, with room for what clerks do."""
    count = len(plan.kind)
    scanned = plan.due - day < SCANNED
    return rows_of(women, plan.woman) | {
        "due": plan.due.copy(),
        "final": rng.random(count) < np.where(scanned, 0.9, 0.2),
        "surname_kept": empty_texts(count),
        "prefix_style": np.full(count, -1, dtype=np.int64),
        "phone_style": np.full(count, -1, dtype=np.int64),
        "initials_only": np.zeros(count, dtype=np.int64),
    }


def written(rng: np.random.Generator, rows: Columns, care: Columns, plan: Plan, providers: Providers) -> pd.DataFrame:
    """Write every registration as its provider's package does; registratie_id is still to come."""
    vendor = providers.vendor[plan.provider]
    kept_hours, kept_shared = (rng.random(len(vendor)) < fill(vendor, field) for field in ("hours", "shared"))
    shared = care["verdeling_id"] != ""
    columns = write_person(rng, rows, vendor)
    columns |= {name: values for name, values in care.items() if name in EXTRACT_COLUMNS}
    columns |= {
        "schema_versie": np.full(len(vendor), SCHEMA_VERSION, dtype=object),
        "bronsysteem": texts(package.code for package in VENDORS)[vendor],
        "registratie_id": empty_texts(len(vendor)),
        "aanbieder_agb": providers.agb[plan.provider],
        "inschrijf_datum": iso_dates(care["enrolled"]),
        "status_datum": iso_dates(care["status_day"]),
        "overdracht_datum": dates_or_empty(care["handed_over"]),
        "gedeelde_zorg": np.where(kept_shared | shared, care["gedeelde_zorg"], ""),
        "indicatie_uren": np.where(kept_hours | shared, numbers(care["indicated"]), ""),
        "toegezegde_uren": np.where(kept_hours | shared, numbers(care["promised"]), ""),
    }
    return pd.DataFrame({name: columns[name] for name in EXTRACT_COLUMNS})


def fill(vendor: Numbers, field: str) -> np.ndarray:
    """Return for each registration how often its package fills an optional field."""
    return np.array([package.fills[field] for package in VENDORS])[vendor]


def numbers(values: Numbers) -> Texts:
    """Write whole numbers."""
    return texts(str(value) for value in values.tolist())


def dates_or_empty(days: Days) -> Texts:
    """Write days as ISO dates, missing ones as empty strings."""
    known = days != NO_DAY
    out = empty_texts(len(days))
    out[known] = iso_dates(days[known])
    return out


def random_uuids(rng: np.random.Generator, count: int) -> list[str]:
    """Draw random (version 4) UUIDs from the stream, so that a seed gives the same ones again."""
    raw = rng.integers(0, 256, size=(count, 16), dtype=np.uint8)
    raw[:, 6] = (raw[:, 6] & 0x0F) | 0x40
    raw[:, 8] = (raw[:, 8] & 0x3F) | 0x80
    text = raw.tobytes().hex()
    return [
        f"{one[:8]}-{one[8:12]}-{one[12:16]}-{one[16:20]}-{one[20:]}"
        for one in (text[start : start + 32] for start in range(0, len(text), 32))
    ]


def truth_table(rng: np.random.Generator, plan: Plan, group: Texts) -> pd.DataFrame:
    """Return vrouw, zwangerschap, soort, groep of every registration; ids whose order says nothing."""
    return pd.DataFrame(
        {
            "vrouw": [f"W{one:07d}" for one in shuffled_ids(rng, plan.woman)],
            "zwangerschap": [f"Z{one:07d}" for one in shuffled_ids(rng, plan.pregnancy)],
            "soort": plan.kind,
            "groep": group,
        }
    )


def fields_in_error(slips: pd.DataFrame) -> pd.Series[str]:
    """Return for each registration the fields of `rates.TOLD` that an error befell, in their order."""
    words = pd.Series("", index=slips.index)
    for field, word in TOLD.items():
        wrong = slips[[error.code for error in RATES if error.field == field]].any(axis=1)
        words[wrong] += SEPARATOR + word
    return words.str.removeprefix(SEPARATOR)


def shuffled_ids(rng: np.random.Generator, numbered: Numbers) -> list[int]:
    """Return other numbers for the same things."""
    chosen: list[int] = rng.permutation(int(numbered.max()) + 1)[numbered].tolist()
    return chosen
