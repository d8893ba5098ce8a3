"""What is registered about the care itself: product, role, status, dates and hours, as each kind asks for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dedup.lab.simulate.columns import Columns, Days, Flags, Numbers, Texts, empty_texts, texts
from dedup.lab.simulate.kinds import BASE, DOUBLE
from dedup.lab.simulate.plan import Plan
from dedup.lab.simulate.providers import Providers

NO_DAY = np.iinfo(np.int64).min
PREGNANCY = 280  # days from the first day of the last period to the EDD
EARLIEST_ENROLMENT = 35  # days pregnant
SETTLED = 15  # a double that is not `verse` is at least this many days old
OBJECTS = 0.004  # share of the women who object to taking part
Apply = Callable[[np.random.Generator, Columns, Texts, Numbers, Numbers, int], None]


def make_care(rng: np.random.Generator, plan: Plan, providers: Providers, day: int) -> Columns:
    """Return the columns about care: texts, and days (`NO_DAY` missing) for enrolled, status_day and handed_over."""
    count = len(plan.kind)
    agb = providers.agb[plan.provider]
    single = np.bincount(plan.mate, minlength=count)[:count] == 1
    alone = (plan.kind == BASE) & single
    care = usual_care(rng, plan.due, alone, day)
    for kind, apply in {DOUBLE: settle, **KINDS}.items():
        seconds = plan.rows_of(kind)
        apply(rng, care, agb, plan.mate[seconds], seconds, day)
    care["status_day"] = np.where(
        care["status_day"] == NO_DAY, between(rng, care["enrolled"], np.full(count, day)), care["status_day"]
    )
    add_preferences(rng, care, providers, agb)
    return care


def usual_care(rng: np.random.Generator, due: Days, alone: Flags, day: int) -> Columns:
    """Return the care of a registration with nothing special about it; only a woman `alone` may have ended it."""
    count = len(due)
    conceived = due - PREGNANCY
    enrolled = conceived + 50 + np.floor(rng.gamma(2.2, 14.0, count)).astype(np.int64)
    enrolled = np.minimum(enrolled, day - rng.integers(0, 20, count))
    to_go, draw = due - day, rng.random(count)
    status = np.select(
        [to_go > 150, to_go > 60, to_go > 14, to_go > -2],
        [
            np.where(draw < 0.6, "aangemeld", "ingeschreven"),
            np.where(draw < 0.9, "ingeschreven", "intake"),
            np.where(draw < 0.5, "ingeschreven", "intake"),
            np.where(draw < 0.8, "intake", "in_zorg"),
        ],
        np.where(draw < 0.7, "in_zorg", "afgerond"),
    ).astype(object)
    waiting = alone & (to_go > 60) & (rng.random(count) < 0.03)
    cancelled = alone & ~waiting & (rng.random(count) < 0.005)
    status[waiting], status[cancelled] = "wachtlijst", "geannuleerd"
    reason = empty_texts(count)
    reason[cancelled] = texts(("client", "aanbieder", "verhuizing", "overig"))[rng.integers(0, 4, int(cancelled.sum()))]
    indicated = 24 + 4 * rng.binomial(14, 0.42, count)
    promised = np.maximum(24, indicated - 4 * rng.binomial(3, 0.35, count))
    return {
        "zorgproduct": np.where(rng.random(count) < 0.985, "kraamzorg", "uitgesteld").astype(object),
        "rol": np.full(count, "zelfstandig", dtype=object),
        "relatie_agb": empty_texts(count),
        "status": status,
        "enrolled": enrolled,
        "status_day": np.full(count, NO_DAY, dtype=np.int64),
        "handed_over": np.full(count, NO_DAY, dtype=np.int64),
        "eind_reden": reason,
        "overdracht_agb": empty_texts(count),
        "voorkeur_1_agb": empty_texts(count),
        "voorkeur_2_agb": empty_texts(count),
        "verdeling_id": empty_texts(count),
        "gedeelde_zorg": np.full(count, "nee", dtype=object),
        "deelname": np.where(rng.random(count) < OBJECTS, "bezwaar", "ja").astype(object),
        "indicated": indicated,
        "promised": promised,
    }


def between(rng: np.random.Generator, first: Days, last: Days) -> Days:
    """Draw a day from `first` up to and including `last`."""
    days: Days = first + np.floor(rng.random(len(first)) * (np.maximum(last - first, 0) + 1)).astype(np.int64)
    return days


def set_enrolled(care: Columns, rows: Numbers, days: Days) -> None:
    """Set the days on which registrations were made, and forget a status that would be older."""
    care["enrolled"][rows] = days


def settle(rng: np.random.Generator, care: Columns, _: Texts, firsts: Numbers, seconds: Numbers, day: int) -> None:
    """Let the second registration follow some weeks after the first, both at least `SETTLED` days old."""
    set_enrolled(care, firsts, np.minimum(care["enrolled"][firsts], day - SETTLED - 3))
    after = care["enrolled"][firsts] + 1 + np.floor(rng.exponential(25.0, len(firsts))).astype(np.int64)
    set_enrolled(care, seconds, np.minimum(after, day - SETTLED))


def enter_on_same_day(
    _: np.random.Generator, care: Columns, __: Texts, firsts: Numbers, seconds: Numbers, ___: int
) -> None:
    """Enter the second registration on the day of the first."""
    set_enrolled(care, seconds, care["enrolled"][firsts])


def enter_last_week(
    rng: np.random.Generator, care: Columns, _: Texts, firsts: Numbers, seconds: Numbers, day: int
) -> None:
    """Enter the second registration in the last week."""
    set_enrolled(care, firsts, np.minimum(care["enrolled"][firsts], day - SETTLED))
    set_enrolled(care, seconds, day - rng.integers(0, 7, len(seconds)))


def subcontract(
    rng: np.random.Generator, care: Columns, agb: Texts, firsts: Numbers, seconds: Numbers, day: int
) -> None:
    """Let main contractor (or mediator) and subcontractor point at each other."""
    point_at_subcontractor(rng, care, agb, firsts, seconds, day)
    care["rol"][seconds], care["relatie_agb"][seconds] = "onderaannemer", agb[firsts]


def point_at_subcontractor(
    rng: np.random.Generator, care: Columns, agb: Texts, firsts: Numbers, seconds: Numbers, day: int
) -> None:
    """Let the main contractor point at the other, who does not point back."""
    settle(rng, care, agb, firsts, seconds, day)
    care["rol"][firsts] = np.where(rng.random(len(firsts)) < 0.8, "hoofdaannemer", "bemiddelaar")
    care["relatie_agb"][firsts] = agb[seconds]


def hand_over(latest: int, earliest: int) -> Apply:
    """Return a kind that hands the first registration over `latest` to `earliest` days before the snapshot."""

    def apply(rng: np.random.Generator, care: Columns, agb: Texts, firsts: Numbers, seconds: Numbers, day: int) -> None:
        handed = day - rng.integers(latest, earliest + 1, len(firsts))
        set_enrolled(care, firsts, np.minimum(care["enrolled"][firsts], handed - 7))
        set_enrolled(care, seconds, np.minimum(handed + rng.integers(-2, 3, len(firsts)), day))
        care["status"][firsts], care["eind_reden"][firsts] = "overgedragen", "overdracht"
        care["handed_over"][firsts] = care["status_day"][firsts] = handed
        care["overdracht_agb"][firsts] = agb[seconds]

    return apply


def wait_recently(
    rng: np.random.Generator, care: Columns, _: Texts, firsts: Numbers, seconds: Numbers, day: int
) -> None:
    """Put a woman on a waiting list who then found a provider, all in the last ten days."""
    set_enrolled(care, seconds, day - rng.integers(5, 11, len(seconds)))
    set_enrolled(care, firsts, day - rng.integers(0, 5, len(firsts)))
    care["status"][seconds] = "wachtlijst"


def wait_for_long(
    rng: np.random.Generator, care: Columns, _: Texts, firsts: Numbers, seconds: Numbers, day: int
) -> None:
    """Leave a woman on a waiting list who found a provider over a month ago."""
    set_enrolled(care, firsts, np.minimum(care["enrolled"][firsts], day - rng.integers(30, 60, len(firsts))))
    set_enrolled(care, seconds, care["enrolled"][firsts] - rng.integers(0, 15, len(seconds)))
    care["status"][seconds] = "wachtlijst"
    care["status_day"][seconds] = care["enrolled"][seconds]


def wait_twice(
    rng: np.random.Generator, care: Columns, agb: Texts, firsts: Numbers, seconds: Numbers, day: int
) -> None:
    """Put a woman on two waiting lists."""
    settle(rng, care, agb, firsts, seconds, day)
    care["status"][firsts] = care["status"][seconds] = "wachtlijst"
    for rows, other in ((firsts, seconds), (seconds, firsts)):
        care["voorkeur_1_agb"][rows], care["voorkeur_2_agb"][rows] = agb[rows], agb[other]


def share_care(
    rng: np.random.Generator, care: Columns, agb: Texts, firsts: Numbers, seconds: Numbers, day: int
) -> None:
    """Split the hours of one indication over two providers under one number."""
    settle(rng, care, agb, firsts, seconds, day)
    number = texts(f"V{one:09d}" for one in rng.integers(0, 10**9, len(firsts)).tolist())
    total = np.maximum(care["indicated"][firsts], 32)
    part = 12 + 4 * rng.integers(0, 3, len(firsts))
    for rows, hours in ((firsts, total - part), (seconds, part)):
        care["verdeling_id"][rows], care["gedeelde_zorg"][rows] = number, "ja"
        care["indicated"][rows], care["promised"][rows] = total, hours


def ask_other_product(
    rng: np.random.Generator, care: Columns, agb: Texts, firsts: Numbers, seconds: Numbers, day: int
) -> None:
    """Register for another product beside home care."""
    settle(rng, care, agb, firsts, seconds, day)
    care["zorgproduct"][firsts] = "kraamzorg"
    products = texts(("partus", "kraamhotel", "uitgesteld", "adoptie"))
    care["zorgproduct"][seconds] = products[rng.choice(4, len(seconds), p=(0.45, 0.3, 0.2, 0.05))]


def next_pregnancy(status_of_older: str) -> Apply:
    """Return a kind whose first registration has this status, of a pregnancy that is over."""

    def apply(rng: np.random.Generator, care: Columns, _: Texts, firsts: Numbers, seconds: Numbers, day: int) -> None:
        set_enrolled(care, firsts, np.minimum(care["enrolled"][firsts], day - 90))
        set_enrolled(care, seconds, day - rng.integers(SETTLED, 20, len(seconds)))
        care["status"][firsts] = status_of_older
        care["status_day"][firsts] = care["enrolled"][firsts] + rng.integers(10, 60, len(firsts))
        care["status"][seconds] = "aangemeld"

    return apply


def register_apart(_: np.random.Generator, __: Columns, ___: Texts, ____: Numbers, _____: Numbers, ______: int) -> None:
    """Leave both registrations as they are: two women, each with her own."""


KINDS: dict[str, Apply] = {
    "zelfde_aanbieder": settle,
    "L1_onderaanneming": subcontract,
    "L1_eenzijdig": point_at_subcontractor,
    "L2_overdracht": hand_over(0, 10),
    "L2_overdracht_oud": hand_over(30, 80),
    "L3_wachtlijst": wait_recently,
    "L3_wachtlijst_oud": wait_for_long,
    "L3_twee_wachtlijsten": wait_twice,
    "L4_gedeeld": share_care,
    "L5_ander_product": ask_other_product,
    "L6_volgende_zwangerschap": next_pregnancy("afgerond"),
    "L6_verouderd": next_pregnancy("ingeschreven"),
    "tweeling_kind": enter_on_same_day,
    "draagmoeder": register_apart,
    "verse": enter_last_week,
    "L10_stoppend": settle,
    "zus": register_apart,
    "tweelingzus": register_apart,
    "huisgenoot": register_apart,
    "naamgenoot": register_apart,
}


def add_preferences(rng: np.random.Generator, care: Columns, providers: Providers, agb: Texts) -> None:
    """Name a first and mostly a second preferred provider for those on a waiting list who have none yet."""
    rows = np.flatnonzero((care["status"] == "wachtlijst") & (care["voorkeur_1_agb"] == ""))
    care["voorkeur_1_agb"][rows] = agb[rows]
    second = providers.agb[rng.integers(0, len(providers.agb), len(rows))]
    named = (rng.random(len(rows)) < 0.7) & (second != agb[rows])
    care["voorkeur_2_agb"][rows] = np.where(named, second, "")
