"""The reports stage: the night's findings are cut into one report per KSV and written as HTML, XLSX and JSON."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import orjson
import pandas as pd

from dedup.errors import ConfigError
from dedup.nightly.finding import findings_from_json
from dedup.nightly.memory import Made, content_of, digest_of, remembered
from dedup.nightly.night import REPORTS_FOLDER, Night
from dedup.nightly.registrations import night_registrations
from dedup.nightly.snapshots import Snapshots
from dedup.regions import read_regions
from dedup.reports import html, xlsx
from dedup.reports import json as report_json
from dedup.reports.data import KsvReport
from dedup.reports.ksv import build, history_row
from dedup.reports.night import prepare
from dedup.store.durable import write_durably
from dedup.store.failpoints import reach
from dedup.store.runs import StageOutput, outputs_before
from dedup.store.tables import View

REPORTS = "reports"
_PROVIDER_COLUMNS = ["aanbieder_agb", "naam", "vendor", "snapshot_date", "rows", "refused", "warnings"]


@dataclass(frozen=True, slots=True)
class WrittenReports:
    """The files of one night, relative to `out`, with their SHA-256; `open_findings` counts them per KSV."""

    files: Mapping[str, str]
    open_findings: Mapping[str, int]

    def complete_in(self, out: Path) -> bool:
        """Tell whether every file is still there as it was written."""
        return all(
            (out / name).is_file() and hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
            for name, digest in self.files.items()
        )


def write_reports(night: Night, snapshots: Snapshots, found: StageOutput) -> tuple[StageOutput, WrittenReports]:
    """Write the reports of all KSVs, or find that exactly these were written before and are still there."""
    with night.store.registry.read() as session:
        earlier = outputs_before(session, REPORTS, night.today)
    names = provider_names(night)
    parts = {
        "found": found.output_digest,
        "attributes": sorted(snapshots.attributes),
        "delivered": [
            [one.provider, one.vendor, one.snapshot_date.isoformat(), dict(one.statistics or {})]
            for one in snapshots.submissions
        ],
        "history": [output.output_digest for _, output in earlier],
        "names": names,
        "regions": digest_of(night.settings.regions_path.read_text("utf-8")),
        "night": night.today.isoformat(),
    }

    def make() -> Made:
        history = [(day, _reports_from(content_of(night, output))) for day, output in earlier]
        return Made(_reports_to_json(_write(night, snapshots, found, names, history)), View.ATTRIBUTES)

    output = remembered(night, REPORTS, parts, make)
    written = _reports_from(content_of(night, output))
    if not written.complete_in(night.out):
        make()
    return output, written


def provider_names(night: Night) -> dict[str, str]:
    """Return the names of providers by AGB code, from the optional table `[reports] providers` (aanbieder_agb;naam).

    Raises `ConfigError` (`config.providers`) when the table has other columns.
    """
    path = night.settings.config_dir / str(night.settings.section("reports").get("providers", "providers.csv"))
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, delimiter=";")
        if not {"aanbieder_agb", "naam"} <= set(rows.fieldnames or ()):
            raise ConfigError("config.providers", f"{path} must have the columns aanbieder_agb and naam.")
        return {row["aanbieder_agb"]: row["naam"] for row in rows}


def _write(
    night: Night,
    snapshots: Snapshots,
    found: StageOutput,
    names: Mapping[str, str],
    history: list[tuple[date, WrittenReports]],
) -> WrittenReports:
    regions = read_regions(night.settings.regions_path)
    prepared = prepare(
        findings_from_json(content_of(night, found)),
        night_registrations(night, snapshots),
        _providers(snapshots, names),
        today=night.today,
        history=_history(history),
    )
    files: dict[str, str] = {}
    open_findings: dict[str, int] = {}
    for ksv in prepared.ksvs:
        report = build(prepared, ksv, regions.names.get(ksv, ksv))
        for suffix, content in _rendered(report).items():
            name = f"{REPORTS_FOLDER}/{ksv}/{night.today.isoformat()}/report.{suffix}"
            (night.out / name).parent.mkdir(parents=True, exist_ok=True)
            write_durably(night.out / name, content)
            files[name] = hashlib.sha256(content).hexdigest()
        open_findings[ksv] = int(history_row(report)["open"])
        reach("reports.written")
    return WrittenReports(files, open_findings)


def _rendered(report: KsvReport) -> dict[str, bytes]:
    return {
        "html": html.render(report).encode("utf-8"),
        "xlsx": xlsx.render(report),
        "json": orjson.dumps(report_json.render(report), option=orjson.OPT_INDENT_2),
    }


def _providers(snapshots: Snapshots, names: Mapping[str, str]) -> pd.DataFrame:
    rows = []
    for one in snapshots.submissions:
        counts = dict(one.statistics or {})
        rows.append(
            (
                one.provider,
                names.get(one.provider, ""),
                one.vendor,
                one.snapshot_date,
                int(counts.get("rows", one.registrations or 0)),
                int(counts.get("refused", 0)),
                dict(counts.get("counts_by_code", {})),
            )
        )
    return pd.DataFrame(rows, columns=_PROVIDER_COLUMNS)


def _history(nights: list[tuple[date, WrittenReports]]) -> pd.DataFrame:
    rows = [(ksv, day, count) for day, written in nights for ksv, count in written.open_findings.items()]
    return pd.DataFrame(rows, columns=["ksv", "day", "open"])


def _reports_to_json(written: WrittenReports) -> bytes:
    document = {"files": dict(written.files), "open_findings": dict(written.open_findings)}
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def _reports_from(content: bytes) -> WrittenReports:
    return WrittenReports(**orjson.loads(content))
