"""Runs and stages: what was done once, for one input, is known to every later run."""

from dataclasses import replace
from datetime import timedelta

from dedup.store.audit import AuditEvent
from dedup.store.objects import ObjectDigest
from dedup.store.registry import Registry
from dedup.store.runs import (
    Run,
    StageOutput,
    begin_run,
    find_stage,
    finish_run,
    forget_stages,
    last_run,
    outputs_before,
    record_stage,
)
from dedup.store.tables import RunState, View


def test_a_stage_is_found_by_its_input_in_any_later_run(registry: Registry, event: AuditEvent) -> None:
    now = event.at
    made = StageOutput("link", "1" * 64, "2" * 64, now, now, ObjectDigest("3" * 64), View.LINK)
    with registry.write(event) as session:
        begin_run(session, Run("run-1", now.date(), now))
        record_stage(session, "run-1", made)
    with registry.read() as session:
        assert find_stage(session, "link", "1" * 64) == made
        assert find_stage(session, "link", "9" * 64) is None
        assert find_stage(session, "findings", "1" * 64) is None


def test_a_stage_that_is_done_again_replaces_its_output(registry: Registry, event: AuditEvent) -> None:
    now = event.at
    first = StageOutput("link", "1" * 64, "2" * 64, now, now, ObjectDigest("3" * 64), View.LINK)
    again = replace(first, object=ObjectDigest("4" * 64))
    with registry.write(event) as session:
        begin_run(session, Run("run-1", now.date(), now))
        record_stage(session, "run-1", first)
    with registry.write(event) as session:
        record_stage(session, "run-1", again)
    with registry.read() as session:
        assert find_stage(session, "link", "1" * 64) == again


def test_a_run_that_was_killed_counts_as_failed_when_the_next_begins(registry: Registry, event: AuditEvent) -> None:
    now = event.at
    with registry.write(event) as session:
        begin_run(session, Run("run-1", now.date(), now))
    later = now + timedelta(hours=1)
    with registry.write(event) as session:
        killed = last_run(session)
        assert killed is not None
        assert (killed.id, killed.state) == ("run-1", RunState.RUNNING)
        begin_run(session, Run("run-2", now.date(), later))
        finish_run(session, "run-2", at=later, result_digest="5" * 64)
    with registry.read() as session:
        assert last_run(session) == Run("run-2", now.date(), later, RunState.DONE, later, "5" * 64)


def test_outputs_of_earlier_nights_are_found_and_forgotten_by_night(registry: Registry, event: AuditEvent) -> None:
    now = event.at
    nights = [now.date() - timedelta(days=days) for days in (2, 1, 0)]
    made = [StageOutput("findings", str(number) * 64, str(number) * 64, now, now) for number in range(3)]
    with registry.write(event) as session:
        assert last_run(session) is None
        for number, night in enumerate(nights):
            begin_run(session, Run(f"run-{number}", night, now + timedelta(hours=number)))
            session.flush()
            record_stage(session, f"run-{number}", made[number])
    with registry.read() as session:
        assert outputs_before(session, "findings", nights[2]) == list(zip(nights, made, strict=True))[:2]
        assert outputs_before(session, "link", nights[2]) == []
    with registry.write(event) as session:
        assert forget_stages(session, "findings", before=nights[1]) == 1
    with registry.read() as session:
        assert outputs_before(session, "findings", nights[2]) == [(nights[1], made[1])]
        assert find_stage(session, "findings", "2" * 64) == made[2]


def test_the_last_output_of_a_night_counts(registry: Registry, event: AuditEvent) -> None:
    now = event.at
    first = StageOutput("findings", "1" * 64, "1" * 64, now, now)
    second = StageOutput("findings", "2" * 64, "2" * 64, now, now + timedelta(hours=3))
    with registry.write(event) as session:
        begin_run(session, Run("run-1", now.date(), now))
        session.flush()
        record_stage(session, "run-1", second)
        record_stage(session, "run-1", first)
    with registry.read() as session:
        assert outputs_before(session, "findings", now.date() + timedelta(days=1)) == [(now.date(), second)]
