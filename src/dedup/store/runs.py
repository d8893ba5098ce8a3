"""What the registry knows about nightly runs and their stages: which input was turned into which output already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from dedup.store.objects import ObjectDigest
from dedup.store.tables import RunRow, RunState, StageRow, View


@dataclass(frozen=True, slots=True)
class Run:
    """One nightly run."""

    id: str
    night: date
    started_at: datetime
    state: RunState = RunState.RUNNING
    finished_at: datetime | None = None
    result_digest: str | None = None


@dataclass(frozen=True, slots=True)
class StageOutput:
    """What a stage made of the input with this digest; the object is None where the digest says it all."""

    name: str
    input_digest: str
    output_digest: str
    started_at: datetime
    finished_at: datetime
    object: ObjectDigest | None = None
    view: View | None = None


def begin_run(session: Session, run: Run) -> None:
    """Add a run; runs that a crash left running are failed ones now, since only the lock's holder gets here."""
    for row in session.scalars(select(RunRow).where(RunRow.state == RunState.RUNNING)):
        row.state = RunState.FAILED
        row.finished_at = run.started_at
    session.add(RunRow(id=run.id, night=run.night, started_at=run.started_at, state=run.state))


def finish_run(session: Session, run_id: str, *, at: datetime, result_digest: str | None) -> None:
    """Settle a run: done with a result, failed without one."""
    row = session.get_one(RunRow, run_id)
    row.state = RunState.DONE if result_digest else RunState.FAILED
    row.finished_at = at
    row.result_digest = result_digest


def last_run(session: Session) -> Run | None:
    """Return the run that was started last, or None before the first."""
    row = session.scalar(select(RunRow).order_by(RunRow.started_at.desc(), RunRow.id).limit(1))
    if row is None:
        return None
    return Run(row.id, row.night, row.started_at, row.state, row.finished_at, row.result_digest)


def find_stage(session: Session, name: str, input_digest: str) -> StageOutput | None:
    """Return what a stage made of this input, in whichever run, or None."""
    row = session.get(StageRow, (name, input_digest))
    return None if row is None else _stage_output(row)


def record_stage(session: Session, run_id: str, output: StageOutput) -> None:
    """Keep what a stage made; its object must be stored already. An earlier output of the same input is replaced."""
    session.merge(
        StageRow(
            name=output.name,
            input_digest=output.input_digest,
            run_id=run_id,
            output_digest=output.output_digest,
            output_object=output.object,
            output_view=output.view,
            started_at=output.started_at,
            finished_at=output.finished_at,
        )
    )


def outputs_before(session: Session, name: str, night: date) -> list[tuple[date, StageOutput]]:
    """Return what a stage made on nights before `night`: each night's last output, from old to new."""
    return list({day: output for day, output in outputs_of(session, name) if day < night}.items())


def outputs_of(session: Session, name: str) -> list[tuple[date, StageOutput]]:
    """Return everything that is kept of a stage, of each input of each night, from old to new."""
    rows = session.execute(
        select(StageRow, RunRow.night)
        .join(RunRow, StageRow.run_id == RunRow.id)
        .where(StageRow.name == name)
        .order_by(RunRow.night, StageRow.finished_at, StageRow.input_digest)
    )
    return [(day, _stage_output(row)) for row, day in rows]


def replace_output(session: Session, output: StageOutput, *, output_digest: str, kept: ObjectDigest) -> None:
    """Keep another object in place of what a stage made of an input; it must be stored already."""
    row = session.get_one(StageRow, (output.name, output.input_digest))
    row.output_digest = output_digest
    row.output_object = kept


def forget_stages(session: Session, name: str, *, before: date) -> int:
    """Forget what a stage made on nights before `before`; its objects go when the store is next recovered."""
    earlier = select(RunRow.id).where(RunRow.night < before)
    gone = session.execute(
        delete(StageRow).where(StageRow.name == name, StageRow.run_id.in_(earlier)).returning(StageRow.name)
    )
    return len(gone.all())


def _stage_output(row: StageRow) -> StageOutput:
    kept = ObjectDigest(row.output_object) if row.output_object else None
    return StageOutput(
        row.name, row.input_digest, row.output_digest, row.started_at, row.finished_at, kept, row.output_view
    )
