"""What is noted of a request: an audit event before its answer, a metric and a log line after it; no content."""

import asyncio
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client import generate_latest
from tests.service.conftest import Desk, Vendor, later
from tests.service.logged import logged
from tests.service.uploading import Clock

from dedup.errors import ConfigError, DedupError
from dedup.service import health, tokens
from dedup.service.authentication import Beginner, Reader
from dedup.service.failures import FailureLimit
from dedup.service.health import Readiness
from dedup.service.journal import Journal
from dedup.service.metrics import Metrics, StoreCollector, metrics_served
from dedup.service.observing import REQUEST_ID, Observed, Observer
from dedup.service.problems import LastResort, handle_problems
from dedup.store.audit import Actor, AuditEvent
from dedup.store.tables import AuditRow

ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def observed(desk: Desk, metrics: Metrics, tmp_path: Path) -> Iterator[TestClient]:
    """An application with one route of each kind, watched as the service is."""
    registry = desk.authentication.registry
    app = FastAPI()
    app.state.authentication = desk.authentication
    app.state.readiness = Readiness(registry, tmp_path, 0, (desk.authentication.vendors.now,))

    @app.get("/v1/submissions/{submission_id}/receipt")
    def receipt(submission_id: str, caller: Reader) -> str:
        if submission_id != ID:
            raise DedupError("upload.unknown", "There is no such upload.")
        return "secret of " + caller.vendor

    @app.post("/v1/submissions")
    def create(caller: Beginner) -> str:
        return caller.vendor

    @app.get("/broken")
    def broken(caller: Reader) -> str:
        raise RuntimeError("a value that must not be told: " + caller.vendor)

    app.include_router(health.router)
    app.include_router(tokens.router)
    handle_problems(app)
    app.add_middleware(LastResort)
    observer = Observer(Journal(registry), metrics, FailureLimit(3), desk.clock)
    app.add_middleware(Observed, observer=observer)
    with TestClient(app) as client:
        yield client


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the service logs."""
    with logged() as stream:
        yield stream


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def events(desk: Desk) -> list[tuple[str, str, str, str, str, str]]:
    """Return what happened after the token was issued: event, actor, role, organisation, object, ground."""
    with desk.authentication.registry.read() as session:
        return [
            (row.event, row.actor, row.role, row.organisation, row.object, row.ground)
            for row in session.query(AuditRow).order_by(AuditRow.number)
            if row.event.startswith("access")
        ]


def test_a_vendor_s_reading_is_in_the_log_with_who_what_and_why(desk: Desk, acme: Vendor, observed: TestClient) -> None:
    assert observed.get(f"/v1/submissions/{ID}/receipt", headers=bearer(desk.token(acme))).status_code == 200

    ground = f"GET /v1/submissions/{{submission_id}}/receipt: 200 by key {acme.key.key_id}"
    assert events(desk) == [("access.read", "acme", "vendor", "acme", ID, ground)]
    desk.authentication.registry.verify_audit()


def test_what_is_refused_is_told_with_its_code_and_what_was_asked_for_only_if_it_is_an_id(
    desk: Desk, acme: Vendor, observed: TestClient
) -> None:
    token = bearer(desk.token(acme, scope="submissions:read"))
    observed.get(f"/v1/submissions/{ID[::-1]}/receipt", headers=token)
    observed.get("/v1/submissions/Janssen 123456782/receipt", headers=token)
    observed.post("/v1/submissions", headers=token)

    template = "/v1/submissions/{submission_id}/receipt"
    told = [(event, target, ground.partition(" by ")[0]) for event, _, _, _, target, ground in events(desk)]
    assert told == [
        ("access.refused", ID[::-1], f"GET {template}: upload.unknown"),
        ("access.refused", template, f"GET {template}: upload.unknown"),
        ("access.refused", "/v1/submissions", "POST /v1/submissions: auth.scope-missing"),
    ]


def test_a_change_leaves_its_event_where_it_is_made(desk: Desk, acme: Vendor, observed: TestClient) -> None:
    assert observed.post("/v1/submissions", headers=bearer(desk.token(acme))).status_code == 200
    assert events(desk) == []


def test_strangers_are_listed_a_few_times_and_then_only_counted(
    desk: Desk, observed: TestClient, metrics: Metrics, clock: Clock
) -> None:
    for _ in range(5):
        assert observed.get(f"/v1/submissions/{ID}/receipt").status_code == 401
    assert [(event, actor) for event, actor, *_ in events(desk)] == [("access.refused", "unknown")] * 3
    assert metrics.registry.get_sample_value("dedup_refusals_total", {"code": "auth.token-missing"}) == 5

    later(clock, minutes=1)
    observed.get(f"/v1/submissions/{ID}/receipt")
    assert len(events(desk)) == 4


def test_what_cannot_be_noted_is_not_told(
    desk: Desk, acme: Vendor, observed: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk fails the commit; here the journal's own write is made to fail as the registry fails."""
    from dedup.store.registry import Registry

    token = bearer(desk.token(acme))

    def full(*_: Any) -> Any:
        raise DedupError("store.unavailable", "full")

    monkeypatch.setattr(Registry, "write", full)
    answer = observed.get(f"/v1/submissions/{ID}/receipt", headers=token)

    assert (answer.status_code, answer.json()["code"]) == (503, "store.unavailable")
    assert "secret" not in answer.text


def test_every_answer_has_an_id_that_its_log_line_repeats(
    desk: Desk, acme: Vendor, observed: TestClient, log: io.StringIO
) -> None:
    answer = observed.get(f"/v1/submissions/{ID}/receipt?name=Janssen", headers=bearer(desk.token(acme)))
    line = json.loads(log.getvalue().splitlines()[-1])

    milliseconds = line.pop("milliseconds")
    assert 0 < milliseconds < 10_000
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "info",
        "from": "dedup.service.requests",
        "message": "request",
        "request": answer.headers[REQUEST_ID],
        "method": "GET",
        "route": "/v1/submissions/{submission_id}/receipt",
        "status": 200,
        "vendor": "acme",
    }


def test_neither_log_nor_metrics_hold_anything_that_a_client_wrote(
    desk: Desk, acme: Vendor, observed: TestClient, log: io.StringIO, metrics: Metrics
) -> None:
    token = bearer(desk.token(acme))
    observed.get("/Janssen/123456782", headers=token | {"User-Agent": "Janssen"})
    observed.request("JANSSEN", "/healthz")
    observed.get("/v1/submissions/123456782/receipt?q=Janssen", headers=token)
    assert observed.get("/broken", headers=token).status_code == 500

    exposed = generate_latest(metrics.registry).decode()
    for told in (log.getvalue(), exposed):
        assert "anssen" not in told.lower()
        assert "123456782" not in told
        assert "must not be told" not in told
    assert "RuntimeError at" in log.getvalue()
    assert 'dedup_requests_total{method="GET",route="none",status="404"} 1.0' in exposed


def test_events_that_wait_together_are_one_transaction_and_none_is_lost(desk: Desk, clock: Clock) -> None:
    class Counting(Journal):
        commits = 0

        def _commit(self, events: list[AuditEvent]) -> None:
            self.commits += 1
            super()._commit(events)

    registry = desk.authentication.registry
    journal = Counting(registry)

    async def note_many() -> None:
        each = [AuditEvent("access.read", clock.now, Actor(f"v{n}", "vendor"), "x", "test") for n in range(300)]
        await asyncio.gather(*(journal.note(event) for event in each))
        await journal.note(each[0])

    asyncio.run(note_many())
    assert registry.verify_audit().number == 301
    assert journal.commits <= 3


def test_a_client_that_goes_away_leaves_its_event_and_disturbs_nobody(desk: Desk, clock: Clock) -> None:
    journal = Journal(desk.authentication.registry)
    event = AuditEvent("access.read", clock.now, Actor("acme", "vendor"), "x", "test")

    async def leave() -> None:
        gone = asyncio.create_task(journal.note(event))
        stays = asyncio.create_task(journal.note(event))
        await asyncio.sleep(0)
        gone.cancel()
        await stays

    asyncio.run(leave())
    assert desk.authentication.registry.verify_audit().number == 2


def test_it_is_ready_while_registry_disk_and_keys_are(desk: Desk, observed: TestClient) -> None:
    assert observed.get("/healthz").json() == {"status": "ok"}
    assert observed.get("/readyz").json() == {"status": "ready"}

    (desk.vendors / "other.json").write_text("damaged")
    answer = observed.get("/readyz")
    assert answer.status_code == 503
    assert [fault["code"] for fault in answer.json()["errors"]] == ["service.keys-unreadable"]
    assert observed.get("/healthz").status_code == 200


def test_it_is_not_ready_without_room_or_registry(desk: Desk, tmp_path: Path) -> None:
    registry = desk.authentication.registry
    registry.close()
    for path in tmp_path.glob("registry.sqlite*"):
        path.unlink()
    (tmp_path / "registry.sqlite").write_bytes(b"not a database, but long enough to be read as one" * 100)
    readiness = Readiness(registry, tmp_path, 1 << 62, ())
    assert [fault.code for fault in readiness.faults()] == ["store.unavailable", "upload.no-room"]


def test_metrics_are_served_on_the_loopback_address_only(desk: Desk, metrics: Metrics, tmp_path: Path) -> None:
    import socket
    import urllib.request

    metrics.registry.register(StoreCollector(desk.authentication.registry, tmp_path))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with metrics_served(metrics, port):
        with pytest.raises(ConfigError, match="metrics_port"), metrics_served(metrics, port):
            pass
        exposed = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
        with socket.socket() as other:
            other.bind(("127.0.0.2", port))  # so it does not listen on every address
    assert 'dedup_submissions{state="accepted"} 0.0' in exposed
    assert "dedup_registry_up 1.0" in exposed
    assert 'dedup_switches_set{switch="read-only"} 0.0' in exposed
