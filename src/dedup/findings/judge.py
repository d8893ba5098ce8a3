"""Judges one pair: what the evidence allows, then what the rules make of it."""

from __future__ import annotations

from dataclasses import dataclass

from dedup.findings.config import Rules
from dedup.findings.pair import Pair, Registration
from dedup.findings.rules import FIRST_NAME, JUDGING, SURROGACY, TOO_LITTLE
from dedup.findings.rules.pregnancy import is_outdated, one_pregnancy
from dedup.findings.rules.rule import Rule, Verdict
from dedup.findings.vocabulary import FindingClass

# Agreements that the certainty rule does not count: they are what made the pair a candidate in the first place.
NOT_INDEPENDENT = frozenset({"birth_date", "edd"})


@dataclass(frozen=True, slots=True)
class Judgement:
    """A pair's class with the code of the rule that gave it ("" where the evidence alone did).

    `solid`: the evidence says one woman and no doubt is left about the pregnancy, so the two are one demand.
    """

    outcome: FindingClass
    code: str
    solid: bool
    acts_on: Registration | None


def weigh(pair: Pair, rules: Rules) -> tuple[FindingClass, str]:
    """Return the best class that the evidence allows (certain, likely or to_review) and, for to_review, why.

    A birth date with an EDD is never enough by itself: nationally, that alone gives tens of thousands of false pairs.
    """
    terms = rules.evidence
    if pair.contradicted:
        return FindingClass.TO_REVIEW, FIRST_NAME.code
    if pair.agreed - {"edd"} <= set(terms.never_enough):
        return FindingClass.TO_REVIEW, SURROGACY.code
    independent = len(pair.agreed - NOT_INDEPENDENT)
    birth_date_agrees = "birth_date" in pair.agreed
    needed = terms.certain_agreements if birth_date_agrees else terms.certain_agreements_without_birth_date
    if pair.probability >= terms.certain_probability and independent >= needed:
        return FindingClass.CERTAIN, ""
    if pair.probability >= terms.likely_probability and independent >= terms.likely_agreements:
        return FindingClass.LIKELY, ""
    return FindingClass.TO_REVIEW, TOO_LITTLE.code


def judge(pair: Pair, rules: Rules, this_week: int) -> Judgement:
    """Judge a pair of one group.

    A rule that explains the pair goes before one that asks for a look, and that before the evidence. With weak
    evidence a legitimate kind stays legitimate, since it is nothing to act on either way, but nobody is told to clean
    up.
    """
    evidence, why_weak = weigh(pair, rules)
    asked: Rule | None = None
    in_doubt = False
    # Whether one pregnancy or two makes no difference to a legitimate kind of one woman, unless a file is outdated.
    outdated = any(is_outdated(registration, rules, this_week) for registration in pair.both)
    either_way = evidence is not FindingClass.TO_REVIEW and not outdated
    for rule in JUDGING:
        verdict = rule.judge(pair, rules, this_week) if rule.judge else None
        if verdict is None:
            continue
        if in_doubt and not (rule.despite_doubt or (either_way and verdict.outcome is FindingClass.LEGITIMATE)):
            continue
        if verdict.outcome is FindingClass.TO_REVIEW:
            asked = asked or rule
            in_doubt = in_doubt or rule.doubt_stands
        elif _holds(rule, verdict, pair, rules):
            return _explained(pair, rule, verdict, rules, weak=evidence is FindingClass.TO_REVIEW)
    if pair.contradicted:
        return _doubt(FIRST_NAME.code)
    if asked is not None:
        return _doubt(asked.code)
    if evidence is FindingClass.TO_REVIEW:
        return _doubt(why_weak)
    return Judgement(evidence, "", solid=True, acts_on=pair.youngest)


def _holds(rule: Rule, verdict: Verdict, pair: Pair, rules: Rules) -> bool:
    """Tell whether a rule may explain a pair, also where first names contradict.

    A kind that is nothing to act on may do so too once a number agrees that is hers alone: then another first name is
    how a package writes her, and if it were her sister after all, nobody would do anything either.
    """
    if rule.despite_other_names or not pair.contradicted:
        return True
    return verdict.outcome is FindingClass.LEGITIMATE and not pair.agreed.isdisjoint(rules.evidence.hers_alone)


def _explained(pair: Pair, rule: Rule, verdict: Verdict, rules: Rules, *, weak: bool) -> Judgement:
    if verdict.outcome is FindingClass.CLEAN_UP and weak:
        return _doubt(rule.code)
    return Judgement(verdict.outcome, rule.code, solid=not weak and one_pregnancy(pair, rules), acts_on=verdict.acts_on)


def _doubt(code: str) -> Judgement:
    return Judgement(FindingClass.TO_REVIEW, code, solid=False, acts_on=None)
