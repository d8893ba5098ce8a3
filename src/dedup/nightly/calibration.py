"""Thresholds fitted on answers: shown with what they would change, applied beside the rules, and undone."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from dedup.errors import StoreError
from dedup.findings.calibration import (
    Labelled,
    Support,
    Thresholds,
    changes,
    current_thresholds,
    fit_thresholds,
    support,
)
from dedup.findings.classify import find
from dedup.findings.config import CALIBRATION_FILE
from dedup.nightly.answers import read_answers
from dedup.nightly.evidence import last_findings, last_judged
from dedup.nightly.feedback import OPERATOR
from dedup.nightly.night import Night
from dedup.store.audit import AuditEvent
from dedup.store.durable import write_durably

GROUND = "thresholds fitted on answers of providers"


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What calibration found: labels, thresholds now and fitted (None: too few), and findings that change class.

    `support` is what the labels say of the fitted thresholds of `certain` and `likely`; `lowest` is the probability of
    the least probable pair among them, under which nothing is known.
    """

    labels: int
    now: Thresholds
    fitted: Thresholds | None
    changes: list[tuple[str, str, int]]
    support: tuple[Support, Support] | None = None
    lowest: float | None = None


def calibrate(night: Night) -> Calibrated:
    """Fit thresholds on the labels that are kept, and tell what they would have made of the last night.

    Raises `StoreError` (`store.no-night`) when the last night's pairs are not there to be judged again.
    """
    labels = [Labelled(one.probability, one.same) for one in read_answers(night).labels if not one.contradicted]
    now = current_thresholds(night.rules)
    fitted = fit_thresholds(labels, night.rules, night.rules.calibration)
    if fitted is None:
        return Calibrated(len(labels), now, None, [])
    day, previous = last_findings(night)
    judged = last_judged(night)
    if judged is None:
        raise StoreError("store.no-night", "The last night's pairs are no longer kept; run `dedup nightly` first.")
    made = [
        find(judged.registrations, judged.pairs, rules, today=day, previous=previous).findings[["finding", "class"]]
        for rules in (night.rules, fitted.applied(night.rules))
    ]
    terms = night.rules.calibration
    supported = (
        support(labels, fitted.certain_probability, terms.certain_precision),
        support(labels, fitted.likely_probability, terms.likely_precision),
    )
    lowest = min(label.probability for label in labels)
    return Calibrated(len(labels), now, fitted, changes(made[0], made[1]), supported, lowest)


def apply_thresholds(night: Night, fitted: Thresholds) -> None:
    """Let the fitted thresholds hold from the next night on; those of before are kept, so that this can be undone."""
    applied = [*_applied(night), fitted]
    _write(night, applied, "calibration.applied")


def undo_thresholds(night: Night) -> bool:
    """Take back what was applied last; False when there was nothing."""
    applied = _applied(night)
    if not applied:
        return False
    _write(night, applied[:-1], "calibration.undone")
    return True


def _path(night: Night) -> Path:
    return night.settings.config_dir / CALIBRATION_FILE


def _applied(night: Night) -> list[Thresholds]:
    path = _path(night)
    if not path.is_file():
        return []
    return [Thresholds(**one) for one in tomllib.loads(path.read_text("utf-8")).get("applied", [])]


def _write(night: Night, applied: list[Thresholds], event: str) -> None:
    lines = ["# Thresholds that `dedup calibrate --apply` fitted on answers; the last one holds, --undo removes it."]
    for one in applied:
        lines += [
            "",
            "[[applied]]",
            f"certain_probability = {one.certain_probability}",
            f"likely_probability = {one.likely_probability}",
        ]
    with night.store.registry.write(AuditEvent(event, night.clock(), OPERATOR, CALIBRATION_FILE, GROUND)):
        write_durably(_path(night), ("\n".join(lines) + "\n").encode("utf-8"))
