"""Runs the real pipeline night after night on simulated deliveries, and counts what should never happen."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from dedup.bundle.keyfiles import LinkageKey, write_key
from dedup.findings.frames import Findings
from dedup.findings.vocabulary import Feedback
from dedup.lab.installation import Installation, build_installation, submit
from dedup.lab.nights.answering import Desks
from dedup.lab.simulate import Simulation
from dedup.lab.simulate.files import write_extracts
from dedup.nightly.feedback import Imported, import_feedback
from dedup.nightly.finding import FINDINGS, findings_from_json
from dedup.nightly.memory import content_of
from dedup.nightly.night import open_night
from dedup.nightly.reporting import PROVIDER_REPORTS_FOLDER
from dedup.nightly.run import run_night
from dedup.store.runs import outputs_before

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class NightDone:
    """One night that was run: how providers delivered, and its findings."""

    day: date
    deliveries: Counter[str]
    findings: Findings
    delivered: frozenset[str]  # the registratie_ids
    answers: Imported = field(default_factory=Imported)  # given after it


def run_nights(
    folder: Path,
    simulation: Simulation,
    *,
    config: Path,
    clock: Clock,
    new_epoch_on: int | None = None,
    desks: Desks | None = None,
) -> Iterator[NightDone]:
    """Run all nights of a simulation in `folder`, which must be new or empty, and yield each when it is done.

    From the night with the number `new_epoch_on` on, all vendors use a new epoch's key. `desks` answer each night's
    reports before the next one, and what they close is not delivered any more.
    """
    installation = build_installation(folder, simulation, config=config, created=clock())
    vendor_of = dict(zip(simulation.providers["aanbieder_agb"], simulation.providers["vendor"], strict=True))
    for number, night in enumerate(simulation.nights):
        if number == new_epoch_on:
            _change_epoch(installation, clock())
        closed = desks.closed(night.day) if desks else frozenset()
        delivered = night.registrations[~night.registrations["registratie_id"].isin(closed)]
        _deliver(installation, delivered, vendor_of)
        list(submit(installation, today=night.day, created=clock(), processes=1))
        with open_night(installation.settings, today=night.day, clock=clock) as opened:
            run_night(opened).raise_for_reports()
            with opened.store.registry.read() as session:
                made = outputs_before(session, FINDINGS, date.max)[-1][1]
            findings = findings_from_json(content_of(opened, made))
            answers = Imported()
            if desks:
                forms = desks.answer(opened.out / PROVIDER_REPORTS_FOLDER, findings.members, night.day)
                answers = import_feedback(opened, forms)
        deliveries = Counter(night.deliveries["levering"])
        yield NightDone(night.day, deliveries, findings, frozenset(delivered["registratie_id"]), answers)


@dataclass(frozen=True, slots=True)
class Faults:
    """What a run of nights did wrong: findings by night and id; all should be empty."""

    lost: list[tuple[str, str]]
    closed_by_fault: list[tuple[str, str]]
    closed_by_new_keys: list[tuple[str, str]]
    other_id: list[tuple[str, str]]
    asked_again: list[tuple[str, str]]  # of what a provider had called no double, without new evidence


def faults_of(nights: list[NightDone]) -> Faults:
    """Return what went wrong over the nights, given what was delivered after each of them.

    A registration that is delivered again later had not left: a finding that was settled as `left` although two of
    its registrations come back was closed by a fault.
    """
    faults = Faults([], [], [], [], [])
    delivered_later: list[set[str]] = []
    later: set[str] = set()
    for night in reversed(nights):
        delivered_later.append(set(later))
        later |= night.delivered
    delivered_later.reverse()
    for before, now, comes_back in zip(nights, nights[1:], delivered_later[1:], strict=False):
        _compare(before, now, comes_back, faults)
    for night in nights:
        faults.asked_again.extend((night.day.isoformat(), name) for name in _asked_again(night.findings))
    return faults


def _compare(before: NightDone, now: NightDone, comes_back: set[str], faults: Faults) -> None:
    day = now.day.isoformat()
    earlier, current = _rows(before.findings), _rows(now.findings)
    members = _members(before.findings)
    alive = {ids: name for name, ids in _members(now.findings).items() if current[name]["state"] != "settled"}
    for name, row in earlier.items():
        if row["state"] == "settled":
            continue
        tonight = current.get(name)
        if tonight is None:
            # A finding is only deleted once it is long past its EDD.
            if row["edd_week"] * 7 + 8 * 7 > now.day.toordinal():
                faults.lost.append((day, name))
            continue
        if tonight["settled_by"] == "left" and len(members[name] & comes_back) >= 2:
            faults.closed_by_fault.append((day, name))
        if tonight["settled_by"] == "no_match" and row["basis"] != tonight["basis"]:
            faults.closed_by_new_keys.append((day, name))
        if alive.get(members[name], name) != name:
            faults.other_id.append((day, name))


def _asked_again(findings: Findings) -> list[str]:
    """Return the findings of two registrations that are open although all that was answered about them says no.

    An answer that was given after the night is not among its decisions yet; one that new evidence overtook is stale.
    """
    answers: dict[frozenset[str], set[str]] = defaultdict(set)
    for one, other, answer, stale in findings.decisions[["registratie_id", "other", "answer", "stale"]].to_numpy():
        if not stale and answer != Feedback.UNKNOWN:
            answers[frozenset((one, other))].add(answer)
    shown = set(findings.open["finding"])
    members = _members(findings).items()
    return [name for name, ids in members if name in shown and answers[ids] == {Feedback.NOT_A_DOUBLE}]


def _rows(findings: Findings) -> dict[str, dict[str, Any]]:
    return {str(row["finding"]): {str(k): v for k, v in row.items()} for row in findings.findings.to_dict("records")}


def _members(findings: Findings) -> dict[str, frozenset[str]]:
    return {str(name): frozenset(ids) for name, ids in findings.members.groupby("finding")["registratie_id"]}


def _deliver(installation: Installation, registrations: pd.DataFrame, vendor_of: dict[str, str]) -> None:
    """Put tonight's extracts in place of last night's; a provider without a file delivers nothing."""
    vendors = registrations["aanbieder_agb"].map(vendor_of)
    for vendor in installation.vendors:
        extracts = installation.folder / "vendors" / vendor / "extracts"
        shutil.rmtree(extracts, ignore_errors=True)
        write_extracts(registrations[vendors == vendor], extracts)


def _change_epoch(installation: Installation, created: datetime) -> None:
    epoch = LinkageKey.generate()
    for vendor in installation.vendors:
        path = installation.keys_of(vendor) / "epoch.key"
        path.unlink()
        write_key(path, epoch, created=created)
