"""Who registers where: which women register once, and which registrations are doubles, legitimate, or look-alikes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dedup.lab.simulate.columns import Days, Flags, Numbers, Texts, texts
from dedup.lab.simulate.kinds import BASE, BY_CODE, DOUBLE, EXTRA_REGISTRATIONS, KINDS, TIES, Tie
from dedup.lab.simulate.providers import Providers

EARLIEST_DUE, LATEST_DUE = -12, 210  # days from the snapshot's day
OUT_OF_REGION = 0.08  # share of second registrations with a provider from elsewhere
# What was so a month or more ago needs a pregnancy that is old enough for it.
LATEST_DUE_OF_OLD = 125
STOPPING_KIND = "L10_stoppend"
OLD_KINDS = ("L2_overdracht_oud", "L3_wachtlijst_oud", STOPPING_KIND)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many registrations of each kind: `first` ones, `extra` doubles by rank (second, third, fourth), `kinds`."""

    first: int
    extra: tuple[int, ...]
    kinds: dict[str, int]

    @property
    def other_women(self) -> int:
        """The number of women who only look like another one."""
        return sum(count for code, count in self.kinds.items() if BY_CODE[code].tie is Tie.ANOTHER_WOMAN)


@dataclass(frozen=True, slots=True)
class Plan:
    """One row a registration, first ones before the others.

    `woman` and `pregnancy` count from 0; `kind` is `basis` for a first registration; `mate` is the row of the first
    registration that this one goes with (itself for a first one); `due` is the true EDD of its pregnancy, in days;
    `provider` its position in the providers.
    """

    woman: Numbers
    pregnancy: Numbers
    kind: Texts
    mate: Numbers
    due: Days
    provider: Numbers

    def rows_of(self, kind: str) -> Numbers:
        """Return the rows of one kind."""
        return np.flatnonzero(self.kind == kind)


def count_kinds(registrations: int, doubles: float) -> Counts:
    """Divide the registrations over the kinds, to the registration."""
    surplus = round(registrations * doubles)
    mean = sum(size * share for size, share in EXTRA_REGISTRATIONS)
    groups = {size: round(surplus * share / mean) for size, share in EXTRA_REGISTRATIONS if size > 1}
    pairs = surplus - sum(size * count for size, count in groups.items())
    at_least = [pairs + groups[2] + groups[3], groups[2] + groups[3], groups[3]]
    kinds = {kind.code: round(registrations * kind.share) for kind in KINDS}
    return Counts(registrations - surplus - sum(kinds.values()), tuple(at_least), kinds)


def draw_due(rng: np.random.Generator, rows: int, day: int) -> Days:
    """Draw EDDs of open registrations: evenly from just before the snapshot's day to some ten weeks pregnant."""
    return day + rng.integers(EARLIEST_DUE, LATEST_DUE + 1, rows)


def make_plan(
    rng: np.random.Generator, counts: Counts, due: Days, ksv: Numbers, providers: Providers, day: int
) -> Plan:
    """Deal the kinds out to the first registrations and find providers for the others.

    `due` and `ksv` hold one value for each woman, those who register first and then the look-alikes.
    """
    first, women = counts.first, len(due)
    first_provider = providers.draw(rng, ksv[:first])
    chosen = deal_kinds(rng, counts, providers.stopping[first_provider])
    keep_stopping_for_its_kind(rng, first_provider, ksv[:first], chosen, providers)
    # Of the women with doubles some have a third and a fourth registration: they stand in front of the others.
    mates = [(DOUBLE, chosen[DOUBLE][:size]) for size in counts.extra]
    mates += [(code, members) for code, members in chosen.items() if code != DOUBLE]
    mate = np.concatenate([np.arange(first), *(members for _, members in mates)]).astype(np.int64)
    kind = texts([BASE] * first + [code for code, members in mates for _ in members])
    woman, pregnancy = mate.copy(), mate.copy()
    others, nexts = (np.flatnonzero(tied(kind, tie)) for tie in (Tie.ANOTHER_WOMAN, Tie.SAME_WOMAN))
    woman[others] = pregnancy[others] = np.arange(first, women)
    pregnancy[nexts] = women + np.arange(len(nexts))
    due_of_row = set_due(rng, due[woman], kind, mate, day)
    provider = second_providers(rng, providers, ksv[woman], kind, mate, first_provider)
    return Plan(woman, pregnancy, kind, mate, due_of_row, provider)


def tied(kind: Texts, tie: Tie) -> Flags:
    """Return which registrations are second ones with this tie to the first."""
    codes = {code for code, one in TIES.items() if one is tie}
    return np.array([code in codes for code in kind], dtype=bool)


def deal_kinds(rng: np.random.Generator, counts: Counts, stopping: Flags) -> dict[str, Numbers]:
    """Choose for each kind the first registrations that get a second one, each for one kind only.

    L10 comes first and takes clients of stopping providers, as far as there are enough.
    """
    order = rng.permutation(len(stopping))
    ahead = order[stopping[order]][: counts.kinds[STOPPING_KIND]]
    order = np.concatenate([ahead, order[~np.isin(order, ahead)]])
    sizes = {STOPPING_KIND: counts.kinds[STOPPING_KIND], DOUBLE: counts.extra[0]} | counts.kinds
    ends = np.cumsum(list(sizes.values()))
    return {code: order[end - size : end] for (code, size), end in zip(sizes.items(), ends, strict=True)}


def keep_stopping_for_its_kind(
    rng: np.random.Generator, provider: Numbers, ksv: Numbers, chosen: dict[str, Numbers], providers: Providers
) -> None:
    """Give every L10 woman a stopping provider, and every woman of another kind one that goes on (in place)."""
    for code, members in chosen.items():
        stops = providers.stopping[provider[members]]
        if code == STOPPING_KIND:
            ending = np.flatnonzero(providers.stopping)
            provider[members[~stops]] = rng.choice(ending, size=int((~stops).sum()))
        else:
            provider[members[stops]] = providers.draw(rng, ksv[members[stops]], stopping=False)


def set_due(rng: np.random.Generator, due: Days, kind: Texts, mate: Numbers, day: int) -> Days:
    """Return the true EDD of each registration's pregnancy, so that every kind can be what it is."""
    due = due.copy()
    for code in OLD_KINDS:
        firsts = mate[kind == code]
        due[firsts] = day + rng.integers(EARLIEST_DUE, LATEST_DUE_OF_OLD, len(firsts))
    for code, (oldest, youngest) in {"L6_verouderd": (-56, -37), "L6_volgende_zwangerschap": (-50, 20)}.items():
        firsts = mate[kind == code]
        due[firsts] = day + rng.integers(oldest, youngest + 1, len(firsts))
    shared = tied(kind, Tie.SAME_PREGNANCY) | (kind == "draagmoeder")
    due[shared] = due[mate[shared]]
    for code in ("L6_verouderd", "L6_volgende_zwangerschap"):
        rows = np.flatnonzero(kind == code)
        # 24 to 42 weeks after the other EDD, and not longer pregnant than is possible.
        later = due[mate[rows]] + rng.integers(24 * 7, 42 * 7, len(rows))
        due[rows] = np.minimum(later, day + LATEST_DUE + 20)
    return due


def second_providers(
    rng: np.random.Generator, providers: Providers, ksv: Numbers, kind: Texts, mate: Numbers, first: Numbers
) -> Numbers:
    """Return every registration's provider: another than those that the woman is registered with already."""
    provider = np.concatenate([first, np.zeros(len(kind) - len(first), dtype=np.int64)])
    seconds = np.arange(len(first), len(kind))
    same = np.array([code in BY_CODE and BY_CODE[code].same_provider for code in kind[seconds]], dtype=bool)
    provider[seconds[same]] = provider[mate[seconds[same]]]
    rest = seconds[~same]
    rank = rank_within_group(mate[rest])
    taken = [provider[mate[rest]]]
    for turn in range(int(rank.max(initial=-1)) + 1):
        here = rank == turn
        provider[rest[here]] = providers.draw_other(
            rng, ksv[rest[here]], [column[here] for column in taken], OUT_OF_REGION
        )
        by_mate = dict(zip(mate[rest[here]].tolist(), provider[rest[here]].tolist(), strict=True))
        taken.append(np.array([by_mate.get(one, -1) for one in mate[rest].tolist()], dtype=np.int64))
    return provider


def rank_within_group(mate: Numbers) -> Numbers:
    """Return 0 for the first row of each mate, 1 for its second, and so on."""
    seen: dict[int, int] = {}
    rank = np.zeros(len(mate), dtype=np.int64)
    for row, one in enumerate(mate.tolist()):
        rank[row] = seen.get(one, 0)
        seen[one] = int(rank[row]) + 1
    return rank
