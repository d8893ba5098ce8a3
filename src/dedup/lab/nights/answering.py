"""What providers would answer about their findings, and who leaves because of it: the truth, now and then mistaken."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from dedup.findings.rules import EXPLAINING
from dedup.findings.vocabulary import Feedback, FindingClass
from dedup.lab.simulate.kinds import BASE, BY_CODE

HEADER = "finding;registratie_id;aanbieder_agb;code"


@dataclass(frozen=True, slots=True)
class Habits:
    """How providers answer; chances are of one line of a form in one night, and all of them assumptions.

    `own_turn` while it is the provider's turn, `other_turn` else; `unknown` and `wrong` are shares of the answers; who
    is to be closed is out of the extract `leaves_within` days after the answer.
    """

    own_turn: float = 0.08
    other_turn: float = 0.02
    unknown: float = 0.1
    wrong: float = 0.02
    leaves_within: int = 3


@dataclass(frozen=True, slots=True)
class _Case:
    """A line of a form, with the other registrations of its finding that are of the same pregnancy."""

    own: str
    outcome: str
    act_here: bool
    same: tuple[str, ...]


class Desks:
    """All providers' desks: they read their reports, call clients, fill in forms, and close registrations."""

    def __init__(self, truth: pd.DataFrame, rng: np.random.Generator, habits: Habits | None = None) -> None:
        self._pregnancy = dict(zip(truth["registratie_id"], truth["zwangerschap"], strict=True))
        self._kind = dict(zip(truth["registratie_id"], truth["soort"], strict=True))
        self._rng, self._habits = rng, habits or Habits()
        self._done: set[tuple[str, str]] = set()
        self._chosen: dict[str, str] = {}  # the registration that the client of a pregnancy wants to keep
        self._closed_on: dict[str, date] = {}

    def closed(self, day: date) -> frozenset[str]:
        """Return the registrations that providers have closed by that day."""
        return frozenset(name for name, since in self._closed_on.items() if since <= day)

    def answer(self, reports: Path, members: pd.DataFrame, day: date) -> bytes:
        """Return what is answered to the forms of one night, as the file that `import_feedback` takes.

        `reports` is the folder with a folder per provider. `members` (finding, registratie_id) stand for what a
        provider hears when it calls its client.
        """
        together = {str(name): tuple(ids) for name, ids in members.groupby("finding")["registratie_id"]}
        lines = [HEADER]
        for report in sorted(reports.glob(f"*/{day.isoformat()}/report.csv")):
            told = {(row["finding"], row["registratie_id"]): row for row in _read(report)}
            for row in _read(report.with_name("feedback.csv")):
                key = row["finding"], row["registratie_id"]
                chance = self._habits.own_turn if told[key]["turn"] == "yours" else self._habits.other_turn
                if key in self._done or self._rng.random() >= chance:
                    continue
                code = self._answer(self._case(told[key], together[key[0]]), day)
                if code != Feedback.UNKNOWN:
                    self._done.add(key)
                lines.append(";".join((*key, row["aanbieder_agb"], code)))
        return "\n".join(lines).encode()

    def _case(self, told: dict[str, str], together: tuple[str, ...]) -> _Case:
        own = told["registratie_id"]
        same = (one for one in together if self._pregnancy[one] == self._pregnancy[own] and one != own)
        return _Case(own, told["class"], told["act_here"] == "1", tuple(sorted(same)))

    def _answer(self, case: _Case, day: date) -> str:
        luck = self._rng.random()
        if luck < self._habits.unknown:
            return str(Feedback.UNKNOWN)
        mistaken = luck > 1 - self._habits.wrong
        if case.outcome == FindingClass.CLEAN_UP:
            return self._clean_up(case, day)
        if not case.same:
            return str(Feedback.OURS if mistaken else Feedback.NOT_A_DOUBLE)
        if mistaken:
            return str(Feedback.NOT_A_DOUBLE)
        if rule := self._rule_of(case):
            return f"{Feedback.RIGHTLY}:{rule}"
        return self._ask_client(case, day)

    def _clean_up(self, case: _Case, day: date) -> str:
        if case.act_here:
            self._close(case.own, day)
        return str(Feedback.THEIRS if case.act_here else Feedback.OURS)

    def _rule_of(self, case: _Case) -> str:
        """Return the rule by which these registrations are rightly double, "" when none is."""
        kinds = {self._kind[one] for one in (case.own, *case.same)} - {BASE}
        rules = {kind.partition("_")[0] for kind in kinds if kind in BY_CODE} & set(EXPLAINING)
        return min(rules, default="")

    def _ask_client(self, case: _Case, day: date) -> str:
        chosen = self._chosen.setdefault(self._pregnancy[case.own], str(self._rng.choice([case.own, *case.same])))
        if chosen == case.own:
            return str(Feedback.OURS)
        self._close(case.own, day)
        return str(Feedback.THEIRS)

    def _close(self, registration: str, day: date) -> None:
        takes = int(self._rng.integers(1, self._habits.leaves_within + 1))
        self._closed_on.setdefault(registration, day + timedelta(days=takes))


def _read(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file, delimiter=";")
