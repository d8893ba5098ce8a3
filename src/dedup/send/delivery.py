"""Deliver bundles one after another: what has its receipt is left alone, what is refused stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from dedup.errors import DedupError
from dedup.send.bundlefile import BundleFile, look_at
from dedup.send.credentials import Credentials, remember_statement
from dedup.send.errors import Fault, NoServerError, ServerRefusedError
from dedup.send.receipt import HeldReceipt, keep_receipt, kept_receipt, receipt_path
from dedup.send.report import Report, awaited_report
from dedup.send.server import UploadServer
from dedup.send.upload import send_bundle

Told = Callable[[BundleFile, int], None]


class State(StrEnum):
    """What became of a bundle."""

    ACCEPTED = "accepted"
    KNOWN = "known"  # its receipt lay here already, so nothing was sent
    REFUSED = "refused"  # by the server, which need not be asked again
    FAILED = "failed"  # it could not be brought to an answer


@dataclass(frozen=True, slots=True)
class Outcome:
    """One bundle's end: its receipt and where it is kept, or what was wrong; `bytes_` is 0 for a file not looked at.

    `report` is the validation report where it was asked for.
    """

    path: Path
    state: State
    bytes_: int = 0
    receipt: HeldReceipt | None = None
    kept_in: Path | None = None
    faults: tuple[Fault, ...] = ()
    report: Report | None = None


def deliver(
    paths: Iterable[Path],
    credentials: Credentials,
    server: UploadServer,
    *,
    receipts: Path | None = None,
    await_report: float | None = None,
    told: Told = lambda _bundle, _bytes: None,
) -> Iterator[Outcome]:
    """Yield the outcome of each bundle; the server's keys are verified before the first byte is sent.

    With `await_report`, each accepted bundle's validation report comes with it, after at most so many seconds. Raises
    `NoServerError` where no other bundle need be tried.
    """
    for path in paths:
        try:
            bundle = look_at(path, credentials)
            kept_in = receipt_path(path, receipts)
            held = kept_receipt(kept_in, bundle, credentials.receipt_keys)
            if held is not None:
                outcome = Outcome(path, State.KNOWN, bundle.size, held, kept_in)
            else:
                _connect(server, credentials)
                outcome = _sent(bundle, server, kept_in, told)
            if await_report is not None:
                _connect(server, credentials)
                outcome = _with_report(outcome, bundle.manifest.submission_id, server, await_report)
            yield outcome
        except NoServerError:
            raise
        except ServerRefusedError as refused:
            yield Outcome(path, State.REFUSED, faults=refused.faults)
        except DedupError as fault:
            yield Outcome(path, State.FAILED, faults=(Fault(fault.code, fault.message),))


def _sent(bundle: BundleFile, server: UploadServer, kept_in: Path, told: Told) -> Outcome:
    sent = send_bundle(bundle, server, lambda there: told(bundle, there))
    keep_receipt(sent, kept_in)
    return Outcome(bundle.path, State.ACCEPTED, bundle.size, sent, kept_in)


def _with_report(outcome: Outcome, submission_id: str, server: UploadServer, seconds: float) -> Outcome:
    """Ask what the bundle turned out to be; one that cannot be used counts as refused, though it has a receipt.

    A report that the server does not give is told as a fault, and changes nothing about the bundle.
    """
    try:
        report = awaited_report(submission_id, server, seconds=seconds)
    except ServerRefusedError as refused:
        return replace(outcome, faults=refused.faults)
    if report.problem is None:
        return replace(outcome, report=report)
    return replace(outcome, state=State.REFUSED, faults=(report.problem,), report=report)


def _connect(server: UploadServer, credentials: Credentials) -> None:
    """Verify the server's keys, once, and keep what they say of keys to come."""
    if server.statement is None:
        remember_statement(credentials, server.connect())
