"""Hostile contents under a good seal: the night refuses each with its code, keeps nothing of it, takes the others."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from tests.hostile.cases import PLANTED, TAKEN
from tests.hostile.conftest import files_with, little_memory
from tests.hostile.contents import CONTENTS, content_of
from tests.ingest.conftest import NOW, TODAY, Server, batch_of, server, vendor_key

from dedup.bundle.container import MANIFEST_KIND, SEALED_MAGIC
from dedup.bundle.keys import SigningKey
from dedup.bundle.manifest import BundleHeader, Sealing, manifest_json, manifest_of
from dedup.bundle.payload import write_batch
from dedup.bundle.sealing import bundle_info, seal_chunks, seal_secret
from dedup.bundle.signing import sign
from dedup.ingest.submission import IngestKeys, Refused, ingest_accepted
from dedup.intake.acceptance import Intake
from dedup.intake.checks import IntakeLimits
from dedup.intake.inbox import receive
from dedup.intake.receipts import Receipt
from dedup.model.linkage import LinkageModel
from dedup.model.load import load_model
from dedup.store.tables import SubmissionRow

__all__ = ["server", "vendor_key"]

PROVIDER = "12345678"
CONTENT_KEY = b"\7" * 32
LONG = content_of(b"{}", bytes(600_000))  # of three chunks


@pytest.fixture(scope="session")
def model() -> LinkageModel:
    return load_model(Path(__file__).parents[2] / "config" / "linkage" / "kraamzorg.toml")


@pytest.fixture(scope="session")
def batch(model: LinkageModel) -> bytes:
    """A right batch of two rows."""
    return write_batch(batch_of(model, PROVIDER, {"reg-1": "anne", "reg-2": "bea"}), model, provider=PROVIDER)


@dataclass(frozen=True)
class Night:
    """A server that takes in bundles and opens them, and the vendor that seals them."""

    server: Server
    model: LinkageModel
    vendor: SigningKey

    def deliver(self, name: str, body: Callable[[str], bytes], number: int) -> str:
        """Put a bundle with this body into the inbox; its signature and digest are right whatever the body is."""
        sealed_to = next(iter(self.server.keys.sealing.values())).public()
        submission_id = hashlib.sha256(name.encode()).hexdigest()[:32]
        written = body(submission_id)
        info = bundle_info(sealed_to.key_id, self.vendor.key_id, submission_id)
        manifest = manifest_of(
            BundleHeader(
                submission_id,
                "vitaal",
                PROVIDER,
                TODAY,
                NOW - timedelta(hours=1) + timedelta(seconds=number),
                "epoch-1",
            ),
            self.model,
            body_bytes=len(written),
            body_sha256=hashlib.sha256(written).hexdigest(),
            sealing=Sealing(sealed_to.key_id, seal_secret(CONTENT_KEY, sealed_to.key, info)),
        )
        token = sign(manifest_json(manifest), self.vendor, kind=MANIFEST_KIND).encode()
        data = SEALED_MAGIC + struct.pack(">I", len(token)) + token + written
        (self.server.inbox / f"{name}.bundle").write_bytes(data)
        return submission_id

    def opened(self) -> dict[str, str]:
        """Take in and open what lies in the inbox; return each submission with its code, "" when it counts."""
        intake = Intake(self.server.store, self.server.keys, self.model, IntakeLimits(), TODAY, NOW)
        assert all(isinstance(answer, Receipt) for answer in receive(self.server.inbox, intake))
        keys = IngestKeys(self.server.keys.sealing, self.server.keys.ingest)
        answers = ingest_accepted(self.server.store, keys=keys, model=self.model, today=TODAY, now=NOW)
        return {one.submission_id: one.code if isinstance(one, Refused) else TAKEN for one in answers}


@pytest.fixture
def night(server: Server, model: LinkageModel, vendor_key: SigningKey) -> Night:
    return Night(server, model, vendor_key)


def sealed(content: bytes) -> Callable[[str], bytes]:
    return lambda submission_id: b"".join(seal_chunks([content], CONTENT_KEY, bytes.fromhex(submission_id)))


def test_hostile_contents_are_refused_each_with_its_code_and_the_good_one_counts(night: Night, batch: bytes) -> None:
    expected = {
        night.deliver(f"case-{number}", sealed(case.spoil(batch)), number): case.code
        for number, case in enumerate(CONTENTS)
    }
    good = night.deliver("good", sealed(content_of(b"{}", batch)), len(CONTENTS))
    with little_memory(256 << 20):
        told = night.opened()
    assert told == expected | {good: TAKEN}
    store = night.server.store
    assert files_with(PLANTED, store.folder) == []
    with store.registry.read() as session:
        kept = json.dumps([row.statistics for row in session.query(SubmissionRow)], default=str)
    assert PLANTED not in kept
    store.registry.verify_audit()


def chunks_of(content: bytes, key: bytes, order: Callable[[list[bytes]], list[bytes]]) -> Callable[[str], bytes]:
    return lambda submission_id: b"".join(order(list(seal_chunks([content], key, bytes.fromhex(submission_id)))))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(lambda _: b"no sealed bytes at all", id="a body that is not sealed"),
        pytest.param(lambda _: b"x", id="a body of one byte"),
        pytest.param(chunks_of(LONG, b"\x09" * 32, list), id="sealed under another content key"),
        pytest.param(chunks_of(LONG, CONTENT_KEY, lambda parts: parts[::-1]), id="chunks swapped"),
        pytest.param(chunks_of(LONG, CONTENT_KEY, lambda parts: parts[1:]), id="the first chunk left out"),
        pytest.param(chunks_of(LONG, CONTENT_KEY, lambda parts: [parts[0], *parts]), id="a chunk twice"),
    ],
)
def test_a_body_that_its_vendor_sealed_wrongly_stops_no_night(
    night: Night, batch: bytes, body: Callable[[str], bytes]
) -> None:
    """Its digest is the signed one, so the store has what was accepted: the vendor is told, and the others count."""
    hostile = night.deliver("hostile", body, 0)
    good = night.deliver("good", sealed(content_of(b"{}", batch)), 1)
    assert night.opened() == {hostile: "bundle.altered", good: TAKEN}
