"""Probing providers are found and honest ones are not named."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dedup.findings.config import load_rules
from dedup.lab.nights.probing import run_trial

RULES = Path(__file__).parents[2] / "config" / "rules.toml"


@pytest.mark.trial
def test_nine_of_ten_probing_providers_are_found_in_sixty_nights_and_no_honest_one_of_200_is_named() -> None:
    trial = run_trial(load_rules(RULES), seed=24, day=date(2026, 11, 22))
    assert trial.found >= 9
    assert trial.wrongly == []


def test_a_few_probing_providers_among_few_are_found() -> None:
    trial = run_trial(
        load_rules(RULES), seed=2, day=date(2026, 11, 22), registrations=1_500, honest=24, probing=3, nights=20
    )
    assert set(trial.probing.values()) == {"visitor", "editor", "collector"}
    assert "collector" in {trial.probing[agb] for agb in trial.named.keys() & trial.probing.keys()}
    assert trial.wrongly == []
