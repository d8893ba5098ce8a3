"""The monthly run: each preferred insurer gets the aggregates of the KSVs in which it contracts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import orjson

from dedup.nightly.contracts import contracts_of, kept_contracts
from dedup.nightly.finding import FINDINGS, findings_from_json
from dedup.nightly.memory import content_of
from dedup.nightly.night import Night
from dedup.nightly.reporting import names_in, prepare_night
from dedup.nightly.snapshots import current_snapshots
from dedup.regions import read_regions
from dedup.reports import insurer_files
from dedup.reports.disclosure import DisclosureRules
from dedup.reports.insurer import build_insurer
from dedup.reports.night import ReportError
from dedup.settings import Settings
from dedup.store.durable import make_private_folder, write_durably
from dedup.store.runs import finish_run, outputs_before

INSURER_REPORTS_FOLDER = "insurer-reports"
GRACE_DAYS = 7  # how long into the next month a month can still be reported on


@dataclass(frozen=True, slots=True)
class MonthlyResult:
    """What a monthly run wrote: the files of every insurer, as they stood in the night of `day`."""

    month: str
    day: date
    insurers: tuple[str, ...]
    files: tuple[Path, ...]


def month_of_report(month: str | None, newest: date) -> str:
    """Return the month to report on: that which is asked for, else the newest night's.

    A report is of the registrations as they are now, so only the month of the newest night can be made, and in the
    first days of a month the one before. Raises `ReportError` (`reports.month`).
    """
    possible = {f"{newest:%Y-%m}", f"{newest - timedelta(days=GRACE_DAYS):%Y-%m}"}
    if month is None:
        return f"{newest:%Y-%m}"
    if month not in possible:
        raise ReportError(
            "reports.month", f"The newest night is of {newest}; it can report on {' or '.join(sorted(possible))} only."
        )
    return month


def disclosure_rules(settings: Settings) -> DisclosureRules:
    """Return the disclosure rules of `[insurer_report]`; raises `ConfigError` (`config.setting`)."""
    usual, section = DisclosureRules(), "insurer_report"
    return DisclosureRules(
        smallest=settings.count(section, "smallest", usual.smallest),
        providers=settings.count(section, "providers", usual.providers),
        largest_share=settings.share(section, "largest_share", usual.largest_share),
        two_largest_share=settings.share(section, "two_largest_share", usual.two_largest_share),
    )


def write_insurer_reports(night: Night, month: str | None = None) -> MonthlyResult:
    """Write `insurer-reports/UZOVI/MONTH/report.{json,csv,xlsx}` from the newest night's findings.

    Raises `ReportError`: `reports.no-night` before the first night, `reports.no-contracts` while no list of contracts
    is kept (it says which insurer may hear of which KSV), `reports.month` for a month that is past.
    """
    with night.store.registry.read() as session:
        nights = outputs_before(session, FINDINGS, night.today + timedelta(days=1))
    if not nights:
        raise ReportError("reports.no-night", "There is no night yet to report on; run `dedup nightly` first.")
    newest, found = nights[-1]
    chosen = month_of_report(month, newest)
    as_it_stood = replace(night, today=newest)
    contracts = contracts_of(
        kept_contracts(night.settings, night.keys), names_in(night.settings), newest, new_codes=as_it_stood.new_codes
    )
    if contracts is None:
        raise ReportError("reports.no-contracts", "No list of contracts is kept; see `dedup contracts import`.")
    findings = findings_from_json(content_of(night, found))
    prepared = prepare_night(as_it_stood, current_snapshots(night), findings)
    names = read_regions(night.settings.regions_path).names
    rules = disclosure_rules(night.settings)
    files: list[Path] = []
    by_insurer = contracts.ksvs_of_insurers()
    for insurer, ksvs in by_insurer.items():
        report = build_insurer(
            prepared, findings, insurer=insurer, month=chosen, ksv_names=_named(ksvs, names), rules=rules
        )
        contents = {
            "json": orjson.dumps(insurer_files.as_json(report), option=orjson.OPT_INDENT_2),
            "csv": insurer_files.as_csv(report),
            "xlsx": insurer_files.as_xlsx(report),
        }
        folder = make_private_folder(night.out / INSURER_REPORTS_FOLDER / insurer / chosen)
        for suffix, content in contents.items():
            write_durably(folder / f"report.{suffix}", content)
            files.append(folder / f"report.{suffix}")
    made = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    with night.store.registry.write(night.event("reports.insurers", f"{chosen}:{made}")) as session:
        finish_run(session, night.run_id, at=night.clock(), result_digest=made)
    return MonthlyResult(chosen, newest, tuple(by_insurer), tuple(files))


def _named(ksvs: Sequence[str], names: Mapping[str, str]) -> dict[str, str]:
    return {ksv: names.get(ksv, ksv) for ksv in ksvs}
