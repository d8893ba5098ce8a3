"""The validation report of a submission: what the server found in the bundle (docs/spec/upload-v1.md, section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dedup.send.errors import Fault, NoServerError, printable
from dedup.send.server import NOT_THE_PROTOCOL, UploadServer

LOOK_EVERY_SECONDS = 1.0
COUNTS = ("rows", "accepted", "refused", "withheld")


@dataclass(frozen=True, slots=True)
class Report:
    """A report as the server tells it; `problem` is why an accepted bundle turned out to be unusable."""

    document: Mapping[str, Any]
    problem: Fault | None

    @property
    def counts(self) -> dict[str, int] | None:
        """Rows by what became of them; None while the bundle was not opened."""
        opened = self.document.get("opened")
        if not isinstance(opened, dict):
            return None
        return {name: opened[name] for name in COUNTS if type(opened.get(name)) is int}

    @property
    def is_final(self) -> bool:
        """Whether the bundle was opened, or never will be."""
        return self.counts is not None or self.problem is not None


def awaited_report(submission_id: str, server: UploadServer, *, seconds: float) -> Report:
    """Return a submission's report, after at most `seconds` of waiting for the bundle to be opened.

    Raises `NoServerError` and `ServerRefusedError`.
    """
    begun = server.patience.monotonic()
    while True:
        answer = server.call("GET", f"/v1/submissions/{submission_id}/report", headers={"Accept": "application/json"})
        if answer.status != 200:
            raise answer.refused()
        server.patience.progressed()
        report = _report(answer.json())
        if report.is_final or server.patience.monotonic() - begun + LOOK_EVERY_SECONDS > seconds:
            return report
        server.patience.sleep(LOOK_EVERY_SECONDS)


def _report(document: dict[str, Any]) -> Report:
    if "opened" not in document:
        raise NoServerError("send.answer", NOT_THE_PROTOCOL)
    problem = document.get("problem")
    if problem is None:
        return Report(document, None)
    if isinstance(problem, dict):
        return Report(document, Fault(printable(str(problem.get("code"))), printable(str(problem.get("detail")))))
    return Report(document, Fault(printable(str(problem)), "The bundle turned out to be unusable when it was opened."))
