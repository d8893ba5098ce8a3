"""What a KSV's report holds, as plain values that every renderer reads; nothing here can identify a client."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

REPORT_VERSION = "ksv-report/1"


@dataclass(frozen=True, slots=True)
class ReportTerms:
    """Limits of the report, in days: a snapshot is fresh, late or stale; findings age over `ageing_days`.

    `least_hours` is what every client is to be promised. `birth_spread` says which share of births falls how many weeks
    from the week of the EDD: births at 36 weeks or less, 37, 38, 39, 40, 41, and 42 or more. Up to 36 weeks, 37 and 38
    together, 39 and 40, and from 41 on are the shares of 171,599 births in 2016 (6.6, 23.2, 52.5 and 17.7 %; Statistics
    Netherlands, StatLine table 80214ned), rounded; how each of these is divided over its weeks is an assumption.
    """

    fresh_days: int = 1
    stale_days: int = 3
    ageing_days: tuple[int, ...] = (7, 14, 28)
    weeks_shown: int = 4
    months_shown: int = 12
    nights_shown: int = 56
    least_hours: int = 24
    birth_weeks_shown: int = 26
    birth_spread: tuple[tuple[int, float], ...] = (
        (-4, 0.07), (-3, 0.07), (-2, 0.16), (-1, 0.27), (0, 0.26), (1, 0.16), (2, 0.01),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class MemberLine:
    """One of the KSV's own registrations in a finding; `acts`: this is the one to do something about."""

    registratie_id: str
    provider: str
    provider_name: str
    status: str
    registered_week: int
    edd_week: int
    acts: bool


@dataclass(frozen=True, slots=True)
class FindingLine:
    """One finding as the KSV may see it; `opened` is the day since when somebody must act, if anybody must.

    It has no `members` while all of the KSV's own are missing by a suspected fault of their provider's delivery.

    `elsewhere` counts registrations in another KSV, of which nothing else is told. `acts` is provider, ksv, elsewhere
    (a provider in another KSV) or nobody; `agreed` names attributes, never values; `band` stands for the probability.
    `escalation` is ksv, insurer, committee or "", since `escalated`; the next step comes on `next_escalation`. `kept`
    tells why it is still there though it was not found tonight: delivery (one is suspected), relinked or "". `answers`
    are codes of what providers answered.
    """

    finding: str
    outcome: str
    code: str
    state: str
    opened: date
    days_open: int
    edd_week: int
    band: str
    agreed: tuple[str, ...]
    members: tuple[MemberLine, ...]
    elsewhere: int
    acts: str
    acts_provider: str
    acts_provider_name: str
    escalation: str
    escalated: date | None
    next_escalation: date | None
    kept: str
    kept_since: date | None
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProviderLine:
    """Whether a provider's data is in, and how fresh; `registrations` counts its open ones in this KSV only.

    `suspected` is missing or shrunken, since `suspected_since`, when its last delivery is not believed, else "".
    `freshness` is fresh, late, stale, stopped (it delivered once) or missing (it never did); `refused_share` is that of
    its last snapshot, None without one.
    """

    provider: str
    name: str
    vendor: str
    contracted: bool
    snapshot: date | None
    days_old: int | None
    freshness: str
    registrations: int
    refused_share: float | None
    suspected: str
    suspected_since: date | None


@dataclass(frozen=True, slots=True)
class DoubtfulContract:
    """A line of the list of contracts that a person must look at.

    It has no AGB code and no sure name, or a name that does not fit its AGB code. `likely` is the AGB code of the
    provider whose name is most alike, "" when none is known.
    """

    line: int
    ksv: str
    name: str
    likely: str


@dataclass(frozen=True, slots=True)
class VendorQuality:
    """Data quality of one software package over the providers of this KSV; shares are of rows delivered."""

    vendor: str
    providers: int
    registrations: int
    refused_share: float
    warnings_per_row: float
    frequent_warnings: tuple[str, ...]
    edd_missing_share: float
    hours_missing_share: float


@dataclass(frozen=True, slots=True)
class AgeBand:
    """Open findings that have been open for `from_days` to `to_days` (None: no end), in all and by whose turn it is."""

    from_days: int
    to_days: int | None
    findings: int
    ksv_acts: int


@dataclass(frozen=True, slots=True)
class WeekFlow:
    """Findings that opened and that were settled in the seven days up to and including `last_day`."""

    last_day: date
    opened: int
    settled: int


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """One night: findings to act on that were open."""

    day: date
    open: int


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of clients, as the lower edges of bands of four; `known` counts the clients whose hours are known."""

    known: int
    total: int
    mean: float | None
    lowest: int | None
    highest: int | None


@dataclass(frozen=True, slots=True)
class DemandMonth:
    """Demand of one EDD month; `month` is "2026-12", "" where the EDD is missing.

    `gross` counts registrations, all else clients (each in the KSV of her youngest registration): `unique` all of them,
    `waiting` those who are on waiting lists only, `below_norm` those who are promised fewer hours than every client is
    to have, `below_indicated` those promised fewer than indicated. `hours_freed`: what settled doubles gave back.
    """

    month: str
    gross: int
    unique: int
    waiting: int
    indicated: Hours
    promised: Hours
    below_norm: int
    below_indicated: int
    hours_freed: int


@dataclass(frozen=True, slots=True)
class DemandWeek:
    """Clients expected to give birth in one week, spread over the weeks around their EDDs, so no whole numbers.

    `gross` counts their registrations, `waiting` those of them who are on waiting lists only; `hours` are indicated,
    `promised` promised, and `freed` what settled doubles of theirs gave back.
    """

    week: int
    gross: float
    clients: float
    waiting: float
    hours: int
    promised: int
    freed: int


@dataclass(frozen=True, slots=True)
class Turn:
    """A provider with findings to act on."""

    provider: str
    name: str
    findings: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The answers of the first screen, counts of findings unless named otherwise."""

    new: int
    reopened: int
    settled_today: int
    open: int
    by_class: dict[str, int]
    ksv_acts: int
    provider_acts: int
    elsewhere_acts: int
    turns: tuple[Turn, ...]
    legitimate: int
    held: int
    providers: int
    providers_fresh: int
    not_fresh: tuple[str, ...]
    suspected: tuple[str, ...]
    escalated: int
    older_than_longest: int
    registrations: int


@dataclass(frozen=True, slots=True)
class KsvReport:
    """The whole report of one KSV for one night, or for a month as it stood on its last night.

    On the report of a month, `month_new` (reopened ones too) and `month_settled` count findings over all its nights,
    where the summary's counts are those of the last one.
    """

    ksv: str
    ksv_name: str
    day: date
    terms: ReportTerms
    first_night: bool
    summary: Summary
    findings: tuple[FindingLine, ...]
    legitimate: tuple[FindingLine, ...]
    providers: tuple[ProviderLine, ...]
    doubtful_contracts: tuple[DoubtfulContract, ...]
    ageing: tuple[AgeBand, ...]
    flow: tuple[WeekFlow, ...]
    history: tuple[HistoryPoint, ...]
    demand: tuple[DemandMonth, ...]
    births: tuple[DemandWeek, ...]
    vendors: tuple[VendorQuality, ...]
    month: str = ""  # as 2026-11, on the report of a month
    month_new: int = 0
    month_settled: int = 0

    def where_acts(self, actor: str) -> tuple[FindingLine, ...]:
        """Return the findings to act on whose turn is this actor's."""
        return tuple(line for line in self.findings if line.acts == actor)
