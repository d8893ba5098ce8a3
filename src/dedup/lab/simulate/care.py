"""What is registered about the care itself: product, role, status, dates and hours, as each kind asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

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

Apply: TypeAlias = Callable[["Pairs"], None]


def make_care(rng: np.random.Generator, plan: Plan, providers: Providers, day: int) -> Columns:
    """Return the columns about care: texts, and days (`NO_DAY` missing) for enrolled, status_day and handed_over."""
    count = len(plan.kind)
    agb = providers.agb[plan.provider]
    single = np.bincount(plan.mate, minlength=count)[:count] == 1
    alone = (plan.kind == BASE) & single
    care = usual_care(rng, plan.due, alone, day)
    # One pregnancy asks for one product, unless the kind says otherwise; two women each ask for their own.
    same = plan.pregnancy == plan.pregnancy[plan.mate]
    care["zorgproduct"] = np.where(same, care["zorgproduct"][plan.mate], care["zorgproduct"])
    for kind, apply in {DOUBLE: settle, **APPLIED}.items():
        seconds = plan.rows_of(kind)
        apply(Pairs(rng, care, agb, plan.mate[seconds], seconds, day))
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
        np.where(alone & (draw > 0.7), "afgerond", "in_zorg"),
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


@dataclass(frozen=True, slots=True)
class Pairs:
    """All pairs of one kind: the rows of the first and of the second registrations, and what is registered so far."""

    rng: np.random.Generator
    care: Columns
    agb: Texts
    firsts: Numbers
    seconds: Numbers
    day: int

    def __len__(self) -> int:
        return len(self.firsts)

    def first_no_later_than(self, days: Days | int) -> None:
        """Move first registrations back to a day where they were made later."""
        self.care["enrolled"][self.firsts] = np.minimum(self.care["enrolled"][self.firsts], days)

    def days_ago(self, latest: int, earliest: int) -> Days:
        """Draw a day for each pair, `latest` to `earliest` days before the snapshot, both included."""
        return self.day - self.rng.integers(latest, earliest + 1, len(self))


def settle(pairs: Pairs) -> None:
    """Let the second registration follow some weeks after the first, both at least `SETTLED` days old."""
    pairs.first_no_later_than(pairs.day - SETTLED - 3)
    wait = 1 + np.floor(pairs.rng.exponential(25.0, len(pairs))).astype(np.int64)
    enrolled = pairs.care["enrolled"]
    enrolled[pairs.seconds] = np.minimum(enrolled[pairs.firsts] + wait, pairs.day - SETTLED)


def enter_on_same_day(pairs: Pairs) -> None:
    """Enter the second registration on the day of the first."""
    pairs.care["enrolled"][pairs.seconds] = pairs.care["enrolled"][pairs.firsts]


def enter_last_week(pairs: Pairs) -> None:
    """Enter the second registration in the last week."""
    pairs.first_no_later_than(pairs.day - SETTLED)
    pairs.care["enrolled"][pairs.seconds] = pairs.days_ago(0, 6)


def subcontract(pairs: Pairs) -> None:
    """Let main contractor (or mediator) and subcontractor point at each other."""
    point_at_subcontractor(pairs)
    pairs.care["rol"][pairs.seconds] = "onderaannemer"
    pairs.care["relatie_agb"][pairs.seconds] = pairs.agb[pairs.firsts]


def point_at_subcontractor(pairs: Pairs) -> None:
    """Let the main contractor point at the other, who does not point back."""
    settle(pairs)
    main = pairs.rng.random(len(pairs)) < 0.8
    pairs.care["rol"][pairs.firsts] = np.where(main, "hoofdaannemer", "bemiddelaar")
    pairs.care["relatie_agb"][pairs.firsts] = pairs.agb[pairs.seconds]


def hand_over(latest: int, earliest: int) -> Apply:
    """Return a kind that hands the first registration over `latest` to `earliest` days before the snapshot."""

    def apply(pairs: Pairs) -> None:
        care, handed = pairs.care, pairs.days_ago(latest, earliest)
        pairs.first_no_later_than(handed - 7)
        care["enrolled"][pairs.seconds] = np.minimum(handed + pairs.rng.integers(-2, 3, len(pairs)), pairs.day)
        care["status"][pairs.firsts], care["eind_reden"][pairs.firsts] = "overgedragen", "overdracht"
        care["handed_over"][pairs.firsts] = care["status_day"][pairs.firsts] = handed
        care["overdracht_agb"][pairs.firsts] = pairs.agb[pairs.seconds]

    return apply


def wait_recently(pairs: Pairs) -> None:
    """Put a woman on a waiting list who then found a provider, all in the last ten days."""
    pairs.care["enrolled"][pairs.seconds] = pairs.days_ago(5, 10)
    pairs.care["enrolled"][pairs.firsts] = pairs.days_ago(0, 4)
    pairs.care["status"][pairs.seconds] = "wachtlijst"


def wait_for_long(pairs: Pairs) -> None:
    """Leave a woman on a waiting list who found a provider over a month ago."""
    pairs.first_no_later_than(pairs.days_ago(30, 60))
    since = pairs.care["enrolled"][pairs.firsts] - pairs.rng.integers(0, 15, len(pairs))
    pairs.care["enrolled"][pairs.seconds] = pairs.care["status_day"][pairs.seconds] = since
    pairs.care["status"][pairs.seconds] = "wachtlijst"


def wait_twice(pairs: Pairs) -> None:
    """Put a woman on two waiting lists."""
    settle(pairs)
    for rows, other in ((pairs.firsts, pairs.seconds), (pairs.seconds, pairs.firsts)):
        pairs.care["status"][rows] = "wachtlijst"
        pairs.care["voorkeur_1_agb"][rows], pairs.care["voorkeur_2_agb"][rows] = pairs.agb[rows], pairs.agb[other]


def share_care(pairs: Pairs) -> None:
    """Split the hours of one indication over two providers under one number."""
    settle(pairs)
    care, rng = pairs.care, pairs.rng
    number = texts(f"V{one:09d}" for one in rng.integers(0, 10**9, len(pairs)).tolist())
    total = np.maximum(care["indicated"][pairs.firsts], 32)
    part = 12 + 4 * rng.integers(0, 3, len(pairs))
    for rows, hours in ((pairs.firsts, total - part), (pairs.seconds, part)):
        care["verdeling_id"][rows], care["gedeelde_zorg"][rows] = number, "ja"
        care["indicated"][rows], care["promised"][rows] = total, hours


def ask_other_product(pairs: Pairs) -> None:
    """Register for another product beside home care."""
    settle(pairs)
    products = texts(("partus", "kraamhotel", "uitgesteld", "adoptie"))
    pairs.care["zorgproduct"][pairs.firsts] = "kraamzorg"
    pairs.care["zorgproduct"][pairs.seconds] = products[pairs.rng.choice(4, len(pairs), p=(0.45, 0.3, 0.2, 0.05))]


def next_pregnancy(status_of_older: str) -> Apply:
    """Return a kind whose first registration has this status, of a pregnancy that is over."""

    def apply(pairs: Pairs) -> None:
        care = pairs.care
        pairs.first_no_later_than(pairs.day - 90)
        care["enrolled"][pairs.seconds] = pairs.days_ago(SETTLED, 19)
        care["status"][pairs.firsts], care["status"][pairs.seconds] = status_of_older, "aangemeld"
        care["status_day"][pairs.firsts] = care["enrolled"][pairs.firsts] + pairs.rng.integers(10, 60, len(pairs))

    return apply


def register_apart(_: Pairs) -> None:
    """Leave both registrations as they are: two women, each with her own."""


APPLIED: dict[str, Apply] = {
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
