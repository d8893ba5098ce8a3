"""The nightly run: five stages in a row, from the inbox to the reports, ending in one result digest."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import orjson

from dedup.findings.frames import Findings, class_table
from dedup.ingest.pooling import pool_entries
from dedup.ingest.submission import Ingested, IngestKeys, ingest_accepted
from dedup.intake.acceptance import Intake
from dedup.intake.checks import IntakeLimits
from dedup.intake.inbox import receive, report_refused
from dedup.intake.receipts import Receipt
from dedup.nightly.answers import forget_answers
from dedup.nightly.finding import FINDINGS, find_duplicates, findings_from_json
from dedup.nightly.linking import LINK, link_snapshots, pairs_from_parquet, skipped_blocks
from dedup.nightly.memory import content_of, digest_of
from dedup.nightly.night import FINDINGS_FILE, Night
from dedup.nightly.probing import write_probing
from dedup.nightly.reporting import REPORTS, WrittenReports, write_reports
from dedup.nightly.retention import remove_closed_epochs, remove_silent_providers
from dedup.nightly.snapshots import Snapshots, current_snapshots
from dedup.store.durable import write_durably
from dedup.store.failpoints import reach
from dedup.store.runs import StageOutput, finish_run, forget_stages, outputs_before
from dedup.store.seen import forget_unseen

T = TypeVar("T")

KEEP_HISTORY_DAYS = 400
KEEP_FINDINGS_DAYS = 7  # a night of the past week can be run again and goes on from the findings of the night before it


class Stage(StrEnum):
    """The stages of a night, in their order."""

    RECEIVE = "receive"
    INGEST = "ingest"
    LINK = "link"
    FINDINGS = "findings"
    REPORTS = "reports"


# Where a trial may kill a night, besides the places of intake, objects and ingest (`dedup.store.failpoints`).
NIGHT_FAILPOINTS = (
    *(f"{stage}.{moment}" for stage in (LINK, FINDINGS, REPORTS) for moment in ("stored", "committed")),
    "reports.written",
    *(f"nightly.{stage.value}" for stage in Stage),
    "nightly.result",
)

Perform = Callable[[Stage, Callable[[], T]], T]


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

    A night that was asked to stop earlier has no digest and no reports.
    """

    run: str
    stages: tuple[StageDone, ...]
    reports: tuple[Path, ...] = ()
    findings: Path | None = None
    result_digest: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the result as the JSON document that `dedup nightly --json` prints."""
        return {
            "run": self.run,
            "result_digest": self.result_digest,
            "stages": [stage.to_json() for stage in self.stages],
            "reports": [str(path) for path in self.reports],
            "findings": str(self.findings) if self.findings else None,
        }


def plainly(_stage: Stage, work: Callable[[], T]) -> T:
    """Perform a stage by doing its work; the Prefect flow performs it as a task instead."""
    return work()


def run_night(night: Night, *, until: Stage = Stage.REPORTS, perform: Perform[Any] = plainly) -> NightResult:
    """Run the stages up to and including `until`; whatever was done before for the same input is not done again."""
    done: list[StageDone] = []
    begun = [night.clock()]

    def finished(stage: Stage, counts: Mapping[str, int]) -> bool:
        begun.append(night.clock())
        done.append(StageDone(stage.value, counts, (begun[-1] - begun[-2]).total_seconds()))
        reach(f"nightly.{stage.value}")
        return stage is until

    if finished(Stage.RECEIVE, perform(Stage.RECEIVE, lambda: receive_bundles(night))):
        return _stopped(night, done)
    if finished(Stage.INGEST, perform(Stage.INGEST, lambda: ingest_bundles(night))):
        return _stopped(night, done)
    snapshots = current_snapshots(night)
    remove_closed_epochs(night, snapshots.epoch_key_id)
    linked: StageOutput = perform(Stage.LINK, lambda: link_snapshots(night, snapshots))
    if finished(Stage.LINK, _linked_counts(night, snapshots, linked)):
        return _stopped(night, done)
    found: StageOutput = perform(Stage.FINDINGS, lambda: find_duplicates(night, snapshots, linked))
    findings = findings_from_json(content_of(night, found))
    if finished(Stage.FINDINGS, _finding_counts(findings, standing_out=write_probing(night, snapshots, findings))):
        return _stopped(night, done)
    reported, written = perform(Stage.REPORTS, lambda: write_reports(night, snapshots, found))
    finished(Stage.REPORTS, {"ksvs": len(written.open_findings), "files": len(written.files)})
    return _complete(night, done, findings, reported, written)


def receive_bundles(night: Night) -> dict[str, int]:
    """Take what vendors put in the inbox; returns how many bundles were accepted, known already, and refused."""
    intake = _intake(night)
    answers = receive(night.inbox, intake)
    receipts = [answer for answer in answers if isinstance(answer, Receipt)]
    duplicates = sum(receipt.duplicate for receipt in receipts)
    return {
        "accepted": len(receipts) - duplicates,
        "known_already": duplicates,
        "refused": len(answers) - len(receipts),
    }


def ingest_bundles(night: Night) -> dict[str, int]:
    """Open what was accepted and let it count, remove what expired, and pool the entries of all that counts.

    A vendor whose bundle turns out to be unusable finds a problem file.
    """
    answers = ingest_accepted(
        night.store,
        keys=IngestKeys(night.keys.sealing, night.keys.ingest),
        model=night.model,
        today=night.today,
        now=night.clock(),
        entropy=night.entropy,
    )
    ingested = [answer for answer in answers if isinstance(answer, Ingested)]
    for answer in answers:
        if not isinstance(answer, Ingested):
            report_refused(night.inbox, answer, _intake(night))
    expired = remove_silent_providers(night)
    pool_entries(night.store, now=night.clock(), entropy=night.entropy)
    return {
        "snapshots": len(ingested),
        "registrations": sum(answer.registrations for answer in ingested),
        "refused": len(answers) - len(ingested),
        "expired": expired,
    }


def _intake(night: Night) -> Intake:
    return Intake(
        store=night.store,
        keys=night.keys,
        model=night.model,
        limits=IntakeLimits.of(night.settings),
        today=night.today,
        now=night.clock(),
    )


def _linked_counts(night: Night, snapshots: Snapshots, linked: StageOutput) -> dict[str, int]:
    content = content_of(night, linked)
    return {
        "providers": len(snapshots.submissions),
        "registrations": sum(one.registrations or 0 for one in snapshots.submissions),
        "candidate_pairs": len(pairs_from_parquet(content, night.model)),
        "blocks_too_large": sum(skipped_blocks(content).values()),
        "snapshots_of_another_model": snapshots.other_model,
    }


def _finding_counts(findings: Findings, *, standing_out: list[str]) -> dict[str, int]:
    """Count findings by class, and the providers that stand out (`probing.json` names them) when there are any."""
    by_class = Counter(findings.open["class"].tolist())
    counts = {"findings": len(findings.findings), **{str(name): by_class[name] for name in sorted(by_class)}}
    return counts | ({"providers_standing_out": len(standing_out)} if standing_out else {})


def _stopped(night: Night, done: list[StageDone]) -> NightResult:
    """End a run that was asked to stop before the reports: it has no result, and the next run goes on from here."""
    with night.store.registry.write(night.event("run.stopped", night.run_id)) as session:
        finish_run(session, night.run_id, at=night.clock(), result_digest=None)
    return NightResult(night.run_id, tuple(done))


def _complete(
    night: Night, done: list[StageDone], findings: Findings, reported: StageOutput, written: WrittenReports
) -> NightResult:
    """Write `findings.parquet`, note the result, and forget what no later night needs."""
    classes = class_table(findings)
    content = io.BytesIO()
    classes.to_parquet(content, index=False)
    forget_answers(night)
    path = night.out / FINDINGS_FILE
    write_durably(path, content.getvalue())
    reach("nightly.result")
    class_digest = hashlib.sha256(orjson.dumps(classes.to_dict(orient="list"))).hexdigest()
    result = digest_of({"findings": class_digest, "reports": reported.output_digest})
    with night.store.registry.write(night.event("run.done", f"{night.run_id}:{result}")) as session:
        finish_run(session, night.run_id, at=night.clock(), result_digest=result)
        forget_stages(session, LINK, before=night.today)
        if earlier := outputs_before(session, FINDINGS, night.today - timedelta(days=KEEP_FINDINGS_DAYS)):
            forget_stages(session, FINDINGS, before=earlier[-1][0])
        forget_stages(session, REPORTS, before=night.today - timedelta(days=KEEP_HISTORY_DAYS))
        forget_unseen(session, night.today - timedelta(days=KEEP_HISTORY_DAYS))
    reports = tuple(night.out / name for name in sorted(written.files))
    return NightResult(night.run_id, tuple(done), reports, path, result)
