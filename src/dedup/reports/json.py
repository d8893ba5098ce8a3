"""Renders a KSV's report as plain JSON values, as `docs/schema/ksv-report-1.json` describes them."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

from dedup.reports.data import REPORT_VERSION, FindingLine, KsvReport
from dedup.weeks import iso_label


def render(report: KsvReport) -> dict[str, Any]:
    """Return the report as dicts, lists, strings and numbers; days and weeks in ISO form, "" or null when missing."""
    return {
        "version": REPORT_VERSION,
        "ksv": report.ksv,
        "ksv_name": report.ksv_name,
        "day": report.day.isoformat(),
        "first_night": report.first_night,
        **_month(report),
        "summary": _plain(report.summary),
        "findings": [_finding(line) for line in report.findings],
        "legitimate": [_finding(line) for line in report.legitimate],
        "providers": _plain(report.providers),
        "doubtful_contracts": _plain(report.doubtful_contracts),
        "ageing": _plain(report.ageing),
        "flow": _plain(report.flow),
        "history": _plain(report.history),
        "demand": _plain(report.demand),
        "births": [{**_plain(line), "week": iso_label(line.week)} for line in report.births],
        "vendors": _plain(report.vendors),
    }


def _month(report: KsvReport) -> dict[str, Any]:
    """Return what only a month's report has: which month, and what was new and settled in all its nights."""
    if not report.month:
        return {}
    return {"month": {"month": report.month, "new": report.month_new, "settled": report.month_settled}}


def _finding(line: FindingLine) -> dict[str, Any]:
    plain: dict[str, Any] = _plain(line)
    plain["class"] = plain.pop("outcome")
    plain["edd_week"] = iso_label(line.edd_week)
    for member, written in zip(line.members, plain["members"], strict=True):
        written["registered_week"] = iso_label(member.registered_week)
        written["edd_week"] = iso_label(member.edd_week)
    return plain


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
