"""L5: another kind of care beside care at home is not a double."""

from __future__ import annotations

from dedup.findings.config import Rules
from dedup.findings.pair import Pair
from dedup.findings.rules.rule import LEGITIMATE, Rule, Text, Verdict


def judge(pair: Pair, rules: Rules, this_week: int) -> Verdict | None:  # noqa: ARG001 - every rule has one signature
    """Return legitimate when the two registrations ask for different products."""
    return LEGITIMATE if pair.one.product != pair.other.product else None


RULE = Rule(
    code="L5",
    name=Text("Ander zorgproduct", "Other care product"),
    explanation=Text(
        "Het gaat om verschillende zorg, zoals partusassistentie, kraamhotel of uitgestelde zorg naast kraamzorg.",
        "The registrations are for different care, such as birth assistance, a maternity hotel or delayed care.",
    ),
    judge=judge,
)
