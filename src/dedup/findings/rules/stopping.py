"""L10: the clients of a provider that stops register elsewhere before it has closed."""

from __future__ import annotations

from dedup.findings.config import Rules
from dedup.findings.pair import Pair
from dedup.findings.rules.rule import LEGITIMATE, Rule, Text, Verdict


def judge(pair: Pair, rules: Rules, this_week: int) -> Verdict | None:  # noqa: ARG001 - every rule has one signature
    """Return legitimate when exactly one of the two providers is on the stop list."""
    stopping = sum(registration.provider in rules.stopping_providers for registration in pair.both)
    return LEGITIMATE if stopping == 1 else None


RULE = Rule(
    code="L10",
    name=Text("Stoppende aanbieder", "Stopping provider"),
    explanation=Text(
        "Een van de aanbieders stopt en draagt zijn cliënten over.",
        "One of the providers stops and hands its clients over.",
    ),
    judge=judge,
)
