"""A server with its keys, an inbox, and vendors' bundles made by hand from a small linkage model."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dedup.bundle.keys import SigningKey
from dedup.bundle.manifest import BundleHeader
from dedup.bundle.payload import BundleBatch
from dedup.bundle.serverkeys import ServerKeys, load_server_keys, make_server_keys
from dedup.bundle.vendors import register_vendor
from dedup.bundle.writer import write_bundle
from dedup.fields import ATTRIBUTES, AttributeType
from dedup.intake.acceptance import Intake
from dedup.intake.checks import IntakeLimits
from dedup.model.linkage import LinkageModel
from dedup.model.load import load_model
from dedup.model.records import EncodedRecords, PassEntries
from dedup.store.house import Store, open_store
from dedup.store.wrapping import LocalKey

NOW = datetime(2026, 11, 22, 1, 15, tzinfo=UTC)
TODAY = date(2026, 11, 22)
MODEL = Path(__file__).parents[2] / "config" / "linkage" / "kraamzorg.toml"
TEXTS = {"zorgproduct": "kraamzorg", "rol": "zelfstandig", "status": "ingeschreven", "schema_versie": "1.0"}


@pytest.fixture(scope="session")
def model() -> LinkageModel:
    return load_model(MODEL)


@dataclass(frozen=True)
class Server:
    """A server's folder as an installation has it."""

    home: Path
    store: Store
    keys: ServerKeys

    @property
    def inbox(self) -> Path:
        return self.home / "inbox"


@pytest.fixture
def vendor_key() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture
def server(tmp_path: Path, vendor_key: SigningKey) -> Any:
    home = tmp_path / "server"
    make_server_keys(home / "keys", created=NOW)
    register_vendor(
        home / "keys" / "vendors",
        vendor="vitaal",
        key=vendor_key.public(),
        providers=["12345678", "23456789"],
        created=NOW,
    )
    keys = load_server_keys(home / "keys")
    (home / "inbox").mkdir()
    store = open_store(
        home / "store",
        f"sqlite:///{home}/store/registry.sqlite",
        link_view_key=LocalKey(keys.link_view.key_id, keys.link_view.secret),
        attribute_key=LocalKey(keys.attributes.key_id, keys.attributes.secret),
    )
    yield Server(home, store, keys)
    store.close()


@pytest.fixture
def intake(server: Server, model: LinkageModel) -> Intake:
    return Intake(server.store, server.keys, model, IntakeLimits(), TODAY, NOW)


def bytes_of(*parts: object, length: int) -> bytes:
    return hashlib.shake_128(repr(parts).encode()).digest(length)


def batch_of(model: LinkageModel, provider: str, women: dict[str, str]) -> BundleBatch:
    """One row per registratie_id: equal women have equal tokens, and no two rows equal sketches."""
    ids = sorted(women)
    weeks = [int.from_bytes(bytes_of("edd", women[one], length=1)) + 105_000 for one in ids]
    columns: dict[str, list[Any]] = {
        name: [TEXTS.get(name, "") if kind is AttributeType.TEXT else -1] * len(ids)
        for name, kind in ATTRIBUTES.items()
    }
    columns |= {"registratie_id": ids, "aanbieder_agb": [provider] * len(ids), "edd_week": weeks}
    passes = []
    for linkage_pass in model.passes:
        number, width = linkage_pass.number, model.sketch_bytes(linkage_pass)
        entries = sorted(
            (bytes_of(number, women[one], length=16), row, bytes_of(number, one, length=width))
            for row, one in enumerate(ids)
        )
        passes.append(
            PassEntries(
                number=number,
                row=np.array([row for _, row, _ in entries], dtype=np.uint32),
                token=np.frombuffer(b"".join(token for token, _, _ in entries), np.uint8).reshape(-1, 16),
                sketch=np.frombuffer(b"".join(sketch for _, _, sketch in entries), np.uint8).reshape(-1, width),
            )
        )
    presence = np.full(len(ids), (1 << len(model.fields)) - 1, dtype=np.uint32)
    return BundleBatch(columns, EncodedRecords(presence, np.array(weeks, dtype=np.int32), tuple(passes)))


Deliver = Callable[..., Path]


@pytest.fixture
def deliver(server: Server, model: LinkageModel, vendor_key: SigningKey) -> Deliver:
    """Write a submission into the inbox, as a vendor would."""

    def write(
        name: str,
        *,
        batches: Sequence[dict[str, str]] = ({"reg-1": "anne", "reg-2": "bea"},),
        provider: str = "12345678",
        submission_id: str = "",
        snapshot_date: date = TODAY,
        created_at: datetime = NOW,
        epoch: str = "epoch-1",
        statistics: dict[str, Any] | None = None,
        sealed: bool = True,
        vendor: str = "vitaal",
        sign_with: SigningKey = vendor_key,
        made_with: LinkageModel = model,
        seal_to: Any = None,
    ) -> Path:
        path = server.inbox / name
        current = next(iter(server.keys.sealing.values())).public()
        write_bundle(
            path,
            header=BundleHeader(
                submission_id or hashlib.sha256(name.encode()).hexdigest()[:32],
                vendor,
                provider,
                snapshot_date,
                created_at,
                epoch,
            ),
            statistics=statistics or {"rows": 2},
            batches=[batch_of(made_with, provider, women) for women in batches],
            model=made_with,
            seal_to=(seal_to or current) if sealed else None,
            sign_with=sign_with if sealed else None,
        )
        return path

    return write
