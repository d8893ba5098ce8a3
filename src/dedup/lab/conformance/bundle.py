"""What is right and wrong with one bundle: all that a server checks, and what vendors usually get wrong besides.

Without the key that it is sealed to, the outside alone can be judged. Whoever writes an encoder seals to a key pair of
its own (`dedup keys server`) and has the content judged too.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from dedup.bundle.container import MANIFEST_KIND, Container, check_body, read_container
from dedup.bundle.keys import SealingPrivateKey
from dedup.bundle.manifest import Manifest
from dedup.bundle.outside import bare_manifest, check_fits, opened, sealed_manifest
from dedup.bundle.reader import open_bundle
from dedup.bundle.sealing import CHUNK_BYTES, TAG_BYTES
from dedup.bundle.signing import SignedStatement, take_apart, verify
from dedup.errors import DedupError
from dedup.lab.conformance.content import Content, judge_content
from dedup.lab.conformance.finding import Finding, failed, fault, judged, passed, skipped, warning
from dedup.model.linkage import LinkageModel
from dedup.send.credentials import Credentials

OLDEST_SNAPSHOT = timedelta(days=7)
CLOCKS_MAY_DIFFER = timedelta(minutes=5)
SLOWEST_DELIVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Against:
    """What a bundle is held against; the last two where the vendor has them. `now` is an aware moment."""

    model: LinkageModel
    now: datetime
    credentials: Credentials | None = None
    opened_with: SealingPrivateKey | None = None


def judge_bundle(path: Path, against: Against) -> Iterator[Finding]:
    """Yield every check of a bundle, from the outside in; the first that makes the rest meaningless is the last."""
    try:
        with opened(path) as file:
            container = read_container(file)
            yield passed("bundle.form", "The file starts as a bundle.")
            manifest = yield from _manifest(container, against)
            check_body(file, container.body_start, manifest.body_bytes, manifest.body_sha256)
            yield passed("bundle.body", "The body has the length and the digest that the manifest states.")
        yield from _statements(manifest, against)
        check_fits(manifest, model=against.model)
        yield passed("bundle.model", "It was encoded with this linkage model.")
        yield from _content(path, manifest, against)
    except DedupError as error:
        yield fault(error)


def _manifest(container: Container, against: Against) -> Generator[Finding, None, Manifest]:
    """Read the statement, signed or bare, and return what it says."""
    if not container.sealed:
        yield warning(
            "bundle.unsealed", "It is an unsealed evaluation bundle: good for comparing encoders, taken by no server."
        )
        return bare_manifest(container.manifest)
    statement = take_apart(container.manifest, kind=MANIFEST_KIND)
    yield passed("bundle.signature-form", "The statement is a compact JWS of the form required.")
    yield _signature(statement, against)
    manifest = sealed_manifest(statement)
    yield passed("bundle.manifest", "The manifest is canonical JSON with exactly the members of this version.")
    return manifest


def _signature(statement: SignedStatement, against: Against) -> Finding:
    if against.credentials is None:
        return skipped("bundle.signature", "Whether the signature is yours is judged with --credentials.")
    key = against.credentials.signing_key
    if statement.key_id != key.key_id:
        return warning(
            "bundle.signature", "It is signed with another key than the credentials name; is that one registered?"
        )
    verify(statement, key.public())
    return passed("bundle.signature", "It is signed with the key that the credentials name.")


def _statements(manifest: Manifest, against: Against) -> Iterator[Finding]:
    """Judge what the manifest states of vendor, provider, days and the seal."""
    if against.credentials is not None:
        yield judged(
            "bundle.vendor",
            manifest.vendor == against.credentials.vendor,
            "It names the vendor of the credentials.",
            "It names another vendor than the credentials; encode with --vendor and the code that the operator gave.",
        )
    if manifest.sealing is not None:
        yield judged(
            "bundle.provider",
            manifest.provider != "",
            "It names a provider.",
            "A submission names its provider's AGB code.",
        )
        whole, rest = divmod(manifest.body_bytes, CHUNK_BYTES + TAG_BYTES)
        yield judged(
            "bundle.chunks",
            rest > TAG_BYTES or (rest == 0 and whole > 0),
            "The body's length is that of whole chunks and a last one.",
            f"The body's length is not that of chunks of {CHUNK_BYTES} bytes with a tag of {TAG_BYTES} each.",
        )
    yield from _days(manifest, against.now)


def _days(manifest: Manifest, now: datetime) -> Iterator[Finding]:
    created = datetime.fromisoformat(manifest.created_at)
    if created > now + CLOCKS_MAY_DIFFER:
        yield failed(
            "intake.clock-ahead",
            "It was made in the future: created_at is UTC, not local time, and the clock is right.",
        )
    else:
        yield passed("bundle.created-at", "The moment at which it was made has come.")
    age = now.date() - manifest.snapshot_date
    if age < timedelta(days=-1):
        yield failed("intake.future-snapshot", "The snapshot date lies in the future.")
    elif age > OLDEST_SNAPSHOT:
        yield failed(
            "intake.old-snapshot",
            f"The snapshot is more than {OLDEST_SNAPSHOT.days} days old; no server takes it today.",
        )
    elif age > SLOWEST_DELIVERY:
        yield warning(
            "bundle.snapshot-date", "The snapshot is of an earlier day; deliver every day what holds that day."
        )
    else:
        yield passed("bundle.snapshot-date", "The snapshot is of today.")


def _content(path: Path, manifest: Manifest, against: Against) -> Iterator[Finding]:
    """Open the bundle with every check of the reader, and judge what is in it."""
    if manifest.sealing is not None and against.opened_with is None:
        yield skipped("bundle.content", "What is in it is judged with --open-with: seal one to a key pair of your own.")
        return
    content = Content(against.model)
    with open_bundle(path, model=against.model, opened_with=against.opened_with) as bundle:
        yield passed("bundle.seal", "The content key and the first chunk open.")
        for batch in bundle.batches:
            content.add(batch)
        yield passed("bundle.batches", "Every chunk opens, and every batch follows all rules of the reader.")
        yield from judge_content(content, bundle.statistics, manifest.snapshot_date)
