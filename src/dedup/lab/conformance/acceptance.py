"""Judge the whole way of a bundle that may be accepted: receipt, duplicate, report."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from dedup.lab.conformance.expecting import expected, shown
from dedup.lab.conformance.finding import Finding, failed, judged, passed, skipped
from dedup.lab.conformance.walk import Walk
from dedup.send.receipt import verified_receipt
from dedup.send.upload import creation_of

_STATES = ["accepted", "ingested", "superseded"]
_REPORT = {"submission_id", "provider", "snapshot_date", "state", "problem", "freshness", "opened", "previous"}


def judge_acceptance(walk: Walk) -> Iterator[Finding]:
    """Judge the whole way of a bundle that may be accepted: receipt, duplicate, report."""
    bundle, caller = walk.bundle, walk.caller
    if bundle is None:
        yield skipped("accept.receipt", "Acceptance and receipts are judged with --bundle: that bundle then counts.")
        return
    created = caller.create(json.loads(creation_of(bundle)), bundle.sha256)
    address = created.headers.get("Location", "")
    if created.status not in {200, 201} or not address:
        yield failed("accept.created", f"Expected an upload for the bundle; the answer was {shown(created)}.")
        return
    data = bundle.path.read_bytes()
    if created.document.get("state", "open") == "open":
        told = caller.call("HEAD", address).headers.get("Upload-Offset", "")
        offset = int(told) if re.fullmatch("[0-9]{1,15}", told) else 0
        step = caller.statement.chunk_bytes
        for start in range(offset, len(data), step):
            caller.append(address, start, data[start : start + step])
    done = caller.complete(address, bytes.fromhex(bundle.sha256))
    yield expected("accept.completed", done, 200, "a receipt for a good bundle")
    if done.status != 200:
        return
    keys = caller.statement.receipts
    verified_receipt(done.document.get("receipt"), bundle, keys)
    yield passed("accept.receipt", "The receipt is signed, and for this file.")
    again = caller.complete(address, bytes.fromhex(bundle.sha256))
    yield judged(
        "accept.duplicate",
        again.status == 200 and again.document.get("duplicate") is True,
        "Completing again gives the same answer, as a duplicate.",
        f"Completing again does not say duplicate ({shown(again)}).",
    )
    fetched = caller.call("GET", f"{address}/receipt")
    yield expected("accept.fetched", fetched, 200, "the receipt when it is asked for")
    if fetched.status == 200:
        verified_receipt(fetched.body.decode("ascii", "replace"), bundle, keys)
    settled = caller.call("DELETE", address)
    yield expected("accept.settled", settled, 409, "that what is accepted cannot be aborted", "upload.settled")
    report = caller.call("GET", f"{address}/report")
    yield judged(
        "accept.report",
        report.status == 200 and set(report.document) >= _REPORT and report.document["state"] in _STATES,
        "The validation report has the members of upload-v1.",
        f"The validation report lacks members of upload-v1 ({shown(report)}).",
    )
