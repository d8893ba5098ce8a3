"""The pipeline night after night: faulty deliveries, answers now and then mistaken, and a new epoch on the way."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from dedup.lab.nights.answering import Desks, Habits
from dedup.lab.nights.pipeline import faults_of, run_nights
from dedup.lab.simulate import SimulationSettings, generate

CONFIG = Path(__file__).parents[2] / "config"


@pytest.mark.parametrize(
    ("nights", "registrations", "habits"),
    [
        (4, 240, Habits(own_turn=0.5, other_turn=0.5, wrong=0.3)),
        pytest.param(
            60,
            500,
            Habits(own_turn=0.15, other_turn=0.1, wrong=0.25),
            marks=[pytest.mark.trial, pytest.mark.timeout(3600)],
        ),
    ],
)
def test_no_finding_is_lost_closed_by_a_fault_or_by_new_keys_or_asked_again(
    tmp_path: Path, nights: int, registrations: int, habits: Habits
) -> None:
    simulation = generate(
        SimulationSettings(
            registrations=registrations, doubles=0.1, seed=7, day=date(2026, 11, 22), providers=8, ksvs=3, nights=nights
        )
    )
    done = list(
        run_nights(
            tmp_path / "run",
            simulation,
            config=CONFIG,
            clock=lambda: datetime.now(UTC),
            new_epoch_on=nights // 2,
            desks=Desks(simulation.truth, np.random.default_rng(7), habits),
        )
    )
    faults = faults_of(done)
    linked_under = {
        basis for night in done for basis, found_on in night.findings.findings[["basis", "found_on"]].to_numpy()
        if found_on == night.day.isoformat()
    }  # fmt: skip
    settled_by = {reason for night in done for reason in night.findings.findings["settled_by"]}

    assert len(done) == nights
    assert (faults.lost, faults.closed_by_fault, faults.closed_by_new_keys, faults.other_id) == ([], [], [], [])
    assert faults.asked_again == []
    assert sum(night.answers.accepted for night in done) >= 10
    assert {"feedback", "left"} <= settled_by
    assert not any(night.answers.refused for night in done)
    assert len(linked_under) == 2
    assert len(done[-1].findings.findings) >= registrations * 0.05
