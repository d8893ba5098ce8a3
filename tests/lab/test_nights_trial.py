"""The pipeline night after night: late, missing, repeated and shrunken deliveries, and a new epoch on the way."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dedup.lab.nights.pipeline import faults_of, run_nights
from dedup.lab.simulate import SimulationSettings, generate

CONFIG = Path(__file__).parents[2] / "config"


@pytest.mark.parametrize(
    ("nights", "registrations"), [(4, 240), pytest.param(60, 500, marks=[pytest.mark.trial, pytest.mark.timeout(3600)])]
)
def test_no_finding_is_lost_or_closed_by_a_fault_or_by_new_keys(
    tmp_path: Path, nights: int, registrations: int
) -> None:
    simulation = generate(
        SimulationSettings(
            registrations=registrations, doubles=0.1, seed=7, day=date(2026, 11, 22), providers=8, ksvs=3, nights=nights
        )
    )
    done = list(
        run_nights(
            tmp_path / "run", simulation, config=CONFIG, clock=lambda: datetime.now(UTC), new_epoch_on=nights // 2
        )
    )
    faults = faults_of(done)
    linked_under = {
        basis for night in done for basis, found_on in night.findings.findings[["basis", "found_on"]].to_numpy()
        if found_on == night.day.isoformat()
    }  # fmt: skip

    assert len(done) == nights
    assert (faults.lost, faults.closed_by_fault, faults.closed_by_new_keys, faults.other_id) == ([], [], [], [])
    assert len(linked_under) == 2
    assert len(done[-1].findings.findings) >= registrations * 0.05
