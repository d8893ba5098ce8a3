"""The page of a bundle that was rejected: why, in the reader's language, and no promise of what will not come."""

from __future__ import annotations

import pytest

from dedup.service.report_page import report_page
from dedup.service.shapes import Freshness, Reason, Report

DETAIL = "The file is not a bundle: it does not start as one."
REJECTED = Report(
    submission_id="0" * 32,
    provider="12345678",
    snapshot_date="2026-11-22",
    state="rejected",
    received_at=None,
    bytes=3_000,
    problem=Reason(
        code="bundle.not-a-bundle",
        title="",
        detail=DETAIL,
        errors=[
            {"code": "bundle.not-a-bundle", "detail": DETAIL},
            {"code": "of.nobody", "detail": "Known to no table."},
        ],
    ),
    freshness=Freshness(days=0, state="fresh"),
    opened=None,
    previous=None,
)


@pytest.mark.parametrize(
    ("language", "why", "promise", "fresh"),
    [
        ("nl", "Dit bestand is geen bundel.", "nog niet geopend", "Actueel"),
        ("en", "This file is not a bundle.", "has not been opened", "Fresh"),
    ],
)
def test_a_rejected_bundle_is_told_why_and_never_that_it_will_be_opened(
    language: str, why: str, promise: str, fresh: str
) -> None:
    page = report_page(REJECTED, language)

    assert why in page
    assert all(text in page for text in (DETAIL, "<code>bundle.not-a-bundle</code>", "Known to no table."))
    assert promise not in page
    assert fresh not in page


@pytest.mark.parametrize(("language", "promise"), [("nl", "nog niet geopend"), ("en", "has not been opened")])
def test_an_accepted_bundle_is_told_that_it_will_be_opened(language: str, promise: str) -> None:
    waiting = REJECTED.model_copy(update={"state": "accepted", "problem": None})

    assert promise in report_page(waiting, language)
