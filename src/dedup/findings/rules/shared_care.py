"""L4: two providers may share the care of one client."""

from __future__ import annotations

from dedup.findings.config import Rules
from dedup.findings.pair import Pair
from dedup.findings.rules.rule import LEGITIMATE, TO_REVIEW, Rule, Text, Verdict


def judge(pair: Pair, rules: Rules, this_week: int) -> Verdict | None:  # noqa: ARG001 - every rule has one signature
    """Return legitimate for the same sharing code, or where both say shared and their hours fit the indication.

    Where both say shared but the hours do not fit, or are not known, someone must look.
    """
    if pair.one.sharing and pair.one.sharing == pair.other.sharing:
        return LEGITIMATE
    if not (pair.one.shared_care and pair.other.shared_care):
        return None
    promised = [registration.promised_hours for registration in pair.both]
    indicated = max(registration.indicated_hours for registration in pair.both)
    if min(promised) < 0 or indicated < 0:
        return TO_REVIEW
    return LEGITIMATE if sum(promised) <= indicated + rules.shared_care_tolerance_hours else TO_REVIEW


RULE = Rule(
    code="L4",
    name=Text("Gedeelde zorg", "Shared care"),
    explanation=Text(
        "Beide aanbieders delen de zorg voor deze cliënt en verdelen de uren.",
        "Both providers share the care of this client and split the hours.",
    ),
    judge=judge,
    despite_other_names=True,
    despite_doubt=True,
)
