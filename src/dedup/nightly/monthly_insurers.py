"""The monthly reports of preferred insurers: aggregates of the KSVs in which each of them contracts."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from dedup.nightly.contracts import contracts_of, kept_contracts
from dedup.nightly.reporting import names_in
from dedup.nightly.standing import Standing
from dedup.nightly.writing import Audience, Wanted
from dedup.regions import read_regions
from dedup.reports import insurer_files, insurer_page
from dedup.reports.disclosure import DisclosureRules
from dedup.reports.insurer import build_insurer
from dedup.reports.night import ReportError
from dedup.settings import Settings

INSURER_REPORTS_FOLDER = "insurer-reports"


def disclosure_rules(settings: Settings) -> DisclosureRules:
    """Return the disclosure rules of `[insurer_report]`; raises `ConfigError` (`config.setting`)."""
    usual, section = DisclosureRules(), "insurer_report"
    return DisclosureRules(
        smallest=settings.count(section, "smallest", usual.smallest),
        providers=settings.count(section, "providers", usual.providers),
        largest_share=settings.share(section, "largest_share", usual.largest_share),
        two_largest_share=settings.share(section, "two_largest_share", usual.two_largest_share),
    )


def insurer_reports(standing: Standing) -> list[Wanted]:
    """Return the reports of all insurers in the list of contracts; raises `ReportError` (`reports.no-contracts`)."""
    night, month = standing.night, standing.month
    kept = kept_contracts(night.settings, night.keys)
    contracts = contracts_of(kept, names_in(night.settings), night.today, new_codes=night.new_codes)
    if contracts is None:
        raise ReportError("reports.no-contracts", "No list of contracts is kept; see `dedup contracts import`.")
    names = read_regions(night.settings.regions_path).names
    rules = disclosure_rules(night.settings)
    ksvs_of = contracts.ksvs_of_insurers()

    def render(insurer: str) -> Mapping[str, bytes]:
        named = {ksv: names.get(ksv, ksv) for ksv in ksvs_of[insurer]}
        report = build_insurer(
            standing.prepared, standing.findings, insurer=insurer, month=month, ksv_names=named, rules=rules
        )
        return {
            "report.html": insurer_page.render(report).encode("utf-8"),
            "report.json": orjson.dumps(insurer_files.as_json(report), option=orjson.OPT_INDENT_2),
            "report.csv": insurer_files.as_csv(report),
            "report.xlsx": insurer_files.as_xlsx(report),
        }

    return [
        Wanted(Audience.INSURER, insurer, f"{INSURER_REPORTS_FOLDER}/{insurer}/{month}", render) for insurer in ksvs_of
    ]
