"""What is asked of the rules holds on made-up nights that nothing was tuned on, from extracts to findings."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dedup.lab.bench.findings import bench_findings

CONFIG = Path(__file__).parents[3] / "config"


@pytest.mark.parametrize(
    ("registrations", "seed"),
    [(2_000, 43), pytest.param(20_000, 44, marks=[pytest.mark.trial, pytest.mark.timeout(900)])],
)
def test_pairs_of_every_kind_get_the_class_they_should(tmp_path: Path, registrations: int, seed: int) -> None:
    scores = bench_findings(
        tmp_path / "installation",
        registrations=registrations,
        doubles=0.08,
        seed=seed,
        day=date(2026, 11, 22),
        config=CONFIG,
        cores=1,
        clock=lambda: datetime.now(UTC),
        tell=lambda _: None,
    )
    legitimate, doubles, others = (scores["rules"][name] for name in ("legitimate", "doubles", "look_alikes"))
    assert legitimate["pairs"] >= registrations * 0.03
    assert legitimate["share"] >= 0.99
    assert legitimate["certain"] == 0
    assert doubles["pairs"] >= registrations * 0.08
    assert doubles["share"] >= 0.97
    assert others["registrations"] >= registrations * 0.01
    assert others["certain"] == 0
    assert others["share_likely"] <= 0.01
