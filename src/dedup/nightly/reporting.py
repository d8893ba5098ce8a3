"""The reports stage: the night's findings are cut into a report per KSV and per provider, and written."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path

import orjson
import pandas as pd
from sqlalchemy import select

from dedup.errors import ConfigError
from dedup.findings.frames import Findings
from dedup.findings.mergers import merged_registrations
from dedup.nightly.contracts import contracts_of, digest_of_contracts, kept_contracts
from dedup.nightly.finding import findings_from_json
from dedup.nightly.memory import Made, content_of, digest_of, remembered
from dedup.nightly.night import REPORTS_FOLDER, Night
from dedup.nightly.registrations import night_registrations
from dedup.nightly.snapshots import Snapshots
from dedup.nightly.writing import Audience, FailedReport, FailedReportsError, Wanted, write_each
from dedup.regions import read_regions
from dedup.reports import html, pdf, provider_files, xlsx
from dedup.reports import json as report_json
from dedup.reports.chart import charts_of
from dedup.reports.data import KsvReport, ReportTerms
from dedup.reports.ksv import build, history_row
from dedup.reports.ksv_settings import KsvSettings, read_ksv_settings
from dedup.reports.night import Night as ReportNight
from dedup.reports.night import prepare
from dedup.reports.provider import ProviderReport, ProviderReports
from dedup.reports.separated import ksv_csv
from dedup.reports.texts import texts_in
from dedup.settings import Settings
from dedup.store.runs import StageOutput, outputs_before
from dedup.store.tables import SubmissionRow, View

REPORTS = "reports"
PROVIDER_REPORTS_FOLDER = "provider-reports"
_PROVIDER_COLUMNS = ["aanbieder_agb", "naam", "vendor", "snapshot_date", "rows", "refused", "warnings"]


@dataclass(frozen=True, slots=True)
class WrittenReports:
    """The files of one night, relative to `out`, with their SHA-256: `files` of KSVs and those of providers.

    Counts of findings to act on, per KSV: `open_findings`, and in `changes` those that are `new` (reopened ones too)
    and `settled` since the night before.
    """

    files: Mapping[str, str]
    open_findings: Mapping[str, int]
    provider_files: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def complete_in(self, out: Path) -> bool:
        """Tell whether every file is still there as it was written."""
        return all(
            (out / name).is_file() and hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
            for name, digest in {**self.files, **self.provider_files}.items()
        )


def write_reports(night: Night, snapshots: Snapshots, found: StageOutput) -> tuple[StageOutput, WrittenReports]:
    """Write the reports of all KSVs and providers, or find that exactly these were written and are still there.

    Raises `NightReportsError` once all others are written; the next run of this night then writes them anew.
    """
    with night.store.registry.read() as session:
        earlier = outputs_before(session, REPORTS, night.today)
    names = names_in(night.settings)
    ksv_settings = night.settings.config_dir / "ksv.toml"
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
        "contracts": digest_of_contracts(kept_contracts(night.settings, night.keys)),
        "ksv_settings": digest_of(ksv_settings.read_text("utf-8")) if ksv_settings.is_file() else "",
        "new_codes": night.new_codes,
        "terms": repr(report_terms(night.settings)),
        "night": night.today.isoformat(),
    }

    def make() -> Made:
        findings = findings_from_json(content_of(night, found))
        history = history_of((day, reports_from(content_of(night, output))) for day, output in earlier)
        prepared = prepare_night(night, snapshots, findings, history=history)
        written = write_all(night, prepared, findings, read_ksv_settings(ksv_settings))
        return Made(_reports_to_json(written), View.ATTRIBUTES)

    try:
        output = remembered(night, REPORTS, parts, make)
        written = reports_from(content_of(night, output))
        if not written.complete_in(night.out):
            make()
    except NightReportsError as fault:
        # Later nights look back on what it counted; being of another input, it keeps no run from writing all anew.
        partly = Made(_reports_to_json(fault.written), View.ATTRIBUTES)
        remembered(night, REPORTS, {**parts, "failed_at": night.clock().isoformat()}, lambda: partly)
        raise
    return output, written


def names_in(settings: Settings) -> dict[str, str]:
    """Return the names of providers by AGB code, from the optional table `[reports] providers` (aanbieder_agb;naam).

    Raises `ConfigError` (`config.providers`) when the table is no CSV in UTF-8, or has other columns.
    """
    path = settings.config_dir / settings.text("reports", "providers", "providers.csv")
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, delimiter=";")
            if not {"aanbieder_agb", "naam"} <= set(rows.fieldnames or ()):
                raise ConfigError("config.providers", f"{path} must have the columns aanbieder_agb and naam.")
            return {row["aanbieder_agb"]: row["naam"] for row in rows if row["aanbieder_agb"] and row["naam"]}
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError("config.providers", f"{path} cannot be read as CSV in UTF-8.") from error


def report_terms(settings: Settings) -> ReportTerms:
    """Return the terms of the reports; raises `ConfigError` (`config.setting`) for a `birth_spread` that is none."""
    usual = ReportTerms()
    spread = settings.section("reports").get("birth_spread", usual.birth_spread)
    try:
        weeks = tuple((int(week), float(share)) for week, share in spread)
    except (TypeError, ValueError, OverflowError):
        weeks = ()
    if any(share < 0 for _, share in weeks) or not math.isclose(math.fsum(share for _, share in weeks), 1.0):
        message = "[reports] birth_spread in settings.toml must be pairs of a week and a share that are 1 together."
        raise ConfigError("config.setting", message)
    return replace(usual, birth_spread=weeks)


def prepare_night(
    night: Night, snapshots: Snapshots, findings: Findings, *, history: pd.DataFrame | None = None
) -> ReportNight:
    """Return what all reports of a night are cut from, the monthly ones too."""
    names = names_in(night.settings)
    codes = night.new_codes
    contracts = contracts_of(kept_contracts(night.settings, night.keys), names, night.today, new_codes=codes)
    return prepare(
        findings,
        merged_registrations(night_registrations(night, snapshots), codes),
        _providers(snapshots, names, _ever_delivered(night), codes),
        today=night.today,
        terms=report_terms(night.settings),
        contracts=contracts.table if contracts else None,
        doubtful=contracts.doubtful if contracts else (),
        history=history,
    )


class NightReportsError(FailedReportsError):
    """Some reports of a night failed; `written` is what there is of it all the same."""

    def __init__(self, failed: Iterable[FailedReport], written: WrittenReports) -> None:
        super().__init__(failed)
        self.written = written


def write_all(
    night: Night, prepared: ReportNight, findings: Findings, settings: Mapping[str, KsvSettings]
) -> WrittenReports:
    """Write every report of a prepared night; raises `NightReportsError` once all others are written."""
    regions = read_regions(night.settings.regions_path)
    of_providers = ProviderReports(prepared, findings, settings)
    open_findings: dict[str, int] = {}
    changes: dict[str, dict[str, int]] = {}

    def ksv_report(ksv: str) -> Mapping[str, bytes]:
        report = build(prepared, ksv, regions.names.get(ksv, ksv))
        tonight = report.summary
        open_findings[ksv] = int(history_row(report)["open"])
        changes[ksv] = {"new": tonight.new + tonight.reopened, "settled": tonight.settled_today}
        return render_ksv(report)

    def provider_report(agb: str) -> Mapping[str, bytes]:
        return _rendered_for_provider(of_providers.build(agb), settings)

    night_folder = night.today.isoformat()
    wanted = [
        *(Wanted(Audience.KSV, ksv, f"{REPORTS_FOLDER}/{ksv}/{night_folder}", ksv_report) for ksv in prepared.ksvs),
        *(
            Wanted(Audience.PROVIDER, agb, f"{PROVIDER_REPORTS_FOLDER}/{agb}/{night_folder}", provider_report)
            for agb in of_providers.providers
        ),
    ]
    made = write_each(wanted, night.out)
    written = WrittenReports(made.files[Audience.KSV], open_findings, made.files[Audience.PROVIDER], changes)
    if made.failed:
        raise NightReportsError(made.failed, written)
    return written


def render_ksv(report: KsvReport) -> dict[str, bytes]:
    """Return the files of a KSV's report by their names."""
    charts = charts_of(report, texts_in("nl"))
    # Typst lays out the PDF, a third of the work, without holding Python's lock: the other files are made meanwhile.
    with ThreadPoolExecutor(max_workers=1) as beside:
        paper = beside.submit(pdf.render, report, charts)
        page = html.render(report, charts=charts).encode("utf-8")
        table, workbook = ksv_csv(report), xlsx.render(report)
        document = orjson.dumps(report_json.render(report), option=orjson.OPT_INDENT_2)
        return {
            "report.html": page,
            "report.pdf": paper.result(),
            "report.csv": table,
            "report.xlsx": workbook,
            "report.json": document,
        }


def _rendered_for_provider(report: ProviderReport, settings: Mapping[str, KsvSettings]) -> dict[str, bytes]:
    return {
        "report.xlsx": provider_files.as_xlsx(report, settings),
        "report.csv": provider_files.as_csv(report),
        "feedback.csv": provider_files.as_feedback_form(report),
    }


def _ever_delivered(night: Night) -> set[str]:
    """Return the AGB codes of providers that delivered at any time, also when nothing of it counts any more."""
    with night.store.registry.read() as session:
        return set(session.scalars(select(SubmissionRow.provider).distinct()))


def _providers(
    snapshots: Snapshots, names: Mapping[str, str], ever: Iterable[str], new_codes: Mapping[str, str]
) -> pd.DataFrame:
    """Return a row per provider; one that goes on under another code has none, or lends it while that is silent."""

    def named(agb: str) -> tuple[str, str]:
        code = new_codes.get(agb, agb)
        return code, names.get(code) or names.get(agb, "")

    rows: dict[str, tuple[object, ...]] = {
        code: (code, name, "", None, 0, 0, {}) for code, name in map(named, sorted({*names, *ever}))
    }
    for one in sorted(snapshots.submissions, key=lambda one: one.provider not in new_codes):
        counts = dict(one.statistics or {})
        code, name = named(one.provider)
        rows[code] = (
            code,
            name,
            one.vendor,
            one.snapshot_date,
            int(counts.get("rows", one.registrations or 0)),
            int(counts.get("refused", 0)),
            dict(counts.get("counts_by_code", {})),
        )
    stopped = {named(agb)[0] for agb in ever} - {named(one.provider)[0] for one in snapshots.submissions}
    table = pd.DataFrame(list(rows.values()), columns=_PROVIDER_COLUMNS)
    return table.assign(stopped=table["aanbieder_agb"].isin(stopped))


def history_of(nights: Iterable[tuple[date, WrittenReports]]) -> pd.DataFrame:
    """Return how many findings were open in each KSV (ksv, day, open) on earlier nights."""
    rows = [(ksv, day, count) for day, written in nights for ksv, count in written.open_findings.items()]
    return pd.DataFrame(rows, columns=["ksv", "day", "open"])


def _reports_to_json(written: WrittenReports) -> bytes:
    return orjson.dumps(asdict(written), option=orjson.OPT_SORT_KEYS)


def reports_from(content: bytes) -> WrittenReports:
    """Return what the reports stage of a night kept; counts that an earlier version lacked are empty."""
    return WrittenReports(**orjson.loads(content))
