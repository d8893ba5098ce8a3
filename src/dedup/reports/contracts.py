"""The preferred insurers' list of contracted providers per KSV: read, checked, and matched to AGB codes by name.

The list is confidential: a fault that is told names the line and the column, and holds nothing else of it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd
from rapidfuzz import fuzz, process, utils

from dedup.reports.data import DoubtfulContract
from dedup.reports.night import ReportError

CONTRACT_COLUMNS = ("ksv", "aanbieder_agb", "naam", "verzekeraar", "van", "tot")
_AGB = re.compile(r"[0-9]{8}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # days are compared as texts, so no other way of writing them will do
SURE_SCORE = 90.0  # of 100; a name that is this alike is the provider's ...
CLEAR_LEAD = 5.0  # ... when the next name is so much less alike
OTHER_NAME_SCORE = 60.0  # under this, the name beside an AGB code is another's than the one it is known by


@dataclass(frozen=True)
class Contracts:
    """The contracts that hold on a day: `table` with ksv, aanbieder_agb, naam, verzekeraar, a line per KSV and AGB."""

    table: pd.DataFrame
    doubtful: tuple[DoubtfulContract, ...] = ()

    def ksvs_of_insurers(self) -> dict[str, tuple[str, ...]]:
        """Return the KSVs per preferred insurer (uzovi); a KSV with two of them goes to the one with more contracts."""
        counted = self.table.value_counts(["ksv", "verzekeraar"]).rename("lines").reset_index()
        ranked = counted.sort_values(["ksv", "lines", "verzekeraar"], ascending=[True, False, True])
        preferred = ranked.drop_duplicates("ksv")
        return {
            str(insurer): tuple(sorted(rows["ksv"]))
            for insurer, rows in preferred.groupby("verzekeraar", sort=True)
            if insurer
        }


def read_contracts(content: bytes) -> pd.DataFrame:
    """Read `contracts.csv` (UTF-8, semicolons, header) into `CONTRACT_COLUMNS` as texts, with `line` in the file.

    Raises `ReportError`: `contracts.encoding`, `.columns`, `.empty`, `.malformed` (naming line and column only).
    """
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))
    except UnicodeDecodeError:
        raise ReportError("contracts.encoding", "The list of contracts is not UTF-8.") from None
    except csv.Error:
        raise ReportError("contracts.malformed", "The list of contracts cannot be read as CSV.") from None
    if not rows or tuple(name.strip() for name in rows[0]) != CONTRACT_COLUMNS:
        wanted = ";".join(CONTRACT_COLUMNS)
        raise ReportError("contracts.columns", f"The list of contracts must have the columns {wanted}.")
    lines = [(line, [field.strip() for field in row]) for line, row in enumerate(rows[1:], start=2) if any(row)]
    if not lines:
        raise ReportError("contracts.empty", "The list of contracts holds no line.")
    for line, fields in lines:
        if wrong := _wrong_column(fields):
            raise ReportError("contracts.malformed", f"Line {line} of the list of contracts has no usable {wrong}.")
    table = pd.DataFrame([fields for _, fields in lines], columns=list(CONTRACT_COLUMNS))
    return table.assign(line=[line for line, _ in lines])


def _wrong_column(fields: list[str]) -> str:
    if len(fields) != len(CONTRACT_COLUMNS):
        return "number of fields"
    row = dict(zip(CONTRACT_COLUMNS, fields, strict=True))
    if not row["ksv"]:
        return "ksv"
    if row["aanbieder_agb"] and not _AGB.fullmatch(row["aanbieder_agb"]):
        return "aanbieder_agb"
    if not row["aanbieder_agb"] and not row["naam"]:
        return "naam"
    for column in ("van", "tot"):
        if row[column] and not _is_day(row[column]):
            return column
    return ""


def _is_day(written: str) -> bool:
    try:
        date.fromisoformat(written)
    except ValueError:
        return False
    return _DAY.fullmatch(written) is not None


def match_contracts(listed: pd.DataFrame, names: Mapping[str, str], today: date) -> Contracts:
    """Return the contracts that hold on `today`, each under an AGB code.

    `names` are those of providers by AGB code. A line without AGB code is the provider whose name is surely alike;
    a line whose name is another than its AGB code is known by keeps its code, but is listed as doubtful.
    """
    known = {agb: utils.default_process(name) for agb, name in names.items() if name}
    day = today.isoformat()
    holds = listed.loc[
        ((listed["van"] == "") | (listed["van"] <= day)) & ((listed["tot"] == "") | (listed["tot"] >= day))
    ]
    codes, doubtful = [], []
    for line, ksv, agb, name in zip(holds["line"], holds["ksv"], holds["aanbieder_agb"], holds["naam"], strict=True):
        written = utils.default_process(name)
        ranked = process.extract(written, known, scorer=fuzz.token_sort_ratio, limit=2) if written and known else []
        likely, surely = "", False
        if ranked:
            _, score, likely = ranked[0]
            lead = score - ranked[1][1] if len(ranked) > 1 else score
            surely = score >= SURE_SCORE and lead >= CLEAR_LEAD
        fits = not written or agb not in known or fuzz.token_sort_ratio(written, known[agb]) >= OTHER_NAME_SCORE
        if (agb and not fits) or (not agb and not surely):
            doubtful.append(DoubtfulContract(int(line), str(ksv), str(name), str(likely)))
        codes.append(agb or (likely if surely else ""))
    table = holds.assign(aanbieder_agb=codes)[["ksv", "aanbieder_agb", "naam", "verzekeraar"]]
    table = table.loc[table["aanbieder_agb"] != ""].drop_duplicates(["ksv", "aanbieder_agb"], ignore_index=True)
    return Contracts(table, tuple(doubtful))
