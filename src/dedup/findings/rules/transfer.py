"""L2: a client who is handed over stands at both providers for a short while."""

from __future__ import annotations

from dedup.fields import Status
from dedup.findings.config import Rules
from dedup.findings.pair import Pair
from dedup.findings.rules.rule import LEGITIMATE, Rule, Text, Verdict, clean_up
from dedup.weeks import MISSING_WEEK


def judge(pair: Pair, rules: Rules, this_week: int) -> Verdict | None:
    """Return legitimate within the term after the transfer to the other side, then clean_up of the old registration.

    Without a transfer week the week of the status counts; with neither, the term counts as over.
    """
    for old, new in pair.directions:
        if old.status == Status.OVERGEDRAGEN and old.transferred_to == new.provider:
            since = old.transfer_week if old.transfer_week != MISSING_WEEK else old.status_week
            in_term = since != MISSING_WEEK and this_week - since <= rules.transfer_legitimate_weeks
            return LEGITIMATE if in_term else clean_up(old)
    return None


RULE = Rule(
    code="L2",
    name=Text("Overdracht", "Transfer"),
    explanation=Text(
        "De cliënt is overgedragen aan de andere aanbieder; na 14 dagen hoort de oude inschrijving gesloten te zijn.",
        "The client was transferred to the other provider; after 14 days the old registration should be closed.",
    ),
    judge=judge,
    despite_other_names=True,
    despite_doubt=True,
)
