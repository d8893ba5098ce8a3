"""Prometheus metrics: what was answered, and how the store stands; on a port of their own that only this machine sees.

Labels are route templates, stable codes and states: bounded sets, and nothing that a vendor wrote.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from dedup.codes import meanings
from dedup.errors import ConfigError, DedupError
from dedup.store.audit import audit_head
from dedup.store.registry import Registry
from dedup.store.switches import Switch, switches_set
from dedup.store.tables import SubmissionRow, SubmissionState, UploadRow, UploadState

LOOPBACK = "127.0.0.1"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The metrics of one server, apart from those of any other in the same process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "dedup_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self._refusals = Counter("dedup_refusals", "Refusals by stable code", ["code"], registry=self.registry)
        self._seconds = Histogram(
            "dedup_request_seconds", "Time until the answer", ["route"], registry=self.registry, buckets=_SECONDS
        )
        self._received = Counter("dedup_received_bytes", "Bytes that came in bodies", registry=self.registry)
        self.in_progress = Gauge("dedup_requests_in_progress", "Requests not answered yet", registry=self.registry)

    def answered(self, *, method: str, route: str, status: int, code: str | None, seconds: float) -> None:
        """Count one answer; `route` is a template, `method` one of a few."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        if code is not None:
            self._refusals.labels(code if code in meanings("en") else "other").inc()

    def received(self, count: int) -> None:
        """Count bytes that came in."""
        self._received.inc(count)


class StoreCollector(Collector):
    """How the store stands, asked when somebody looks: submissions, uploads, switches, audit events, free space."""

    def __init__(self, registry: Registry, folder: Path) -> None:
        self._registry = registry
        self._folder = folder

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the gauges; without the registry only that it does not answer."""
        free = shutil.disk_usage(self._folder).free
        yield GaugeMetricFamily("dedup_free_bytes", "Free space where bundles lie", value=free)
        up = GaugeMetricFamily("dedup_registry_up", "Whether the registry answers")
        try:
            gauges = self._gauges()
        except DedupError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from gauges

    def describe(self) -> list[GaugeMetricFamily]:
        """Return nothing, so that registering asks nothing of the registry."""
        return []

    def _gauges(self) -> list[GaugeMetricFamily]:
        submissions = GaugeMetricFamily("dedup_submissions", "Submissions by state", labels=["state"])
        uploads = GaugeMetricFamily("dedup_uploads", "Uploads by state", labels=["state"])
        switches = GaugeMetricFamily("dedup_switches_set", "Kill switches that are set", labels=["switch"])
        with self._registry.read() as session:
            by_state = dict(
                session.execute(select(SubmissionRow.state, func.count()).group_by(SubmissionRow.state)).all()
            )
            up_states = dict(session.execute(select(UploadRow.state, func.count()).group_by(UploadRow.state)).all())
            head = audit_head(session)
            set_now = switches_set(session)
        for state in SubmissionState:
            submissions.add_metric([state.value], by_state.get(state, 0))
        for upload_state in UploadState:
            uploads.add_metric([upload_state.value], up_states.get(upload_state, 0))
        for switch in Switch:
            switches.add_metric([switch.value], sum(one.switch is switch for one in set_now.all))
        audit = GaugeMetricFamily("dedup_audit_events", "Events in the audit log", value=head.number)
        return [submissions, uploads, switches, audit]


@contextmanager
def metrics_served(metrics: Metrics, port: int) -> Iterator[None]:
    """Serve the metrics on this port of the loopback address while the block runs; not at all when the port is 0.

    Raises `ConfigError` (`config.metrics-port`) when the port cannot be had.
    """
    if port == 0:
        yield
        return
    try:
        server, thread = start_http_server(port, addr=LOOPBACK, registry=metrics.registry)
    except (OSError, OverflowError) as error:
        message = (
            f"Port {port} of {LOOPBACK}, for metrics, cannot be had; set [service] metrics_port to another, or to 0."
        )
        raise ConfigError("config.metrics-port", message) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
