"""Reads the frames of registrations and candidate pairs into what the rules judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from dedup.findings.config import Rules
from dedup.findings.frames import FindingsError
from dedup.findings.pair import Pair, Registration
from dedup.findings.rules.reflection import is_held

# Columns of the registrations frame by the name that rules use.
_REGISTRATION_COLUMNS = {
    "id": "registratie_id",
    "provider": "aanbieder_agb",
    "product": "zorgproduct",
    "role": "rol",
    "related_provider": "relatie_agb",
    "status": "status",
    "registered_week": "inschrijf_week",
    "status_week": "status_week",
    "transfer_week": "overdracht_week",
    "transferred_to": "overdracht_agb",
    "sharing": "sharing",
    "shared_care": "gedeelde_zorg",
    "edd_week": "edd_week",
    "indicated_hours": "indicatie_uren",
    "promised_hours": "toegezegde_uren",
    "ksv": "ksv",
}
_NEEDED = frozenset({*_REGISTRATION_COLUMNS.values(), "first_seen", "group"})


def check_columns(registrations: pd.DataFrame, pairs: pd.DataFrame, rules: Rules) -> None:
    """Raise `FindingsError` (`findings.columns`) when a frame lacks a column or a rule names an unknown comparison."""
    if missing := sorted(_NEEDED - set(registrations.columns)):
        raise FindingsError("findings.columns", f"The registrations have no column {missing[0]}.")
    if missing := sorted({"left", "right", "probability"} - set(pairs.columns)):
        raise FindingsError("findings.columns", f"The pairs have no column {missing[0]}.")
    named = {*rules.evidence.agrees, *rules.evidence.contradicts}
    if missing := sorted(named - set(pairs.columns)):
        raise FindingsError("findings.columns", f"The rules name the comparison {missing[0]}, the pairs do not.")


def pairs_of_groups(registrations: pd.DataFrame, pairs: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Return the pairs with both sides in one group, at least one of them open, and the column `group` added."""
    group = registrations["group"].to_numpy()
    is_open = ~registrations["status"].isin(rules.closed_statuses).to_numpy()
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    kept = (group[left] == group[right]) & (is_open[left] | is_open[right])
    chosen: pd.DataFrame = pairs.loc[kept].assign(group=group[left[kept]])
    return chosen


def read_pairs(
    registrations: pd.DataFrame,
    pairs: pd.DataFrame,
    rules: Rules,
    *,
    today: date,
    known: frozenset[str] = frozenset(),
) -> Iterator[tuple[int, Pair]]:
    """Yield each pair of `pairs_of_groups` with its group; `known` registrations are not new, whoever delivers them."""
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    positions = np.unique(np.concatenate([left, right]))
    read = _read_registrations(registrations, positions, rules, today, known)
    records = dict(zip(positions.tolist(), read, strict=True))
    agreed = names_where(pairs, rules.evidence.agrees, at_least=True)
    contradicted = names_where(pairs, rules.evidence.contradicts, at_least=False)
    for group, one, other, probability, agrees, contradicts in zip(
        pairs["group"].tolist(),
        left.tolist(),
        right.tolist(),
        pairs["probability"].tolist(),
        agreed,
        contradicted,
        strict=True,
    ):
        yield group, Pair(records[one], records[other], probability, agrees, contradicts)


def _read_registrations(
    registrations: pd.DataFrame, positions: npt.NDArray[np.int64], rules: Rules, today: date, known: frozenset[str]
) -> Iterator[Registration]:
    chosen = registrations.iloc[positions]
    columns = {name: chosen[column].tolist() for name, column in _REGISTRATION_COLUMNS.items()}
    columns["shared_care"] = [answer == 1 for answer in columns["shared_care"]]
    first_seen = _dates(chosen["first_seen"])
    changed = _dates(chosen["tokens_changed"]) if "tokens_changed" in chosen else [None] * len(chosen)
    bootstrap = came_first(registrations).to_numpy()[positions].tolist()
    edits = chosen["identity_changes"].tolist() if "identity_changes" in chosen else [0] * len(chosen)
    for row in range(len(chosen)):
        seen = first_seen[row] or today
        held = is_held(
            ksv=columns["ksv"][row],
            first_seen=seen,
            tokens_changed=changed[row],
            bootstrap=bootstrap[row] or columns["id"][row] in known,
            identity_changes=edits[row],
            rules=rules,
            today=today,
        )
        values = {name: column[row] for name, column in columns.items()}
        closed = columns["status"][row] in rules.closed_statuses
        yield Registration(first_seen=seen, tokens_changed=changed[row], held=held, closed=closed, **values)


def came_first(registrations: pd.DataFrame) -> pd.Series[bool]:
    """Tell for each registration whether it came with its provider's first snapshot.

    Taken from the column `bootstrap` when there is one, else from the earliest `first_seen` of the provider.
    """
    if "bootstrap" in registrations:
        return registrations["bootstrap"].astype(bool)
    seen = pd.to_datetime(registrations["first_seen"])
    return seen == seen.groupby(registrations["aanbieder_agb"]).transform("min")


def _dates(column: pd.Series[Any]) -> list[date | None]:
    return [None if pd.isna(moment) else moment.date() for moment in pd.to_datetime(column)]


def names_where(pairs: pd.DataFrame, levels: Mapping[str, int], *, at_least: bool) -> list[frozenset[str]]:
    """Return per pair the comparisons whose level is at least (or, not missing, at most) the given one.

    Each pair's answer is a number with one bit per comparison, so that every distinct set is made once.
    """
    names = sorted(levels)
    bits = np.zeros(len(pairs), dtype=np.int64)
    for bit, name in enumerate(names):
        level = pairs[name].to_numpy()
        holds = level >= levels[name] if at_least else (level >= 0) & (level <= levels[name])
        bits |= holds.astype(np.int64) << bit
    sets = {
        number: frozenset(name for bit, name in enumerate(names) if number >> bit & 1)
        for number in np.unique(bits).tolist()
    }
    return [sets[number] for number in bits.tolist()]
