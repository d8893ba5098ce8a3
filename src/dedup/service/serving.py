"""What the running service holds: its store, its keys as they are now, its limits, a clock and randomness."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from starlette.requests import Request

from dedup.bundle.keyfiles import refuse_linkage_key
from dedup.bundle.keys import Entropy, KeyId, ReceiptSigningKey
from dedup.bundle.serverkeys import EPOCHS_FILE, VENDORS_FOLDER, PublishedKeys, load_epochs, load_published_keys
from dedup.bundle.vendors import TrustedVendors
from dedup.intake.acceptance import Intake
from dedup.intake.checks import IntakeLimits
from dedup.intake.upload_terms import UploadTerms
from dedup.intake.uploads import Sender
from dedup.model.linkage import LinkageModel
from dedup.model.load import load_model
from dedup.service.caller import Caller, actor_of
from dedup.service.limits import ServiceLimits
from dedup.service.publication import published_keys
from dedup.service.registered import RegisteredVendors, registered_vendors
from dedup.service.watched import Watched
from dedup.settings import Settings
from dedup.store.bundles import BundleStore, open_bundle_store
from dedup.store.registry import registry_url

HERE = ZoneInfo("Europe/Amsterdam")


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one moment that a vendor's bundles are held against, as `dedup.intake.acceptance.IntakeKeys` asks."""

    sealing: frozenset[KeyId]
    receipts: ReceiptSigningKey
    vendors: TrustedVendors
    withdrawn: frozenset[KeyId]
    epochs: frozenset[str] | None


def watched_epochs(folder: Path) -> Watched[frozenset[str] | None]:
    """Return the epochs that are in use, of the server's key folder, read again when that changes."""
    return Watched(folder, (EPOCHS_FILE,), load_epochs)


@dataclass(frozen=True, slots=True)
class Service:
    """An open service; the application keeps it as `app.state.service`."""

    issuer: str
    store: BundleStore
    keys: Watched[PublishedKeys]
    vendors: RegisteredVendors
    epochs: Watched[frozenset[str] | None]
    model: LinkageModel
    intake_limits: IntakeLimits
    terms: UploadTerms
    limits: ServiceLimits
    clock: Callable[[], datetime]
    entropy: Entropy

    def sender(self, caller: Caller) -> Sender:
        """Return a caller as intake knows him: under his name, with the keys that are his."""
        published, registered, now = self.keys.now(), self.vendors.now(), self.clock()
        keys = Keys(
            sealing=frozenset(key.key_id for key in published.sealing),
            receipts=published.signing,
            vendors={id_: one for id_, one in registered.keys.items() if one.vendor == caller.vendor},
            withdrawn=registered.withdrawn,
            epochs=self.epochs.now(),
        )
        intake = Intake(
            store=self.store,
            keys=keys,
            model=self.model,
            limits=self.intake_limits,
            today=now.astimezone(HERE).date(),
            now=now,
            actor=actor_of(caller.vendor),
        )
        return Sender(caller.vendor, caller.providers, intake, self.terms, self.entropy)


def service_of(request: Request) -> Service:
    """Return the service that a request came to."""
    service: Service = request.app.state.service
    return service


def open_service(
    settings: Settings, *, issuer: str, clock: Callable[[], datetime], entropy: Entropy = secrets.token_bytes
) -> Service:
    """Open an installation's service; whoever opens it closes its store.

    Raises `ConfigError`, `ModelError`, `StoreError`, and `KeyFileError`, also when the server holds a linkage key.
    """
    keys = settings.server_home / "keys"
    refuse_linkage_key(keys)
    load_published_keys(keys)  # what is wrong with them is said now, and not to the first vendor
    (keys / VENDORS_FOLDER).mkdir(exist_ok=True)
    return Service(
        issuer=issuer.rstrip("/"),
        store=open_bundle_store(settings.server_home / "store", registry_url(settings)),
        keys=published_keys(keys),
        vendors=registered_vendors(keys / VENDORS_FOLDER),
        epochs=watched_epochs(keys),
        model=load_model(settings.model_path),
        intake_limits=IntakeLimits.of(settings),
        terms=UploadTerms.of(settings),
        limits=ServiceLimits.of(settings),
        clock=clock,
        entropy=entropy,
    )
