"""L1: a main contractor or broker and its subcontractor both register the client they serve together."""

from __future__ import annotations

from dedup.fields import Role
from dedup.findings.config import Rules
from dedup.findings.pair import Pair
from dedup.findings.rules.rule import LEGITIMATE, TO_REVIEW, Rule, Text, Verdict

MAIN_ROLES = (Role.HOOFDAANNEMER, Role.BEMIDDELAAR)


def judge(pair: Pair, rules: Rules, this_week: int) -> Verdict | None:  # noqa: ARG001 - every rule has one signature
    """Return legitimate when main and sub point at each other, to_review when only one does or neither."""
    for main, sub in pair.directions:
        if main.role in MAIN_ROLES and sub.role == Role.ONDERAANNEMER:
            both_point = main.related_provider == sub.provider and sub.related_provider == main.provider
            return LEGITIMATE if both_point else TO_REVIEW
    if any(one.related_provider == other.provider for one, other in pair.directions):
        return TO_REVIEW
    return None


RULE = Rule(
    code="L1",
    name=Text("Onderaanneming", "Subcontracting"),
    explanation=Text(
        "Hoofdaannemer of bemiddelaar en onderaannemer: terecht als beide naar elkaar verwijzen.",
        "Main contractor or broker and subcontractor: legitimate when both point at each other.",
    ),
    judge=judge,
    despite_other_names=True,
    despite_doubt=True,
)
