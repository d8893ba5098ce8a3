"""Women who resemble another one without being her: sisters, flat mates, namesakes, surrogates."""

from __future__ import annotations

import numpy as np

from dedup.lab.simulate.columns import Columns, Numbers
from dedup.lab.simulate.names.origins import origins
from dedup.lab.simulate.plan import Plan

ADDRESS = ("pc4", "ksv", "letters", "house", "house_letter", "house_suffix")
NEARBY = ("pc4", "ksv")
SISTER_AT_SAME_ADDRESS, SISTER_NEARBY = 0.15, 0.40
TWIN_WITH_SAME_INITIAL = 0.35


def resemble(rng: np.random.Generator, women: Columns, plan: Plan) -> None:
    """Make the look-alikes among the women (in place) resemble the woman of their mate."""
    for kind in ("zus", "tweelingzus"):
        rows = plan.rows_of(kind)
        make_sisters(rng, women, plan.woman[rows], plan.woman[plan.mate[rows]], twins=kind == "tweelingzus")
    for kind, shared in (
        ("huisgenoot", ADDRESS),
        ("draagmoeder", (*ADDRESS, "email")),
        ("naamgenoot", (*NEARBY, "groep", "given", "calling", "own_prefix", "own_name")),
    ):
        rows = plan.rows_of(kind)
        share(women, plan.woman[rows], plan.woman[plan.mate[rows]], shared)


def share(women: Columns, to: Numbers, of: Numbers, columns: tuple[str, ...]) -> None:
    """Copy columns from some women to others."""
    for column in columns:
        women[column][to] = women[column][of]


def make_sisters(rng: np.random.Generator, women: Columns, to: Numbers, of: Numbers, *, twins: bool) -> None:
    """Give women the maiden name of another, her birth date or one some years from it, sometimes her address.

    The first name is one of the same origin, never the other's; twins often have the same initial.
    """
    share(women, to, of, ("groep", "own_prefix", "own_name"))
    apart = rng.integers(400, 2_600, len(to)) * rng.choice((-1, 1), len(to))
    women["birth"][to] = women["birth"][of] + (0 if twins else apart)
    place = rng.random(len(to))
    at_home = place < SISTER_AT_SAME_ADDRESS
    share(women, to[at_home], of[at_home], ADDRESS)
    nearby = (place >= SISTER_AT_SAME_ADDRESS) & (place < SISTER_AT_SAME_ADDRESS + SISTER_NEARBY)
    share(women, to[nearby], of[nearby], NEARBY)
    by_name = {origin.name: origin for origin in origins()}
    alike = rng.random(len(to)) < (TWIN_WITH_SAME_INITIAL if twins else 0.0)
    for sister, other, initial in zip(to, of, alike, strict=True):
        pool = by_name[women["groep"][sister]].given
        names = pool.names[pool.draw(rng, 60)]
        first = women["given"][other].split(" ")[0]
        usable = [name for name in names if name != first]
        same = [name for name in usable if name[0] == first[0]]
        women["given"][sister] = women["calling"][sister] = (same if initial and same else usable)[0]
