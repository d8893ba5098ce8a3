"""The laws of an upload, whatever is called in whatever order, and wherever it crashes in between."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from tests.intake.desk import Keys
from tests.made_bundles import declaration_of, sealed_bundle

from dedup.bundle.keys import ReceiptSigningKey, SealingPrivateKey, SigningKey
from dedup.bundle.vendors import TrustedVendor
from dedup.intake.acceptance import Intake
from dedup.intake.appending import Chunk, begin_append
from dedup.intake.checks import IntakeLimits
from dedup.intake.completion import complete_upload
from dedup.intake.expiry import sweep_uploads
from dedup.intake.receipts import Receipt, Rejection, verified_receipt
from dedup.intake.upload_terms import UploadError, UploadTerms
from dedup.intake.uploads import Sender, abort_upload, create_upload, standing_of
from dedup.model.load import load_model
from dedup.store.audit import Actor
from dedup.store.bundles import open_bundle_store
from dedup.store.failpoints import VARIABLE
from dedup.store.tables import SubmissionRow, UploadDayRow
from dedup.store.uploads import Declaration

MODEL = load_model(Path(__file__).parents[2] / "config" / "linkage" / "kraamzorg.toml")
START = datetime(2026, 11, 22, 0, 0, tzinfo=UTC)
EXPIRES = 3600
SIGNING, RECEIPTS = SigningKey.generate(), ReceiptSigningKey.generate()
SEALED_TO = SealingPrivateKey.generate().key_id
# Each place, and whether what was asked for counts when the server dies there.
APPENDING = {"upload.written": False, "upload.synced": False, "upload.appended": True}
COMPLETING = {
    "upload.verified": False,
    "upload.linked": False,
    "intake.moved": False,
    "intake.committed": True,
    "upload.settled": True,
}
GONE = {"none", "aborted", "expired"}


class CrashedError(BaseException):
    """The server dies here; what it would have done later, it does not do."""


@dataclass
class Expected:
    """What the vendor can rely on for one bundle."""

    data: bytes
    declared: Declaration
    good: bool
    state: str = "none"
    offset: int = 0
    attempts: int = 0


class Uploads(RuleBasedStateMachine):
    """A vendor with three bundles, one of which is none."""

    @initialize(sizes=st.lists(st.integers(0, 400), min_size=3, max_size=3))
    def open(self, sizes: list[int]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dedup-uploads-"))
        self.now, self.sent_bytes, self.receipts = START, 0, {}
        self.reopen()
        self.bundles = [self._bundle(number, size) for number, size in enumerate(sizes)]

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)

    def reopen(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
        self.store = open_bundle_store(self.folder / "store", f"sqlite:///{self.folder}/store/registry.sqlite")

    def _bundle(self, number: int, size: int) -> Expected:
        submission_id = f"{number:032x}"
        data = sealed_bundle(
            MODEL,
            sign_with=SIGNING,
            sealed_to=SEALED_TO,
            submission_id=submission_id,
            snapshot_date=START.date(),
            created_at=START + timedelta(seconds=number),
            provider=f"1234567{number}",
            body=bytes(size + 1),
        )
        if number == 2:
            data = data[:-1] + b"?"
        provider = f"1234567{number}"
        return Expected(data, declaration_of(data, submission_id, START.date(), provider=provider), number != 2)

    @property
    def sender(self) -> Sender:
        providers = frozenset(f"1234567{number}" for number in range(3))
        vendors = {SIGNING.key_id: TrustedVendor("vitaal", SIGNING.public(), providers)}
        keys = Keys(frozenset({SEALED_TO}), RECEIPTS, vendors)
        intake = Intake(self.store, keys, MODEL, IntakeLimits(), START.date(), self.now, Actor("vitaal", "vendor"))
        terms = UploadTerms(chunk_bytes=300, keep_free_bytes=0, lock_seconds=0)
        return Sender("vitaal", providers, intake, terms, secrets.token_bytes)

    def crashing(self, failpoint: str | None, work: Callable[[], Any]) -> Any:
        """Do the work; when it dies at the failpoint, go on with what a new process finds."""
        if failpoint is None:
            return work()

        def die(*_: object) -> None:
            raise CrashedError

        with patch.dict(os.environ, {VARIABLE: failpoint}), patch("os.kill", die):
            try:
                return work()
            except CrashedError:
                self.reopen()
                return CrashedError

    def refused(self, work: Callable[[], Any]) -> UploadError:
        with pytest.raises(UploadError) as fault:
            work()
        return fault.value

    @rule(number=st.integers(0, 2), crash=st.booleans())
    def create(self, number: int, crash: bool) -> None:
        one = self.bundles[number]
        one.attempts += one.state == "rejected"
        key = f"key-of-bundle-{number}-attempt-{one.attempts}"
        begins = one.state in GONE or one.state == "rejected"
        answer = self.crashing(
            "upload.created" if crash else None, lambda: create_upload(one.declared, key, self.sender)
        )
        assert (answer is CrashedError) == (crash and begins)
        if begins:
            one.state, one.offset = "open", 0
        if answer is not CrashedError:
            assert answer[1] == begins

    @rule(
        number=st.integers(0, 2),
        size=st.integers(1, 300),
        failpoint=st.sampled_from([None, None, None, *APPENDING]),
        fault=st.sampled_from(["", "", "", "offset", "digest", "short"]),
    )
    def append(self, number: int, size: int, failpoint: str | None, fault: str) -> None:
        one = self.bundles[number]
        data = one.data[one.offset : one.offset + size]
        at = one.offset + 1 if fault == "offset" else one.offset
        digest = bytes(32) if fault == "digest" else hashlib.sha256(data).digest()
        chunk = Chunk(at, max(1, len(data)), digest)

        def work() -> int:
            appending = begin_append(one.declared.submission_id, chunk, self.sender)
            try:
                appending.write(data[:-1] if fault == "short" else data)
                return appending.finish(self.now)
            finally:
                appending.close()

        if one.state != "open":
            code = {"none": "upload.unknown", "aborted": "upload.aborted", "expired": "upload.expired"}
            assert self.refused(work).code == code.get(one.state, "upload.settled")
        elif fault == "offset":
            assert self.refused(work).offset == one.offset
        elif not data or fault:
            assert self.refused(work).code == ("upload.digest" if data and fault == "digest" else "upload.length")
        else:
            answer = self.crashing(failpoint, work)
            if failpoint is None:
                assert answer == one.offset + len(data)
            if failpoint is None or APPENDING[failpoint]:
                one.offset += len(data)
                self.sent_bytes += len(data)

    @rule(number=st.integers(0, 2), failpoint=st.sampled_from([None, None, *COMPLETING]))
    def send_what_is_missing(self, number: int, failpoint: str | None) -> None:
        one = self.bundles[number]
        self.create(number, crash=False)
        while one.state == "open" and one.offset < len(one.data):
            self.append(number, 300, None, "")
        self.complete(number, failpoint)

    @rule(number=st.integers(0, 2), failpoint=st.sampled_from([None, None, *COMPLETING]))
    def complete(self, number: int, failpoint: str | None) -> None:
        one = self.bundles[number]
        whole = one.state == "open" and one.offset == len(one.data)

        def work() -> Receipt | Rejection:
            return complete_upload(one.declared.submission_id, one.declared.sha256, self.sender)

        if one.state in GONE or (one.state == "open" and not whole):
            code = {"none": "upload.unknown", "open": "upload.incomplete"}
            assert self.refused(work).code == code.get(one.state, f"upload.{one.state}")
            return
        if not one.good:
            answer = work()
            assert isinstance(answer, Rejection)
            one.state = "rejected"
            return
        answer = self.crashing(failpoint if whole else None, work)
        if answer is CrashedError:
            one.state = "accepted" if failpoint and COMPLETING[failpoint] else "open"
            return
        assert isinstance(answer, Receipt)
        assert answer.duplicate == (one.state == "accepted")
        one.state = "accepted"
        says = verified_receipt(answer.token, RECEIPTS.public())
        assert self.receipts.setdefault(number, says) == says

    @rule(number=st.integers(0, 2), crash=st.booleans())
    def abort(self, number: int, crash: bool) -> None:
        one = self.bundles[number]

        def work() -> None:
            abort_upload(one.declared.submission_id, self.sender)

        if one.state in {"open", "aborted"}:
            self.crashing("upload.aborted" if crash else None, work)
            one.state, one.offset = "aborted", 0
        else:
            code = {"none": "upload.unknown", "expired": "upload.expired"}
            assert self.refused(work).code == code.get(one.state, "upload.settled")

    @rule(seconds=st.sampled_from([1, EXPIRES // 2]), crash=st.booleans())
    def sweep_after(self, seconds: int, crash: bool) -> None:
        """Time passes; an upload that was not touched for `EXPIRES` seconds is gone."""
        self.now += timedelta(seconds=seconds)
        with self.store.registry.read() as session:
            standings = {
                one.declared.submission_id: standing_of(session, "vitaal", one.declared.submission_id)
                for one in self.bundles
                if one.state == "open"
            }
        due = [
            one
            for one in self.bundles
            if one.state == "open"
            and standings[one.declared.submission_id].upload.touched_at < self.now - timedelta(seconds=EXPIRES)
        ]
        self.crashing(
            "upload.expired" if crash else None,
            lambda: sweep_uploads(self.store, now=self.now, upload_seconds=EXPIRES),
        )
        sweep_uploads(self.store, now=self.now, upload_seconds=EXPIRES)
        for one in due:
            one.state, one.offset = "expired", 0
        # After a sweep there are files of open uploads only.
        assert len(list(self.store.uploads.iterdir())) <= sum(one.state == "open" for one in self.bundles)

    @invariant()
    def the_server_knows_what_the_vendor_knows(self) -> None:
        with self.store.registry.read() as session:
            for one in self.bundles:
                if one.state == "none":
                    continue
                standing = standing_of(session, "vitaal", one.declared.submission_id)
                assert standing.state.value == one.state
                if one.state == "open":
                    assert standing.upload is not None
                    assert standing.upload.offset == one.offset
                    if one.offset:
                        kept = self.store.part_path(standing.upload.part).read_bytes()
                        assert kept[: one.offset] == one.data[: one.offset]
            rows = session.scalars(select(SubmissionRow.id)).all()
            counted = session.scalars(select(UploadDayRow.bytes)).all()
        accepted = {one.declared.submission_id: one for one in self.bundles if one.state == "accepted"}
        assert sorted(rows) == sorted(accepted)
        assert sum(counted) == self.sent_bytes
        for one in accepted.values():
            assert self.store.bundle_path(one.declared.sha256).read_bytes() == one.data

    @invariant()
    def the_audit_log_is_whole(self) -> None:
        self.store.registry.verify_audit()


def test_an_upload_keeps_its_laws_in_any_order_and_after_any_crash() -> None:
    check = settings(max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Uploads, settings=check)


@pytest.mark.trial
@pytest.mark.timeout(3600)
def test_an_upload_keeps_its_laws_for_long() -> None:
    check = settings(max_examples=1000, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Uploads, settings=check)
