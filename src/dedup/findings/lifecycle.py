"""The life of findings over the nights: stable ids, and the states held, new, open, settled and reopened."""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from dedup.findings.config import Rules
from dedup.findings.vocabulary import OPEN_STATES, SettledBy, State
from dedup.weeks import MISSING_WEEK, week_of


@dataclass(frozen=True, slots=True)
class Life:
    """What one night knows of a finding's life; dates are ISO strings, "" when not yet or no longer.

    `shown`: it was open on some night since it was last settled. One that is held again after it was settled keeps
    `settled` and `settled_by` of that time until it is reopened.
    """

    finding: str
    state: State
    opened: str
    settled: str = ""
    settled_by: str = ""
    shown: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is shown tonight, and not settled."""
        return self.state in OPEN_STATES

    @property
    def ever_shown(self) -> bool:
        """Whether it was open on any night, also before it was last settled."""
        return self.shown or self.settled_by not in ("", SettledBy.WITHDRAWN)


def name_finding(members: Sequence[str], taken: Mapping[str, object]) -> str:
    """Return an id from the members' ids alone: `B-` and ten letters or digits; the next one if that is taken."""
    attempt = 0
    while True:
        digest = hashlib.sha256("\n".join([str(attempt), *sorted(members)]).encode()).digest()
        name = "B-" + base64.b32encode(digest)[:10].decode()
        if name not in taken:
            return name
        attempt += 1


def match_to_previous(tonight: Sequence[frozenset[str]], previous: Mapping[str, frozenset[str]]) -> list[str]:
    """Return an id for each of tonight's member sets: that of the previous finding it continues, or a new one.

    A finding continues the one with the same members, else the one it shares most with (two registrations at least,
    one continuation each; ties go to the smaller id). The order of `tonight` does not matter.
    """
    by_members = {members: name for name, members in previous.items()}
    found: dict[int, str] = {at: by_members[members] for at, members in enumerate(tonight) if members in by_members}
    holders: dict[str, list[str]] = defaultdict(list)
    for name, members in previous.items():
        for member in members:
            holders[member].append(name)
    offers = []
    for at, members in enumerate(tonight):
        if at in found:
            continue
        shared: dict[str, int] = defaultdict(int)
        for member in members:
            for name in holders.get(member, ()):
                shared[name] += 1
        offers += [
            (-count / len(members | previous[name]), name, sorted(members), at)
            for name, count in shared.items()
            if count >= 2
        ]
    used = set(found.values())
    for _, name, _, at in sorted(offers):
        if at not in found and name not in used:
            found[at] = name
            used.add(name)
    taken: dict[str, object] = dict(previous)
    for at in sorted((at for at in range(len(tonight)) if at not in found), key=lambda at: sorted(tonight[at])):
        found[at] = name_finding(sorted(tonight[at]), taken)
        taken[found[at]] = None
    return [found[at] for at in range(len(tonight))]


def continue_life(finding: str, before: Life | None, *, held: bool, today: date, reopens: bool = False) -> Life:
    """Return tonight's state of a finding that was found again or for the first time.

    The day on which a finding was released from L9 is the day it opened; a settled one that comes back is reopened
    with a new day, and so is one that `reopens`: it was explained, and is no longer. One that is held again because a
    registration changed goes on as it was once it is released: open, or reopened where it had been settled. What
    nobody was ever shown is new. Running the same night again changes nothing.
    """
    now = today.isoformat()
    if held:
        if before is None:
            return Life(finding, State.HELD, opened=now)
        shown = before.shown and before.state is not State.SETTLED
        return replace(before, state=State.HELD, shown=shown)
    if before is None or not before.ever_shown:
        return Life(finding, State.NEW, opened=now, shown=True)
    was_settled = before.state is State.SETTLED or (before.state is State.HELD and not before.shown)
    if was_settled or reopens:
        return Life(finding, State.REOPENED, opened=now, shown=True)
    return before if before.opened == now else Life(finding, State.OPEN, opened=before.opened, shown=True)


def settle(before: Life, reason: SettledBy, *, today: date) -> Life:
    """Return tonight's state of a finding that is settled; what was never shown is withdrawn, whatever the reason.

    One that was only held since it was last settled is settled as it was then.
    """
    if before.state is State.SETTLED:
        return before
    if before.state is State.HELD and not before.shown:
        if before.ever_shown:
            return replace(before, state=State.SETTLED)
        reason = SettledBy.WITHDRAWN
    return Life(before.finding, State.SETTLED, before.opened, today.isoformat(), str(reason), before.shown)


def is_expired(edd_week: int, rules: Rules, today: date) -> bool:
    """Tell whether what is known of a pregnancy with this EDD is to be deleted; never while the EDD is missing."""
    return edd_week != MISSING_WEEK and week_of(today) - edd_week > rules.expire_weeks_after_edd


def is_over(*, settled: str, edd_week: int, rules: Rules, today: date) -> bool:
    """Tell whether a finding is to be deleted: long enough settled, or long enough after the latest EDD."""
    if is_expired(edd_week, rules, today):
        return True
    return settled != "" and (today - date.fromisoformat(settled)).days > rules.keep_settled_days
