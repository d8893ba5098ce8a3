"""L0: two registrations at the same provider are that provider's own business."""

from __future__ import annotations

from dedup.findings.config import Rules
from dedup.findings.pair import Pair
from dedup.findings.rules.pregnancy import two_pregnancies
from dedup.findings.rules.rule import Rule, Text, Verdict
from dedup.findings.vocabulary import FindingClass


def judge(pair: Pair, rules: Rules, this_week: int) -> Verdict | None:  # noqa: ARG001 - every rule has one signature
    """Return `internal` for one provider; the youngest registration is the one to look at.

    A client who comes back to her provider with another pregnancy is no double: that is left to L6.
    """
    if pair.one.provider != pair.other.provider or two_pregnancies(pair, rules):
        return None
    return Verdict(FindingClass.INTERNAL, pair.youngest)


RULE = Rule(
    code="L0",
    name=Text("Zelfde aanbieder", "Same provider"),
    explanation=Text(
        "Beide inschrijvingen staan bij dezelfde aanbieder; alleen die aanbieder krijgt dit te zien.",
        "Both registrations are at the same provider; only that provider is shown this.",
    ),
    judge=judge,
    despite_other_names=True,
)
