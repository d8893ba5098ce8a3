"""What a night made, as typed values: its stages, its reports with those that failed, and what it removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from dedup.nightly.summary import Job, KsvLine, Summary
from dedup.nightly.writing import Audience, FailedReport, FailedReportsError


@dataclass(frozen=True, slots=True)
class StageDone:
    """A stage that is done: counts for people to look at, and how many seconds it took."""

    name: str
    counts: Mapping[str, int]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the stage as a flat document."""
        return {"stage": self.name, **self.counts, "seconds": round(self.seconds, 2)}


@dataclass(frozen=True, slots=True)
class NightResult:
    """What a night made. The digest is that of findings and reports: the same bundles give the same digest.

    A night that was asked to stop earlier has no digest and no reports; one of which a report failed has no digest
    either, and writes its reports anew when it is run again. `findings_open` counts what is shown tonight.
    """

    run: str
    stages: tuple[StageDone, ...]
    reports: tuple[Path, ...] = ()
    findings: Path | None = None
    result_digest: str | None = None
    ksvs: tuple[KsvLine, ...] = ()
    failed: tuple[FailedReport, ...] = ()
    removed: Mapping[str, int] | None = None
    findings_open: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the result as the JSON document that `dedup nightly --json` prints."""
        return {
            "run": self.run,
            "result_digest": self.result_digest,
            "stages": [stage.to_json() for stage in self.stages],
            "reports": [str(path) for path in self.reports],
            "findings": str(self.findings) if self.findings else None,
            "ksvs": [line.to_json() for line in self.ksvs],
            "failed_reports": [one.to_json() for one in self.failed],
            "removed": dict(self.removed or {}),
        }

    def raise_for_reports(self) -> None:
        """Raise `FailedReportsError` when a report failed: for callers who are done with everything else."""
        if self.failed:
            raise FailedReportsError(self.failed)

    def summary(self, day: date) -> Summary:
        """Return what the operator is told of this night."""
        stages = {stage.name: stage.counts for stage in self.stages}

        def counted(stage: str, name: str) -> int:
            return stages.get(stage, {}).get(name, 0)

        return Summary(
            job=Job.NIGHTLY,
            period=day.isoformat(),
            counts={
                "bundles_accepted": counted("receive", "accepted"),
                "bundles_refused": counted("receive", "refused") + counted("ingest", "refused"),
                "registrations": counted("link", "registrations"),
                "findings_open": self.findings_open,
            },
            failed=counts_of_failed(self.failed),
            ksvs=self.ksvs,
        )


def counts_of_failed(failed: tuple[FailedReport, ...]) -> dict[str, int]:
    """Return how many reports failed by audience, those of KSVs left out: their lines say it by code."""
    counts = {str(one): sum(report.audience is one for report in failed) for one in Audience if one is not Audience.KSV}
    return {audience: count for audience, count in counts.items() if count}


def errors_of_ksvs(failed: tuple[FailedReport, ...]) -> dict[str, str]:
    """Return for each KSV whose report failed the stable code of the fault."""
    return {report.whose: report.error for report in failed if report.audience is Audience.KSV}


def ksv_lines(
    open_findings: Mapping[str, int], changes: Mapping[str, Mapping[str, int]], failed: tuple[FailedReport, ...]
) -> tuple[KsvLine, ...]:
    """Return the line of every KSV that has a report or should have one, by code."""
    errors = errors_of_ksvs(failed)
    return tuple(
        KsvLine(
            ksv,
            new=changes.get(ksv, {}).get("new"),
            open=open_findings.get(ksv),
            settled=changes.get(ksv, {}).get("settled"),
            error=errors.get(ksv, ""),
        )
        for ksv in sorted({*open_findings, *errors})
    )
