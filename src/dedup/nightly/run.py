"""The nightly run: five stages in a row, from the inbox to the reports, ending in one result digest."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

import orjson

from dedup.findings.frames import Findings, class_table
from dedup.ingest.pooling import pool_entries
from dedup.ingest.submission import Ingested, IngestKeys, ingest_accepted
from dedup.intake.acceptance import Intake
from dedup.intake.checks import IntakeLimits
from dedup.intake.inbox import receive, report_refused
from dedup.intake.receipts import Receipt
from dedup.nightly.finding import FINDINGS, find_duplicates, findings_from_json
from dedup.nightly.linking import LINK, link_snapshots, pairs_from_parquet, skipped_blocks
from dedup.nightly.memory import content_of, digest_of
from dedup.nightly.night import FINDINGS_FILE, Night
from dedup.nightly.probing import write_probing
from dedup.nightly.reporting import REPORTS, NightReportsError, WrittenReports, write_reports
from dedup.nightly.result import NightResult, StageDone, ksv_lines
from dedup.nightly.retention import apply_retention, remove_closed_epochs, remove_silent_providers
from dedup.nightly.snapshots import Snapshots, current_snapshots
from dedup.nightly.writing import FailedReport
from dedup.store.durable import write_durably
from dedup.store.failpoints import reach
from dedup.store.runs import StageOutput, finish_run

T = TypeVar("T")


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
    "retention.findings",
)

Perform = Callable[[Stage, Callable[[], T]], T]


def plainly(_stage: Stage, work: Callable[[], T]) -> T:
    """Perform a stage by doing its work; the Prefect flow performs it as a task instead."""
    return work()


def run_night(night: Night, *, until: Stage = Stage.REPORTS, perform: Perform[Any] = plainly) -> NightResult:
    """Run the stages up to and including `until`; whatever was done before for the same input is not done again.

    A report that fails stops nothing: the result names it, and the run counts as failed.
    """
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
    failed: tuple[FailedReport, ...] = ()
    reported: StageOutput | None = None
    try:
        reported, written = perform(Stage.REPORTS, lambda: write_reports(night, snapshots, found))
    except NightReportsError as fault:
        written, failed = fault.written, fault.failed
    counts = {"ksvs": len(written.open_findings), "files": len(written.files)}
    finished(Stage.REPORTS, counts | ({"failed": len(failed)} if failed else {}))
    return _complete(night, done, findings, reported, written, failed)


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
    night: Night,
    done: list[StageDone],
    findings: Findings,
    reported: StageOutput | None,
    written: WrittenReports,
    failed: tuple[FailedReport, ...],
) -> NightResult:
    """Write `findings.parquet`, note the result, and remove what is past its time."""
    classes = class_table(findings)
    content = io.BytesIO()
    classes.to_parquet(content, index=False)
    path = night.out / FINDINGS_FILE
    write_durably(path, content.getvalue())
    reach("nightly.result")
    result = None
    if reported is not None:
        class_digest = hashlib.sha256(orjson.dumps(classes.to_dict(orient="list"))).hexdigest()
        result = digest_of({"findings": class_digest, "reports": reported.output_digest})
    ended = night.event("run.done", f"{night.run_id}:{result}") if result else night.event("run.failed", night.run_id)
    missing = [night.event("report.failed", f"{one.audience}:{one.whose}:{one.error}") for one in failed]
    with night.store.registry.write(ended, *missing) as session:
        finish_run(session, night.run_id, at=night.clock(), result_digest=result)
    return NightResult(
        run=night.run_id,
        stages=tuple(done),
        reports=tuple(night.out / name for name in sorted(written.files)),
        findings=path,
        result_digest=result,
        ksvs=ksv_lines(written.open_findings, written.changes, failed),
        failed=failed,
        removed=apply_retention(night).to_json(),
        findings_open=len(findings.open),
    )
