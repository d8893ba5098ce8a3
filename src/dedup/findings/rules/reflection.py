"""L9: a new registration is held back for a while, so that a client can change her mind and nobody can probe."""

from __future__ import annotations

from datetime import date

from dedup.findings.config import Rules
from dedup.findings.rules.rule import Rule, Text


def is_held(
    *,
    ksv: str,
    first_seen: date,
    tokens_changed: date | None,
    bootstrap: bool,
    rules: Rules,
    today: date,
    identity_changes: int = 0,
) -> bool:
    """Tell whether a registration is still held back.

    The term counts from the day on which the server first saw the registration, or saw its block tokens change, not
    from dates that a provider writes itself. `bootstrap`: it came with its provider's first snapshot. A registration
    that was edited more often than any needs is held far longer after each edit, code red or not, so that editing one
    again and again answers no questions.
    """
    capped = rules.probing.capped_hold_days
    if identity_changes > rules.probing.edits_per_registration and tokens_changed is not None:
        return (today - tokens_changed).days < capped
    if ksv in rules.code_red_ksvs:
        return False
    if bootstrap and rules.bootstrap_exempt:
        since = tokens_changed
    else:
        since = max(first_seen, tokens_changed) if tokens_changed else first_seen
    return since is not None and (today - since).days < rules.dated.of(ksv, today).hold_days


RULE = Rule(
    code="L9",
    name=Text("Bedenktijd", "Reflection time"),
    explanation=Text(
        "Een inschrijving die nog geen 14 dagen bekend is, wordt nog niet gemeld.",
        "A registration known for less than 14 days is not reported yet.",
    ),
)
