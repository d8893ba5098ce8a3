"""Answers of providers about findings: read from a file, checked, kept, and heard by the next night."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from dedup.findings.decisions import Decision
from dedup.findings.frames import Findings
from dedup.findings.rules import EXPLAINING
from dedup.findings.vocabulary import Feedback
from dedup.ingest.identity import registration_tags
from dedup.nightly.answer_file import AnswerRow, answer_rows
from dedup.nightly.answers import Answers, Label, keep_answers, read_answers, unexpired
from dedup.nightly.evidence import PairEvidence, last_findings, last_judged
from dedup.nightly.night import Night
from dedup.store.audit import Actor, AuditEvent

OPERATOR = Actor("feedback", "operator")
GROUND = "answers of providers about findings"
SAME_WOMAN = {Feedback.OURS, Feedback.THEIRS, Feedback.RIGHTLY}


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was refused: its number in the file (the header is 1), a stable code, and one sentence."""

    line: int
    code: str
    message: str


@dataclass(slots=True)
class Imported:
    """What became of a file: answers that count now, those that were known already, labels in all, refused rows."""

    accepted: int = 0
    known_already: int = 0
    labels: int = 0
    refused: list[BadRow] = field(default_factory=list)


def import_feedback(night: Night, content: bytes) -> Imported:
    """Take in a file of answers about the findings of the last night; the same file again changes nothing.

    It is a filled-in `feedback.csv` or the provider's `report.xlsx`; rows without an answer are skipped. Raises
    `FeedbackError` as `answer_rows` does.
    """
    outcome = Imported()
    _, findings = last_findings(night)
    judged = last_judged(night)
    evidence = judged.evidence if judged else {}
    agreed = {frozenset((row["left"], row["right"])): row["agreed"] for row in findings.pairs.to_dict("records")}
    kept = read_answers(night)
    decisions = {one.key: one for one in kept.decisions}
    labels = {one.pair: one for one in kept.labels}
    stale = {
        (row["registratie_id"], row["other"]): row["decided"]
        for row in findings.decisions.to_dict("records")
        if row["stale"]
    }
    members = _members(findings)
    basis = findings.findings.set_index("finding")[["basis", "edd_week"]].to_dict("index")
    for row in answer_rows(content):
        answer, _, rule = row.code.partition(":")
        problem = _problem(row, answer, rule, members)
        if problem is not None:
            outcome.refused.append(problem)
            continue
        given = [
            Decision(
                row.registratie_id, other, row.provider, answer, rule, night.today.isoformat(),
                agreed.get(frozenset((row.registratie_id, other)), ""),
                int(basis[row.finding]["edd_week"]), str(basis[row.finding]["basis"]), False,
            )
            for other in members[row.finding]
            if other != row.registratie_id
        ]  # fmt: skip
        new = [one for one in given if not _stands(decisions.get(one.key), one, stale)]
        outcome.known_already += not new
        outcome.accepted += bool(new)
        decisions |= {one.key: one for one in new}
        labels |= {label.pair: label for one in new for label in _labels(night, one, evidence)}
    answers = unexpired(Answers(tuple(decisions.values()), tuple(labels.values())), night)
    outcome.labels = len(answers.labels)
    event = AuditEvent("feedback.imported", night.clock(), OPERATOR, hashlib.sha256(content).hexdigest(), GROUND)
    keep_answers(night, answers, event)
    return outcome


def _stands(before: Decision | None, one: Decision, stale: Mapping[tuple[str, str], str]) -> bool:
    """Tell whether this very answer was given already, and is not overtaken by new evidence."""
    if before is None or (before.answer, before.rule) != (one.answer, one.rule):
        return False
    return stale.get(one.key, "") < before.decided


def _members(findings: Findings) -> dict[str, dict[str, str]]:
    members: dict[str, dict[str, str]] = {}
    for row in findings.members.to_dict("records"):
        members.setdefault(row["finding"], {})[row["registratie_id"]] = row["aanbieder_agb"]
    return members


def _problem(row: AnswerRow, answer: str, rule: str, members: Mapping[str, Mapping[str, str]]) -> BadRow | None:
    """Return what is wrong with a row; no sentence quotes a value."""

    def bad(code: str, message: str) -> BadRow:
        return BadRow(row.line, code, f"Row {row.line}: {message}")

    if answer not in set(Feedback):
        return bad("feedback.code", f"the code is none of {', '.join(Feedback)}.")
    if (answer == Feedback.RIGHTLY) != bool(rule) or (rule and rule not in EXPLAINING):
        return bad("feedback.rule", f"`terecht`, and only that, names a rule: terecht: and {', '.join(EXPLAINING)}.")
    if row.finding not in members:
        return bad("feedback.finding", "there is no such finding any more.")
    if row.registratie_id not in members[row.finding]:
        return bad("feedback.registration", "this registration is not in the finding.")
    if members[row.finding][row.registratie_id] != row.provider:
        return bad("feedback.provider", "the registration is another provider's.")
    return None


def _labels(night: Night, one: Decision, evidence: Mapping[frozenset[str], PairEvidence]) -> list[Label]:
    """Return the label that an answer makes; none where it says nothing, or the pair was never compared."""
    known = evidence.get(one.pair)
    if known is None or one.answer == Feedback.UNKNOWN:
        return []
    [tag] = registration_tags([" ".join(sorted(one.pair))], "label...", night.keys.ingest)
    independent = known.agreed - {"birth_date", "edd"}
    return [
        Label(
            pair=tag.hex(),
            decided=one.decided,
            same=one.answer in SAME_WOMAN,
            probability=known.probability,
            independent=len(independent),
            birth_date="birth_date" in known.agreed,
            contradicted=known.contradicted,
        )
    ]
