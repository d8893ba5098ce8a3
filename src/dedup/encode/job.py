"""One extract becomes one bundle: read and checked, normalised, encoded, and written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

from dedup.bundle.keyfiles import read_key
from dedup.bundle.keys import LinkageKey, SealingPublicKey, SigningKey
from dedup.bundle.manifest import BundleHeader
from dedup.bundle.payload import BundleBatch
from dedup.bundle.writer import write_bundle
from dedup.encode.records import RecordEncoder
from dedup.errors import DedupError, ExtractError
from dedup.extract.load import load_extracts, load_person_table
from dedup.extract.read import DEFAULT_MAX_BYTES
from dedup.extract.report import CheckReport
from dedup.extract.values import NormalisedTable
from dedup.model.linkage import LinkageModel
from dedup.model.load import load_model
from dedup.regions import Regions, read_regions

Loaded = tuple[NormalisedTable, CheckReport | None]
BatchesOfEach = Callable[[Sequence[NormalisedTable]], Iterator[Iterable[BundleBatch]]]


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """What all extracts of one run share, as paths and plain values, so that worker processes can be handed it.

    `today` is the day that checks count from and the date of the snapshots; `vendor` is empty where each extract's own
    bronsysteem says it. With `seal_to` and `sign_with` the bundles are submissions, with neither evaluation bundles.
    """

    key: Path
    model: Path
    regions: Path | None
    seal_to: Path | None
    sign_with: Path | None
    today: date
    created_at: datetime
    vendor: str
    max_refused_share: float
    max_bytes: int = DEFAULT_MAX_BYTES


@dataclass(frozen=True, slots=True)
class Encoder:
    """`EncodeOptions` with every file read; `records` remembers what the next extract can use."""

    options: EncodeOptions
    key: LinkageKey
    model: LinkageModel
    records: RecordEncoder
    regions: Regions | None
    seal_to: SealingPublicKey | None
    sign_with: SigningKey | None


@dataclass(frozen=True, slots=True)
class Work:
    """One extract, where its bundle goes, and the random id of the submission (16 bytes in hex)."""

    extract: Path
    bundle: Path
    submission_id: str


@dataclass(frozen=True, slots=True)
class Encoded:
    """A bundle that was written; `report` is None for a generic table, of which no row is refused."""

    work: Work
    vendor: str
    provider: str
    records: int
    body_sha256: str
    report: CheckReport | None


@dataclass(frozen=True, slots=True)
class NotEncoded:
    """An extract that no bundle could be made of, with the error's code and sentence."""

    work: Work
    code: str
    message: str


Outcome = Encoded | NotEncoded


@lru_cache(maxsize=1)
def open_encoder(options: EncodeOptions) -> Encoder:
    """Read the files that the options name, once in a process; raises what their readers raise."""
    key, model = read_key(options.key, LinkageKey), load_model(options.model)
    return Encoder(
        options=options,
        key=key,
        model=model,
        regions=None if options.regions is None else read_regions(options.regions),
        seal_to=None if options.seal_to is None else read_key(options.seal_to, SealingPublicKey),
        sign_with=None if options.sign_with is None else read_key(options.sign_with, SigningKey),
        records=RecordEncoder(model, key),
    )


def encode_together(
    works: Sequence[Work], encoder: Encoder, *, encode: BatchesOfEach | None = None
) -> Iterator[Outcome]:
    """Make a bundle of each extract and yield the outcomes in the order of the works.

    The extracts are read and encoded together, so that what they share is worked out once; their bundles are the same
    as one by one. A fault of an extract is an outcome too, so that the others go on. `encode` takes the place of the
    encoder's own way from tables to their batches.
    """
    read = _load([work.extract for work in works], encoder)
    sound = [loaded[0] for loaded in read if not isinstance(loaded, DedupError)]
    encoded = (encode or encoder.records.batches_of_each)(sound)
    for work, loaded in zip(works, read, strict=True):
        try:
            if isinstance(loaded, DedupError):
                raise loaded
            outcome: Outcome = _write(work, loaded, encoder, next(encoded))
        except DedupError as error:
            outcome = NotEncoded(work, error.code, error.message)
        yield outcome


def _write(work: Work, loaded: Loaded, encoder: Encoder, batches: Iterable[BundleBatch]) -> Encoded:
    table, report = loaded
    name = work.extract.name
    vendor = encoder.options.vendor or _vendor_of(table, name) or encoder.model.name
    # The check refuses an extract of no provider, or of several; a generic table has none.
    provider = "" if table.clear is None else str(table.clear["aanbieder_agb"][0])
    manifest = write_bundle(
        work.bundle,
        header=BundleHeader(
            submission_id=work.submission_id,
            vendor=vendor,
            provider=provider,
            snapshot_date=encoder.options.today,
            created_at=encoder.options.created_at,
            epoch_key_id=encoder.key.key_id,
        ),
        statistics=report.to_json() if report else {"rows": len(table.ids)},
        batches=batches,
        model=encoder.model,
        seal_to=encoder.seal_to,
        sign_with=encoder.sign_with,
    )
    return Encoded(work, vendor, provider, len(table.ids), manifest.body_sha256, report)


def _load(extracts: Sequence[Path], encoder: Encoder) -> Sequence[Loaded | ExtractError]:
    if encoder.model.table is not None:
        return [_load_table(path, encoder) for path in extracts]
    return load_extracts(
        extracts,
        encoder.model,
        today=encoder.options.today,
        regions=encoder.regions,
        max_refused_share=encoder.options.max_refused_share,
        max_bytes=encoder.options.max_bytes,
    )


def _load_table(path: Path, encoder: Encoder) -> Loaded | ExtractError:
    try:
        return load_person_table(path, encoder.model, max_bytes=encoder.options.max_bytes), None
    except ExtractError as error:
        return error


def _vendor_of(table: NormalisedTable, name: str) -> str:
    """Return the one bronsysteem that rows name, "" where none does and for a generic table."""
    named = set() if table.clear is None else {*table.clear["bronsysteem"].tolist()} - {""}
    if len(named) > 1:
        raise ExtractError(
            "encode.several-systems",
            f"{name} holds {len(named)} different values of bronsysteem; name the vendor's code with --vendor.",
        )
    return next(iter(named), "")
