"""A small model, made-up batches, keys and a sealed bundle, shared by the tests of the bundle room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from dedup.bundle.keys import SealingPrivateKey, SigningKey
from dedup.bundle.manifest import BundleHeader
from dedup.bundle.payload import BundleBatch
from dedup.bundle.vendors import TrustedVendor, TrustedVendors
from dedup.bundle.writer import write_bundle
from dedup.fields import ATTRIBUTES, AttributeType
from dedup.model.linkage import Attribute, Field, LinkageModel, Pass, TableFormat, TokenRule
from dedup.model.records import EncodedRecords, PassEntries

PROVIDER = "41234567"
SUBMISSION = "00112233445566778899aabbccddeeff"


def small_model(*, table: TableFormat | None = None) -> LinkageModel:
    """Return a model of two fields and two passes; the second pass omits the second field."""
    return LinkageModel(
        name="small",
        version=1,
        digest="5a" * 32,
        table=table,
        attributes=(Attribute("one", "text", ("one",)), Attribute("two", "text", ("two",))),
        fields=(Field(1, "one", "one", TokenRule.BIGRAMS, 64), Field(2, "two", "two", TokenRule.WHOLE, 16)),
        passes=(Pass(1, ("one",)), Pass(2, ("two",), omits=("two",))),
        comparisons=(),
    )


@dataclass(frozen=True)
class Party:
    """The server's and the vendor's keys, and what the server knows of the vendor."""

    server: SealingPrivateKey
    vendor: SigningKey
    trusted: TrustedVendors


def batch_of(model: LinkageModel, n: int, *, first: int = 0, seed: int = 0, provider: str = PROVIDER) -> BundleBatch:
    """Return n made-up rows whose ids count from `first`; some rows share tokens, some fields are missing."""
    rng = np.random.default_rng(seed)
    ids = [f"{first + i:08x}-0000-4000-8000-000000000000" for i in range(n)]
    edd = np.where(rng.random(n) < 0.2, -1, rng.integers(105_700, 105_750, n)).astype(np.int32)
    columns: dict[str, list[object]] = {"registratie_id": list(ids)}
    if model.table is None:
        for name, kind in ATTRIBUTES.items():
            columns.setdefault(name, [""] * n if kind is AttributeType.TEXT else [-1] * n)
        columns |= {
            "aanbieder_agb": [provider] * n,
            "status": ["ingeschreven"] * n,
            "zorgproduct": ["kraamzorg"] * n,
            "edd_week": edd.tolist(),
        }
    else:
        edd[:] = -1
    presence = rng.integers(0, 4, n).astype(np.uint32)
    passes = []
    for linkage_pass in model.passes:
        # Tokens of a small pool, so that blocks have several rows.
        pool = rng.integers(0, 256, (max(1, n // 2), 16), dtype=np.uint8)
        chosen = rng.integers(0, len(pool), n)
        row = np.arange(n, dtype=np.uint32)
        order = np.lexsort((row, *pool[chosen].T[::-1]))
        sketch = rng.integers(0, 256, (n, model.sketch_bytes(linkage_pass)), dtype=np.uint8)
        start = 0
        for position, field in enumerate(model.fields):
            if field.name not in linkage_pass.omits:
                sketch[(presence >> position) & 1 == 0, start : start + field.bits // 8] = 0
                start += field.bits // 8
        passes.append(PassEntries(linkage_pass.number, row[order], pool[chosen][order], sketch[order]))
    return BundleBatch(columns, EncodedRecords(presence, edd, tuple(passes)))


def header_of(**changes: object) -> BundleHeader:
    """Return a header for the provider of `batch_of`, with some members changed."""
    members: dict[str, object] = {
        "submission_id": SUBMISSION,
        "vendor": "acme",
        "provider": PROVIDER,
        "snapshot_date": date(2026, 11, 22),
        "created_at": datetime(2026, 11, 22, 1, 15, tzinfo=UTC),
        "epoch_key_id": "epoch-1",
    }
    return BundleHeader(**{**members, **changes})  # type: ignore[arg-type]  # the keys are the members' names


@pytest.fixture(scope="session")
def model() -> LinkageModel:
    return small_model()


@pytest.fixture(scope="session")
def make_model() -> Callable[..., LinkageModel]:
    return small_model


@pytest.fixture(scope="session")
def make_batch() -> Callable[..., BundleBatch]:
    return batch_of


@pytest.fixture(scope="session")
def make_header() -> Callable[..., BundleHeader]:
    return header_of


@pytest.fixture(scope="session")
def party() -> Party:
    server, vendor = SealingPrivateKey.generate(), SigningKey.generate()
    trusted = {vendor.key_id: TrustedVendor("acme", vendor.public(), frozenset({PROVIDER}))}
    return Party(server, vendor, trusted)


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory, model: LinkageModel, party: Party) -> bytes:
    """The bytes of a sealed bundle of two batches, five and four rows."""
    path = tmp_path_factory.mktemp("sealed") / "a.bundle"
    write_bundle(
        path,
        header=header_of(),
        statistics={"rows": 9},
        batches=[batch_of(model, 5), batch_of(model, 4, first=5, seed=1)],
        model=model,
        seal_to=party.server.public(),
        sign_with=party.vendor,
    )
    return path.read_bytes()


@pytest.fixture
def sealed_path(tmp_path: Path, sealed: bytes) -> Path:
    path = tmp_path / "a.bundle"
    path.write_bytes(sealed)
    return path
