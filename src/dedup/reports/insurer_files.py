"""Renders the insurer's report as JSON, CSV and XLSX; a count that is not shown is null, and a dot for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from dedup.reports.insurer import ALL, CODES, INSURER_VERSION, MEASURES, NO_EDD, InsurerReport
from dedup.reports.separated import separated
from dedup.reports.texts import Texts, texts_in
from dedup.reports.workbook import Cell, Sheet, workbook

NOT_SHOWN = "."
READING = ("what", "counts", "hidden", "hours", "settled", "coverage", "keep")
_HOURS = ("hours_mean", "hours_low", "hours_high")


def as_json(report: InsurerReport) -> dict[str, Any]:
    """Return the report as plain JSON values, as `docs/schema/insurer-report-1.json` describes them."""
    return {
        "version": INSURER_VERSION,
        "insurer": report.insurer,
        "month": report.month,
        "day": report.day.isoformat(),
        "rules": asdict(report.rules),
        "cells": [
            {
                "ksv": cell.ksv,
                "edd_month": cell.month,
                **cell.counts,
                "hours": {name.removeprefix("hours_"): getattr(cell, name) for name in _HOURS},
            }
            for cell in report.cells
        ],
        "ksvs": [{**asdict(line), "legitimate": dict(line.legitimate)} for line in report.ksvs],
    }


def as_csv(report: InsurerReport) -> bytes:
    """Return the cells as CSV, empty where nothing is shown."""
    return separated(
        ("ksv", "a_terme_maand", *MEASURES, *_HOURS),
        (
            (
                cell.ksv,
                cell.month,
                *(cell.counts[measure] for measure in MEASURES),
                *(getattr(cell, name) for name in _HOURS),
            )
            for cell in report.cells
        ),
    )


def as_xlsx(report: InsurerReport, language: str = "nl") -> bytes:
    """Return a workbook: the cells, the KSVs, and how to read them."""
    texts = texts_in(language)
    title = texts("insurer.title", month=texts.month(report.month))
    return workbook(title, report.day, (_cells(report, texts), _ksvs(report, texts), _reading(report, texts)))


def _cells(report: InsurerReport, texts: Texts) -> Sheet:
    heads = ("KSV", *(texts(f"insurer.{name}") for name in ("edd_month", *MEASURES, *_HOURS)))
    names = {line.ksv: line.name for line in report.ksvs}
    rows: list[tuple[Cell, ...]] = [
        (
            _ksv(cell.ksv, names[cell.ksv], texts),
            {ALL: texts("insurer.total"), NO_EDD: texts("demand.no_edd")}.get(cell.month, cell.month),
            *(_shown(cell.counts[measure]) for measure in MEASURES),
            *(_shown(getattr(cell, name)) for name in _HOURS),
        )
        for cell in report.cells
    ]
    return Sheet(texts("insurer.cells"), heads, rows, dict.fromkeys(range(2, len(heads)), "0"))


def _ksvs(report: InsurerReport, texts: Texts) -> Sheet:
    named = (texts(f"insurer.{name}") for name in ("contracted", "delivering", "doubles_opened", "doubles_settled"))
    heads = ("KSV", *named, *(texts("insurer.legitimate_by", code=code) for code in CODES))
    rows: list[tuple[Cell, ...]] = [
        (
            _ksv(line.ksv, line.name, texts),
            line.contracted,
            line.delivering,
            _shown(line.doubles_opened),
            _shown(line.doubles_settled),
            *(_shown(line.legitimate[code]) for code in CODES),
        )
        for line in report.ksvs
    ]
    return Sheet(texts("insurer.ksvs"), heads, rows, dict.fromkeys(range(1, len(heads)), "0"))


def reading(name: str, report: InsurerReport, texts: Texts) -> str:
    """Return one paragraph of `READING`: how the report is to be read."""
    rules = report.rules
    known = {
        "day": texts.day(report.day), "month": texts.month(report.month), "smallest": rules.smallest,
        "providers": rules.providers, "share": round(100 * rules.largest_share), "rounding": rules.rounding,
        "sign": NOT_SHOWN,
    }  # fmt: skip
    return texts(f"insurer_reading.{name}", **known)


def _reading(report: InsurerReport, texts: Texts) -> Sheet:
    rows: list[tuple[Cell, ...]] = [(reading(name, report, texts),) for name in READING]
    return Sheet(texts("insurer.reading"), (texts("insurer.reading"),), rows, {})


def _ksv(code: str, name: str, texts: Texts) -> str:
    return texts("insurer.total") if code == ALL else f"{code} {name}".strip()


def _shown(value: int | None) -> Cell:
    return NOT_SHOWN if value is None else value
