"""L3: a client may wait with one provider while another takes her in, and may wait with two."""

from __future__ import annotations

from dedup.fields import Status
from dedup.findings.config import Rules
from dedup.findings.pair import Pair
from dedup.findings.rules.rule import LEGITIMATE, Rule, Text, Verdict, clean_up


def judge(pair: Pair, rules: Rules, this_week: int) -> Verdict | None:
    """Return legitimate for two entries; for an entry beside a registration within the term, then clean_up of it."""
    waiting = [registration for registration in pair.both if registration.status == Status.WACHTLIJST]
    if len(waiting) == 2:
        return LEGITIMATE
    if not waiting:
        return None
    both_since = max(registration.registered_week for registration in pair.both)
    in_term = this_week - both_since <= rules.waiting_list_legitimate_weeks
    return LEGITIMATE if in_term else clean_up(waiting[0])


RULE = Rule(
    code="L3",
    name=Text("Wachtlijst", "Waiting list"),
    explanation=Text(
        "Een wachtlijstplaats naast een inschrijving telt 14 dagen als terecht; daarna kan de wachtlijstplaats weg.",
        "A waiting-list entry beside a registration is legitimate for 14 days; after that the entry can go.",
    ),
    judge=judge,
)
