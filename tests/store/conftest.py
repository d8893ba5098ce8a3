"""A registry on SQLite and one on the throw-away PostgreSQL cluster."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from dedup.store.audit import NIGHTLY, AuditEvent
from dedup.store.registry import Registry
from dedup.store.submissions import Submission

NOW = datetime(2026, 11, 22, 1, 15, tzinfo=UTC)
TODAY = date(2026, 11, 22)


@pytest.fixture
def event() -> AuditEvent:
    return AuditEvent("test.changed", NOW, NIGHTLY, "object-1", "test")


@pytest.fixture
def registry(url: str) -> Iterator[Registry]:
    opened = Registry(url)
    yield opened
    opened.close()


@pytest.fixture
def submission() -> Submission:
    return Submission(
        id="0" * 32,
        vendor="vitaal",
        provider="12345678",
        snapshot_date=TODAY,
        created_at=NOW,
        received_at=NOW,
        file_sha256="a" * 64,
        file_bytes=10,
        body_sha256="b" * 64,
        epoch_key_id="epoch-1",
        model_digest="c" * 64,
    )
