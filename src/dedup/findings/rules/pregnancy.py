"""L6: two registrations of one woman are a double only when they are for one pregnancy."""

from __future__ import annotations

from dedup.findings.config import Rules
from dedup.findings.pair import Pair, Registration
from dedup.findings.rules.rule import LEGITIMATE, TO_REVIEW, Rule, Text, Verdict, clean_up
from dedup.weeks import MISSING_WEEK


def one_pregnancy(pair: Pair, rules: Rules) -> bool:
    """Tell whether both EDDs are known and close enough to be one pregnancy."""
    apart = pair.edd_weeks_apart
    return apart is not None and apart <= rules.same_pregnancy_weeks


def two_pregnancies(pair: Pair, rules: Rules) -> bool:
    """Tell whether both EDDs are known and too far apart for one pregnancy; about a year may be a slip in the year."""
    apart = pair.edd_weeks_apart
    if apart is None or abs(apart - rules.year_slip_weeks) <= rules.year_slip_margin_weeks:
        return False
    return apart >= rules.another_pregnancy_weeks


def is_outdated(registration: Registration, rules: Rules, this_week: int) -> bool:
    """Tell whether a registration is still open a set time after its EDD."""
    known = registration.edd_week != MISSING_WEEK
    return known and not registration.closed and this_week - registration.edd_week > rules.outdated_weeks


def judge(pair: Pair, rules: Rules, this_week: int) -> Verdict | None:
    """Return None for one pregnancy, to_review where the EDDs leave doubt, else legitimate or an outdated file.

    The older of two files is outdated when it is still open a set time after its EDD.
    """
    if one_pregnancy(pair, rules):
        return None
    if not two_pregnancies(pair, rules):
        return TO_REVIEW
    older = min(pair.both, key=lambda registration: registration.edd_week)
    return clean_up(older) if is_outdated(older, rules, this_week) else LEGITIMATE


RULE = Rule(
    code="L6",
    name=Text("Andere zwangerschap", "Another pregnancy"),
    explanation=Text(
        "De à-termeweken liggen zo ver uit elkaar dat het om twee dossiers in verschillende perioden gaat. "
        "Liggen ze 5 tot 11 weken of ongeveer een jaar uit elkaar, of ontbreekt er een, dan is navraag nodig.",
        "The EDD weeks are so far apart that these are two files of different periods. "
        "At 5 to 11 weeks or about a year apart, or with one missing, someone must ask.",
    ),
    judge=judge,
    despite_other_names=True,
    doubt_stands=True,
)
