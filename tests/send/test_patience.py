"""Laws of waiting: it grows, it ends, it does what the server asks, and progress starts it anew."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.send.errors import NoServerError
from dedup.send.patience import LONGEST_WAIT, Patience

draws = st.floats(0, 1)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def patience(clock: Clock, seconds: float, draw: float, told: list[str] | None = None) -> Patience:
    return Patience(seconds, lambda: clock.now, clock.sleep, lambda: draw, (told if told is not None else []).append)


def wait_often(patient: Patience) -> None:
    for _ in range(100_000):
        patient.wait("No answer")


@given(draw=draws, seconds=st.floats(0, 3_600))
def test_it_gives_up_before_its_time_is_over_and_not_long_before(draw: float, seconds: float) -> None:
    clock = Clock()
    patient = patience(clock, seconds, draw)

    with pytest.raises(NoServerError):
        wait_often(patient)

    assert seconds - LONGEST_WAIT <= sum(clock.slept) <= seconds


@given(draw=draws)
def test_waits_grow_to_a_minute_and_jitter_takes_at_most_half(draw: float) -> None:
    clock = Clock()
    patient = patience(clock, 100_000, draw)
    for _ in range(12):
        patient.wait("No answer")

    expected = [min(LONGEST_WAIT, 0.5 * 2**n) for n in range(12)]
    assert all(full / 2 <= slept <= full for slept, full in zip(clock.slept, expected, strict=True))


@given(draw=draws, asked=st.floats(0, 500))
def test_it_waits_as_long_as_the_server_asks(draw: float, asked: float) -> None:
    clock = Clock()
    patience(clock, 1_000, draw).wait("Busy", asked)

    assert clock.slept[0] >= asked


def test_a_server_that_asks_for_more_than_the_patience_is_not_waited_for() -> None:
    clock = Clock()
    with pytest.raises(NoServerError, match="Come back tomorrow"):
        patience(clock, 900, 0.5).wait("Come back tomorrow", 86_400)

    assert clock.slept == []


def test_progress_starts_anew_and_each_silence_is_told_once() -> None:
    clock, told = Clock(), list[str]()
    patient = patience(clock, 60, 1, told)
    for _ in range(3):
        for _ in range(5):
            patient.wait("No answer")
        patient.progressed()

    assert clock.slept == [0.5, 1, 2, 4, 8] * 3
    assert told == ["No answer; trying again for 1 min at most."] * 3
