"""Whether a KSV's data is complete and sound: freshness per provider, quality per vendor."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pandas as pd

from dedup.reports.data import ProviderLine, VendorQuality
from dedup.reports.night import Night
from dedup.weeks import MISSING_WEEK

FRESHNESS = ("missing", "stopped", "stale", "late", "fresh")  # the worst first
WARNINGS_NAMED = 3


def provider_lines(night: Night, ksv: str) -> tuple[ProviderLine, ...]:
    """Return the providers that are contracted in the KSV or have a registration there, the worst first."""
    rows = night.registrations_of_ksv.get(ksv)
    counts = Counter(rows["aanbieder_agb"].tolist() if rows is not None else [])
    contracted = night.contracted.get(ksv, frozenset())
    lines = [_line(night, agb, counts[agb], agb in contracted) for agb in {*counts, *contracted}]
    return tuple(sorted(lines, key=lambda line: (FRESHNESS.index(line.freshness), line.name, line.provider)))


def _line(night: Night, agb: str, registrations: int, contracted: bool) -> ProviderLine:
    known = night.provider.get(agb, {})
    snapshot, days_old = night.snapshot_of(agb), night.days_old(agb)
    delivered = int(known.get("rows") or 0)
    return ProviderLine(
        provider=agb,
        name=str(known.get("naam") or night.contract_names.get(agb, "")),
        vendor=str(known.get("vendor") or ""),
        contracted=contracted,
        snapshot=snapshot,
        days_old=days_old,
        freshness=_freshness(night, days_old, stopped=bool(known.get("stopped"))),
        registrations=registrations,
        refused_share=round(int(known["refused"]) / delivered, 4) if snapshot and delivered else None,
        suspected=str(night.suspected[agb]["fault"]) if agb in night.suspected else "",
        suspected_since=date.fromisoformat(night.suspected[agb]["since"]) if agb in night.suspected else None,
    )


def _freshness(night: Night, days_old: int | None, *, stopped: bool) -> str:
    if days_old is None:
        return "stopped" if stopped else "missing"
    if days_old <= night.terms.fresh_days:
        return "fresh"
    return "late" if days_old <= night.terms.stale_days else "stale"


def vendor_quality(night: Night, ksv: str, providers: tuple[ProviderLine, ...]) -> tuple[VendorQuality, ...]:
    """Return one line per vendor; shares only, because totals would tell what providers do outside this KSV."""
    rows = night.registrations_of_ksv.get(ksv)
    lines = []
    for vendor in sorted({line.vendor for line in providers if line.vendor}):
        codes = [line.provider for line in providers if line.vendor == vendor]
        delivered = refused = 0
        warnings: Counter[str] = Counter()
        for code in codes:
            known = night.provider[code]
            delivered += int(known["rows"] or 0)
            refused += int(known["refused"] or 0)
            warnings.update(known["warnings"] or {})
        own = rows.loc[rows["aanbieder_agb"].isin(codes)] if rows is not None else pd.DataFrame()
        lines.append(
            VendorQuality(
                vendor=vendor,
                providers=len(codes),
                registrations=len(own),
                refused_share=_share(refused, delivered),
                warnings_per_row=_share(warnings.total(), delivered),
                frequent_warnings=tuple(
                    code for code, _ in sorted(warnings.items(), key=lambda item: (-item[1], item[0]))[:WARNINGS_NAMED]
                ),
                edd_missing_share=_share(int((own["edd_week"] == MISSING_WEEK).sum()), len(own)) if len(own) else 0.0,
                hours_missing_share=_share(int((own["indicatie_uren"] < 0).sum()), len(own)) if len(own) else 0.0,
            )
        )
    return tuple(lines)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
