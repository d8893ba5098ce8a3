"""What vendors read over real HTTP of what they sent: the list, and the validation report as JSON and as a page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.service.site import Site, ingest, refused
from tests.service.uploading import (
    NOW,
)

from dedup.store.audit import NIGHTLY, AuditEvent
from dedup.store.submissions import mark_rejected


def test_a_list_has_the_vendors_own_in_pages_the_newest_first(each_site: Site) -> None:
    site = each_site
    made = []
    for number in range(5):
        site.clock.now = NOW + timedelta(minutes=number)
        data, declared = site.acme.bundle(created_at=site.clock.now)
        made.append(declared.submission_id)
        if number % 2:
            site.acme.create(declared)
        else:
            site.acme.upload(data, declared)
    listed, before = [], None
    while True:
        query = {"limit": "2"} | ({"before": before} if before else {})
        page = site.acme.call("GET", "/v1/submissions", params=query).json()
        listed += [one["submission_id"] for one in page["submissions"]]
        before = page["next"]
        if before is None:
            break
    assert listed == made[::-1]
    for wrong in ({"limit": "0"}, {"limit": "201"}, {"limit": "x"}, {"before": "AAAA"}, {"before": "é"}):
        assert refused(site.acme.call("GET", "/v1/submissions", params=wrong)) == (400, "request.malformed")


def test_a_report_says_what_was_in_the_bundle_once_it_is_opened(each_site: Site) -> None:
    site = each_site
    yesterday = NOW.date() - timedelta(days=1)
    data, first = site.acme.bundle(snapshot_date=yesterday)
    site.acme.upload(data, first)
    ingest(site, first.submission_id, {"rows": 10, "accepted": 9, "refused": 1, "withheld": 0})
    data, second = site.acme.bundle()
    site.acme.upload(data, second)
    unopened = site.acme.call("GET", f"{site.acme.path(second)}/report").json()
    assert (unopened["state"], unopened["opened"]) == ("accepted", None)
    assert unopened["previous"]["accepted"] == 9
    assert unopened["previous"]["change"] is None
    statistics = {"rows": 14, "accepted": 12, "refused": 2, "counts_by_code": {"extract.name-missing": 2}}
    ingest(site, second.submission_id, statistics, NOW + timedelta(hours=1))
    report = site.acme.call("GET", f"{site.acme.path(second)}/report").json()
    assert report["opened"] == {
        "at": "2026-11-22T13:00:00Z",
        "rows": 14,
        "accepted": 12,
        "refused": 2,
        "withheld": None,
        "counts_by_code": {"extract.name-missing": 2},
    }
    assert report["previous"]["snapshot_date"] == yesterday.isoformat()
    assert (report["previous"]["accepted"], report["previous"]["change"]) == (9, 3)
    assert report["freshness"] == {"days": 0, "state": "fresh"}
    old = site.acme.call("GET", f"{site.acme.path(first)}/report").json()
    assert (old["state"], old["previous"]) == ("superseded", None)


def test_what_another_vendor_delivered_for_the_same_provider_is_not_told(site: Site) -> None:
    data, first = site.rival.bundle(snapshot_date=NOW.date() - timedelta(days=1))
    site.rival.upload(data, first)
    ingest(site, first.submission_id, {"rows": 10, "accepted": 9})
    data, second = site.acme.bundle()
    site.acme.upload(data, second)
    assert site.acme.call("GET", f"{site.acme.path(second)}/report").json()["previous"] is None


def test_a_bundle_that_could_not_be_opened_says_so_in_its_report(site: Site) -> None:
    data, declared = site.acme.bundle()
    site.acme.upload(data, declared)
    with site.service.store.registry.write(AuditEvent("test", NOW, NIGHTLY, "x", "test")) as session:
        mark_rejected(session, declared.submission_id, reason_code="bundle.payload-malformed", at=NOW)
    report = site.acme.call("GET", f"{site.acme.path(declared)}/report").json()
    assert (report["state"], report["problem"]["code"]) == ("rejected", "bundle.payload-malformed")
    assert refused(site.acme.complete(declared)) == (422, "bundle.payload-malformed")
    assert site.acme.call("GET", f"{site.acme.path(declared)}/receipt").status_code == 200


@pytest.mark.parametrize(
    ("language", "word"), [("nl-NL,en;q=0.5", "Verwerkt"), ("en", "Processed"), ("de", "Verwerkt")]
)
def test_the_report_is_a_page_too_without_scripts_and_in_two_languages(site: Site, language: str, word: str) -> None:
    data, declared = site.acme.bundle()
    site.acme.upload(data, declared)
    codes = {"<script>alert(1)</script>": 1, "extract.name-missing": 3}
    ingest(site, declared.submission_id, {"rows": 1000, "accepted": 997, "counts_by_code": codes})
    headers = {"Accept": "text/html", "Accept-Language": language}
    page = site.acme.call("GET", f"{site.acme.path(declared)}/report", headers=headers)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert word in page.text
    assert "<script>" not in page.text
    assert "997" in page.text


def test_freshness_is_told_as_the_reports_of_ksvs_tell_it() -> None:
    from dedup.reports.data import ReportTerms
    from dedup.service.reports import FRESH_DAYS, LATE_DAYS, freshness_of

    assert (ReportTerms().fresh_days, ReportTerms().stale_days) == (FRESH_DAYS, LATE_DAYS)
    assert [freshness_of(days) for days in (0, 1, 2, 3, 4)] == ["fresh", "fresh", "late", "late", "outdated"]
