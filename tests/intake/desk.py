"""A vendor at the server's door, with a store behind it: what tests of uploads work with."""

from __future__ import annotations

import hashlib
import itertools
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.made_bundles import declaration_of, sealed_bundle

from dedup.bundle.keys import ReceiptSigningKey, SealingPrivateKey, SigningKey
from dedup.bundle.vendors import TrustedVendor
from dedup.errors import DedupError
from dedup.intake.acceptance import Intake
from dedup.intake.appending import Chunk, begin_append
from dedup.intake.checks import IntakeLimits
from dedup.intake.completion import complete_upload
from dedup.intake.receipts import Receipt, Rejection
from dedup.intake.upload_terms import UploadTerms
from dedup.intake.uploads import Sender, create_upload, standing_of
from dedup.model.linkage import LinkageModel
from dedup.store.audit import Actor
from dedup.store.bundles import BundleStore, open_bundle_store
from dedup.store.tables import AuditRow
from dedup.store.uploads import Declaration

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
TERMS = UploadTerms(chunk_bytes=4096, keep_free_bytes=0, lock_seconds=0)


@dataclass(frozen=True)
class Keys:
    sealing: frozenset[str]
    receipts: ReceiptSigningKey
    vendors: dict[str, TrustedVendor]
    epochs: frozenset[str] | None = None
    withdrawn: frozenset[str] = frozenset()


@dataclass
class Desk:
    """A vendor at the server's door, with a store behind it."""

    store: BundleStore
    sender: Sender
    signing_key: SigningKey
    numbers: Iterator[int]

    def bundle(self, body: bytes = b"sealed", **changes: object) -> tuple[bytes, Declaration]:
        submission_id = str(changes.pop("submission_id", "")) or f"{next(self.numbers):032x}"
        told = {"provider": "12345678", "snapshot_date": TODAY, "created_at": NOW} | changes
        data = sealed_bundle(
            self.sender.intake.model,
            sign_with=self.signing_key,
            sealed_to=next(iter(self.sender.intake.keys.sealing)),
            submission_id=submission_id,
            body=body,
            **told,
        )
        return data, declaration_of(data, submission_id, told["snapshot_date"], provider=str(told["provider"]))

    def create(self, declared: Declaration, key: str = "", **changes: object) -> str:
        standing, _ = create_upload(declared, key or declared.sha256, replace(self.sender, **changes))
        return standing.state.value

    def append(self, declared: Declaration, offset: int, data: bytes, *, sha256: bytes | None = None) -> int:
        return self.send(declared, Chunk(offset, len(data), sha256 or hashlib.sha256(data).digest()), data)

    def send(self, declared: Declaration, chunk: Chunk, data: bytes) -> int:
        """Send these bytes as a chunk, whatever is said of it."""
        appending = begin_append(declared.submission_id, chunk, self.sender)
        try:
            for start in range(0, len(data), 1000):
                appending.write(data[start : start + 1000])
            return appending.finish(self.sender.intake.now)
        finally:
            appending.close()

    def append_all(self, declared: Declaration, data: bytes) -> None:
        for offset in range(0, len(data), 4096):
            self.append(declared, offset, data[offset : offset + 4096])

    def complete(self, declared: Declaration) -> Receipt | Rejection:
        return complete_upload(declared.submission_id, declared.sha256, self.sender)

    def upload(self, data: bytes, declared: Declaration) -> Receipt | Rejection:
        self.create(declared, secrets.token_hex(16))
        self.append_all(declared, data)
        return self.complete(declared)

    def state(self, declared: Declaration) -> tuple[str, int | None]:
        with self.store.registry.read() as session:
            standing = standing_of(session, self.sender.vendor, declared.submission_id)
        return standing.state.value, standing.upload.offset if standing.upload else None

    def parts(self) -> list[int]:
        return [path.stat().st_size for path in self.store.uploads.iterdir()]

    def bundles(self) -> set[str]:
        return {path.stem for path in self.store.submissions.iterdir()}

    def at(self, **later: float) -> Desk:
        intake = replace(self.sender.intake, now=self.sender.intake.now + timedelta(**later))
        return replace(self, sender=replace(self.sender, intake=intake))

    def under(self, **terms: int) -> Desk:
        return replace(self, sender=replace(self.sender, terms=replace(TERMS, **terms)))

    def events(self) -> list[tuple[str, str, str]]:
        with self.store.registry.read() as session:
            rows = session.scalars(select(AuditRow).order_by(AuditRow.number))
            return [(row.event, row.actor, row.object) for row in rows]


@contextmanager
def open_desk(tmp_path: Path, url: str, model: LinkageModel) -> Iterator[Desk]:
    signing_key = SigningKey.generate()
    providers = frozenset({"12345678", "23456789"})
    keys = Keys(
        frozenset({SealingPrivateKey.generate().key_id}),
        ReceiptSigningKey.generate(),
        {signing_key.key_id: TrustedVendor("vitaal", signing_key.public(), providers)},
    )
    store = open_bundle_store(tmp_path / "store", url)
    intake = Intake(store, keys, model, IntakeLimits(), TODAY, NOW, Actor("vitaal", "vendor", "vitaal"))
    yield Desk(store, Sender("vitaal", providers, intake, TERMS, secrets.token_bytes), signing_key, itertools.count(1))
    store.close()


def code(work: Callable[[], object]) -> str:
    with pytest.raises(DedupError) as refused:
        work()
    return refused.value.code
