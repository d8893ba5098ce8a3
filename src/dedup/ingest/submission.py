"""Ingest: open an accepted bundle, key its encodings again, store its entries and its attributes, and let it count.

Everything is written under temporary names or as objects that nothing refers to, until one transaction of the registry
makes the snapshot count. A crash before it leaves the submission waiting, a crash after it leaves files to be removed.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from dedup.bundle.keys import IngestKey
from dedup.bundle.manifest import Manifest
from dedup.bundle.outside import read_manifest
from dedup.bundle.reader import OpenBundle, SealingKeys, open_bundle
from dedup.errors import BundleError, DedupError, KeyFileError, StoreError
from dedup.fields import ATTRIBUTES
from dedup.ingest.identity import identity_tags, registration_tags
from dedup.ingest.rekey import rekey
from dedup.ingest.statistics import counts_only
from dedup.link.concatenate import concatenate
from dedup.model.linkage import LinkageModel
from dedup.model.records import EncodedRecords
from dedup.store.audit import NIGHTLY, AuditEvent
from dedup.store.failpoints import reach
from dedup.store.house import Store
from dedup.store.link_views import EncodingOrigin, Entropy
from dedup.store.seen import IdentityTag, Look, RegistrationTag, look_at, record_look
from dedup.store.submissions import Submission, mark_ingested, mark_rejected, submissions_in_state
from dedup.store.tables import SubmissionState
from dedup.store.views import save_views

MAX_REGISTRATIONS = 250_000  # the largest provider has a tenth of this; memory is a few KiB for each


class IngestError(DedupError):
    """A bundle that passed intake but cannot be used: a code `ingest.what`, never a value."""


@dataclass(frozen=True, slots=True)
class IngestKeys:
    """What ingest needs: the keys that open bundles, and the second key of every encoding."""

    sealing: SealingKeys
    ingest: IngestKey

    def __post_init__(self) -> None:
        # A linkage key here would undo the whole design in silence; types alone do not stop a wrong caller.
        if not isinstance(self.ingest, IngestKey):
            raise KeyFileError("key.wrong-kind", "Ingest was handed another key than an ingest key; the server stops.")


@dataclass(frozen=True, slots=True)
class Ingested:
    """A snapshot that counts from now on; `superseded` are the ids of those that do so no longer."""

    submission_id: str
    provider: str
    registrations: int
    superseded: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A submission that turned out to be unusable when it was opened; its vendor has to be told."""

    submission_id: str
    vendor: str
    provider: str
    code: str
    message: str


def ingest_accepted(
    store: Store,
    *,
    keys: IngestKeys,
    model: LinkageModel,
    today: date,
    now: datetime,
    max_registrations: int = MAX_REGISTRATIONS,
    entropy: Entropy = secrets.token_bytes,
) -> list[Ingested | Refused]:
    """Ingest every submission that is waiting, by provider and from old to new; the caller holds the run lock."""
    with store.registry.read() as session:
        waiting = submissions_in_state(session, SubmissionState.ACCEPTED)
    return [
        ingest_submission(
            submission,
            store=store,
            keys=keys,
            model=model,
            today=today,
            now=now,
            max_registrations=max_registrations,
            entropy=entropy,
        )
        for submission in waiting
    ]


def ingest_submission(
    submission: Submission,
    *,
    store: Store,
    keys: IngestKeys,
    model: LinkageModel,
    today: date,
    now: datetime,
    max_registrations: int = MAX_REGISTRATIONS,
    entropy: Entropy = secrets.token_bytes,
) -> Ingested | Refused:
    """Ingest one accepted submission; the caller holds the run lock.

    Its provider's earlier snapshot of the same epoch no longer counts: its attributes are removed, as is the raw
    bundle; `pool_entries` removes its entries once the night's bundles are in. A bundle that cannot be used is marked
    rejected and kept for the operator; nothing of it is stored. Raises `StoreError` where the fault is the server's
    own: `store.bundle-missing`, `store.bundle-altered`, or `store.sealing-key-missing`, which leave the submission
    waiting.
    """
    try:
        content = _read(submission, store, keys, model, max_registrations)
    except (BundleError, IngestError) as error:
        refused = Refused(submission.id, submission.vendor, submission.provider, error.code, error.message)
        event = AuditEvent("submission.rejected", now, NIGHTLY, submission.id, error.code)
        with store.registry.write(event) as session:
            mark_rejected(session, submission.id, reason_code=error.code, at=now)
        return refused
    with store.registry.read() as session:
        look = look_at(session, submission.provider, submission.epoch_key_id, content.identities, today)
    views = save_views(
        store,
        submission.id,
        records=content.records,
        attributes=_with_sightings(content, look),
        model=model,
        origin=EncodingOrigin(model.digest, submission.epoch_key_id, keys.ingest.key_id),
        entropy=entropy,
    )
    reach("ingest.stored")
    event = AuditEvent("submission.ingested", now, NIGHTLY, submission.id, "nightly ingest")
    with store.registry.write(event) as session:
        record_look(session, look)
        superseded = mark_ingested(
            session,
            submission.id,
            views=views,
            registrations=len(content.records),
            statistics=content.statistics,
            at=now,
        )
    reach("ingest.committed")
    store.bundle_path(submission.file_sha256).unlink(missing_ok=True)
    for old in superseded:
        if old.views is not None:
            store.attributes.remove(old.views.attributes)
    reach("ingest.cleaned")
    superseded_ids = tuple(old.id for old in superseded)
    return Ingested(submission.id, submission.provider, len(content.records), superseded_ids)


@dataclass(frozen=True, slots=True)
class _Content:
    """A bundle that was read to its end: value i of an attribute, tag i and record i are of the same registration."""

    attributes: dict[str, list[Any]]
    tags: list[RegistrationTag]
    identities: dict[RegistrationTag, IdentityTag]
    records: EncodedRecords  # under the ingest key
    statistics: Mapping[str, Any]


def _read(
    submission: Submission, store: Store, keys: IngestKeys, model: LinkageModel, max_registrations: int
) -> _Content:
    columns: dict[str, list[Any]] = {name: [] for name in ATTRIBUTES}
    identities: list[IdentityTag] = []
    parts: list[EncodedRecords] = []
    count = 0
    with _open(submission, store, keys, model) as bundle:
        for batch in bundle.batches:
            count += len(batch.records)
            if count > max_registrations:
                message = f"The bundle holds more than {max_registrations} registrations."
                raise IngestError("ingest.too-many-registrations", message)
            for name, values in batch.attributes.items():
                columns[name].extend(values)
            identities.extend(identity_tags(batch.records, keys.ingest))
            parts.append(rekey(batch.records, model, keys.ingest))
        statistics = counts_only(bundle.statistics)
    tags = registration_tags(columns["registratie_id"], submission.provider, keys.ingest)
    return _Content(
        attributes=columns,
        tags=tags,
        identities=dict(zip(tags, identities, strict=True)),
        records=concatenate(parts, model),
        statistics=statistics,
    )


def _open(submission: Submission, store: Store, keys: IngestKeys, model: LinkageModel) -> OpenBundle:
    path = store.bundle_path(submission.file_sha256)
    if not path.is_file():
        message = f"The raw bundle of submission {submission.id} is missing; restore it from a backup."
        raise StoreError("store.bundle-missing", message)
    try:
        bundle = open_bundle(path, model=model, opened_with=keys.sealing)
    except BundleError as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        # A file that intake did not see broke here; one that it did see its vendor sealed so, and that stops no night.
        if _digest_of(path) != submission.file_sha256:
            raise _altered(submission) from error
        if error.code == "bundle.wrong-key":
            _require_sealing_key(path, keys)
        raise
    if not _same(bundle.manifest, submission):
        bundle.close()
        raise _altered(submission)
    return bundle


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_sealing_key(path: Path, keys: IngestKeys) -> None:
    """Raise if the key that the bundle is sealed to was taken away since intake; else the bundle is at fault."""
    sealing = read_manifest(path, trusted=None).sealing
    if sealing is not None and sealing.key_id not in keys.sealing:
        message = f"The sealing key {sealing.key_id} is gone from the server's keys while bundles wait for it."
        raise StoreError("store.sealing-key-missing", message)


def _same(manifest: Manifest, submission: Submission) -> bool:
    """Tell whether this is the manifest whose signature intake verified."""
    return (manifest.submission_id, manifest.provider, manifest.epoch_key_id, manifest.body_sha256) == (
        submission.id,
        submission.provider,
        submission.epoch_key_id,
        submission.body_sha256,
    )


def _altered(submission: Submission) -> StoreError:
    message = f"The raw bundle of submission {submission.id} was altered in the store; restore it from a backup."
    return StoreError("store.bundle-altered", message)


def _with_sightings(content: _Content, look: Look) -> dict[str, list[Any]]:
    seen = [look.sightings[tag] for tag in content.tags]
    return content.attributes | {
        "first_seen": [one.first_seen for one in seen],
        "tokens_changed": [one.identity_since if one.identity_changes else None for one in seen],
    }
