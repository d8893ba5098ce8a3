"""What a sender gets back: a signed receipt for what was accepted, a problem document for what was not.

A receipt is a promise: it is given only after the bundle is durable and the registry has committed. It quotes the head
of the audit log, so that a log that is cut off later can be told by whoever holds the receipt. A problem has the shape
of RFC 9457.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dedup.bundle.canonical import canonical_json, parse_json
from dedup.bundle.keyfiles import timestamp
from dedup.bundle.keys import ReceiptSigningKey, ReceiptVerifyingKey
from dedup.bundle.signing import sign, take_apart, verify
from dedup.errors import BundleError, DedupError
from dedup.store.audit import AuditHead
from dedup.store.submissions import Submission

RECEIPT_KIND = "dedup-receipt"
PROBLEM_TYPE = "urn:dedup:problem:"


class IntakeError(DedupError):
    """A bundle that is not accepted, or a receipt that is not one: a code `intake.what`, never a value."""


def unusable(submission: Submission) -> IntakeError:
    """Return why a bundle that was accepted was rejected when it was opened."""
    message = "The bundle turned out to be unusable when it was opened; send a new one."
    return IntakeError(submission.reason_code or "intake.rejected-before", message)


@dataclass(frozen=True, slots=True)
class Receipt:
    """An accepted submission: `token` is the signed receipt; a duplicate was accepted before and counts once."""

    file_name: str
    submission: Submission
    token: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Rejection:
    """A file that was not accepted: every fault that was found, the first one giving the problem its type."""

    file_name: str
    faults: tuple[DedupError, ...]
    file_sha256: str = ""
    submission_id: str = ""

    @property
    def code(self) -> str:
        """The stable code of the first fault."""
        return self.faults[0].code


def signed_receipt(submission: Submission, head: AuditHead, key: ReceiptSigningKey) -> str:
    """Return the receipt as a compact JWS (ES256) over canonical JSON; `head` is that of its acceptance."""
    statement = {
        "submission_id": submission.id,
        "vendor": submission.vendor,
        "provider": submission.provider,
        "snapshot_date": submission.snapshot_date.isoformat(),
        "epoch_key_id": submission.epoch_key_id,
        "body_sha256": submission.body_sha256,
        "file_sha256": submission.file_sha256,
        "file_bytes": submission.file_bytes,
        "received_at": timestamp(submission.received_at),
        "audit_number": head.number,
        "audit_hash": head.hash,
    }
    return sign(canonical_json(statement), key, kind=RECEIPT_KIND)


def verified_receipt(token: str, key: ReceiptVerifyingKey) -> dict[str, Any]:
    """Return what a receipt says; raises `IntakeError` (`intake.receipt-wrong`) unless the server's key signed it."""
    try:
        statement = take_apart(token.encode("ascii", "replace"), kind=RECEIPT_KIND)
        verify(statement, key)
        said: dict[str, Any] = parse_json(statement.payload)
    except (BundleError, ValueError) as error:
        raise IntakeError("intake.receipt-wrong", "The receipt was not signed by this server's receipt key.") from error
    return said


def receipt_file(receipt: Receipt) -> bytes:
    """Return the receipt file: the signed token, and beside it what people want to see at a glance."""
    document = {
        "submission_id": receipt.submission.id,
        "provider": receipt.submission.provider,
        "snapshot_date": receipt.submission.snapshot_date.isoformat(),
        "received_at": timestamp(receipt.submission.received_at),
        "duplicate": receipt.duplicate,
        "receipt": receipt.token,
    }
    return json.dumps(document, indent=2).encode("ascii") + b"\n"


def problem_file(rejection: Rejection, at: datetime) -> bytes:
    """Return the problem document: type, title, detail and code of the first fault, and all faults."""
    first = rejection.faults[0]
    document = {
        "type": f"{PROBLEM_TYPE}{first.code}",
        "title": "The bundle was not accepted",
        "detail": first.message,
        "code": first.code,
        "errors": [{"code": fault.code, "detail": fault.message} for fault in rejection.faults],
        "file_sha256": rejection.file_sha256,
        "submission_id": rejection.submission_id,
        "at": timestamp(at),
    }
    return json.dumps(document, indent=2).encode("ascii") + b"\n"
