"""The kit passes what our encoder makes, and names each mistake that an encoder of another hand could make."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dedup.bundle.container import HEAD, MANIFEST_KIND, UNSEALED_MAGIC, read_container
from dedup.bundle.keyfiles import ReceiptVerifyingKey, SealingPrivateKey, read_key
from dedup.bundle.manifest import BundleHeader
from dedup.bundle.payload import BundleBatch
from dedup.bundle.reader import open_bundle
from dedup.bundle.signing import take_apart
from dedup.bundle.writer import write_bundle
from dedup.lab.conformance.bundle import Against, judge_bundle
from dedup.lab.conformance.finding import Outcome
from dedup.lab.installation import Installation
from dedup.model.load import load_model
from dedup.send.credentials import read_credentials, write_credentials

ROOT = Path(__file__).parents[3]
MODEL = load_model(ROOT / "config/linkage/kraamzorg.toml")
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
BAD = {Outcome.WARNING, Outcome.FAILED}


def judged(path: Path, against: Against) -> dict[str, Outcome]:
    return {finding.code: finding.outcome for finding in judge_bundle(path, against)}


def largest(installation: Installation) -> Path:
    return max(installation.inbox.glob("*.bundle"), key=lambda path: path.stat().st_size)


@pytest.fixture(scope="module")
def server_key(submitted: Installation) -> SealingPrivateKey:
    return read_key(submitted.server_keys / "sealing.key", SealingPrivateKey)


def test_what_our_encoder_makes_passes_every_check(submitted: Installation, server_key: SealingPrivateKey) -> None:
    found = judged(largest(submitted), Against(MODEL, NOW, opened_with=server_key))

    assert {code for code, outcome in found.items() if outcome in BAD} == set()
    assert {"bundle.batches", "content.keyed-by-block", "content.tokens", "content.sketches"} <= set(found)


def test_without_the_key_that_it_is_sealed_to_the_outside_alone_is_judged(submitted: Installation) -> None:
    found = judged(largest(submitted), Against(MODEL, NOW))

    assert found["bundle.content"] is Outcome.SKIPPED
    assert set(found.values()) <= {Outcome.PASSED, Outcome.SKIPPED}


def test_an_unsealed_bundle_that_says_how_it_was_sealed_is_none(submitted: Installation, tmp_path: Path) -> None:
    with largest(submitted).open("rb") as file:
        container = read_container(file)
        manifest = take_apart(container.manifest, kind=MANIFEST_KIND).payload
        file.seek(container.body_start)
        (tmp_path / "bare.bundle").write_bytes(HEAD.pack(UNSEALED_MAGIC, len(manifest)) + manifest + file.read())

    assert judged(tmp_path / "bare.bundle", Against(MODEL, NOW))["bundle.manifest-malformed"] is Outcome.FAILED


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_bit_of_a_bundle_can_be_turned_unnoticed(
    submitted: Installation, server_key: SealingPrivateKey, tmp_path: Path, share: float, bit: int
) -> None:
    """With the signer's key at hand, all of the file is covered: by its form, its signature or its digest."""
    smallest = min(submitted.inbox.glob("*.bundle"), key=lambda path: path.stat().st_size)
    vendor = next(v for v in submitted.vendors if smallest.name[:8] in {e.stem for e in submitted.extracts_of(v)})
    credentials = tmp_path / "credentials.json"
    if not credentials.exists():
        write_credentials(
            credentials, url="https://a.example", vendor=vendor, created=NOW,
            signing_key=submitted.keys_of(vendor) / "signing.key",
            receipt_keys=[read_key(submitted.server_keys / "receipts.pub", ReceiptVerifyingKey)],
        )  # fmt: skip
    against = Against(MODEL, NOW, read_credentials(credentials), server_key)
    data = bytearray(smallest.read_bytes())
    if not (tmp_path / "turned.bundle").exists():
        assert Outcome.FAILED not in judged(smallest, against).values()
    data[int(share * len(data))] ^= 1 << bit
    (tmp_path / "turned.bundle").write_bytes(data)

    assert Outcome.FAILED in judged(tmp_path / "turned.bundle", against).values()


Change = Callable[[BundleBatch], BundleBatch]


def same_sketch_everywhere(batch: BundleBatch) -> BundleBatch:
    """Sketches that depend on the row and not on the block."""
    passes = []
    for one, entries in zip(MODEL.passes, batch.records.passes, strict=True):
        sketch = np.array(entries.sketch)
        at = 0
        for field in MODEL.pass_fields(one):
            width = field.bits // 8
            for position, row in enumerate(entries.row):
                if sketch[position, at : at + width].any():
                    drawn = np.random.default_rng([int(row), field.number]).integers(0, 256, width)
                    sketch[position, at : at + width] = drawn.astype(np.uint8)
            at += width
        passes.append(dataclasses.replace(entries, sketch=sketch))
    return with_records(batch, passes=tuple(passes))


def sparse_sketches(batch: BundleBatch) -> BundleBatch:
    """Plain Bloom filters: few bits set."""
    passes = tuple(
        dataclasses.replace(entries, sketch=entries.sketch & np.roll(entries.sketch, 1, axis=1))
        for entries in batch.records.passes
    )
    return with_records(batch, passes=passes)


def readable_tokens(batch: BundleBatch) -> BundleBatch:
    """Tokens that are digits in ASCII, as of a value that nobody hashed."""
    passes = []
    for entries in batch.records.passes:
        token = np.frombuffer(b"".join(b"%016d" % i for i in range(len(entries.row))), np.uint8).reshape(-1, 16)
        passes.append(dataclasses.replace(entries, token=token))
    return with_records(batch, passes=tuple(passes))


def no_phone(batch: BundleBatch) -> BundleBatch:
    """A column that the extract never has."""
    field = next(field for field in MODEL.fields if field.name == "phone")
    presence = batch.records.presence & ~np.uint32(1 << MODEL.fields.index(field))
    passes = []
    for one, entries in zip(MODEL.passes, batch.records.passes, strict=True):
        sketch = np.array(entries.sketch)
        at = 0
        for carried in MODEL.pass_fields(one):
            if carried is field:
                sketch[:, at : at + carried.bits // 8] = 0
            at += carried.bits // 8
        kept = slice(0, 0) if "phone" in one.attributes else slice(None)
        passes.append(
            dataclasses.replace(entries, row=entries.row[kept], token=entries.token[kept], sketch=sketch[kept])
        )
    return with_records(batch, presence=presence, passes=tuple(passes))


def with_records(batch: BundleBatch, **changes: Any) -> BundleBatch:
    return dataclasses.replace(batch, records=dataclasses.replace(batch.records, **changes))


def with_columns(**changes: Callable[[list[Any]], list[Any]]) -> Change:
    def change(batch: BundleBatch) -> BundleBatch:
        columns = {
            name: changes[name](values) if name in changes else values for name, values in batch.attributes.items()
        }
        changed = dataclasses.replace(batch, attributes=columns)
        return with_records(changed, edd_week=np.array(columns["edd_week"], np.int32))

    return change


def client_numbers(ids: list[str]) -> list[str]:
    return [f"{number:09d}" for number in range(len(ids))]


@pytest.mark.parametrize(
    ("change", "code", "outcome"),
    [
        (same_sketch_everywhere, "content.keyed-by-block", Outcome.FAILED),
        (sparse_sketches, "content.sketches", Outcome.FAILED),
        (readable_tokens, "content.tokens", Outcome.FAILED),
        (no_phone, "content.never-filled", Outcome.WARNING),
        (no_phone, "content.empty-pass", Outcome.WARNING),
        (with_columns(registratie_id=client_numbers), "content.readable-ids", Outcome.WARNING),
        (with_columns(ksv=lambda values: [""] * len(values)), "content.no-ksv", Outcome.WARNING),
        (with_columns(status=lambda values: ["intake"] * len(values)), "content.one-status", Outcome.WARNING),
        (with_columns(edd_week=lambda values: [-1] * len(values)), "content.edd-missing", Outcome.WARNING),
        (with_columns(edd_week=lambda values: [104_500] * len(values)), "content.edd-odd", Outcome.WARNING),
        (
            with_columns(inschrijf_week=lambda values: [105_800] * len(values)),
            "content.registered-later",
            Outcome.FAILED,
        ),
    ],
)
def test_a_mistake_that_every_reader_takes_is_named(
    submitted: Installation, server_key: SealingPrivateKey, tmp_path: Path, change: Change, code: str, outcome: Outcome
) -> None:
    path = rewritten(submitted, server_key, tmp_path, change)
    found = judged(path, Against(MODEL, NOW))

    assert found[code] is outcome
    assert found["bundle.batches"] is Outcome.PASSED


@pytest.mark.parametrize(
    ("statistics", "outcome"),
    [({}, Outcome.WARNING), ({"rows": 9, "accepted": 9, "refused": 0, "withheld": 0}, Outcome.FAILED)],
)
def test_statistics_that_do_not_add_up_are_named(
    submitted: Installation, server_key: SealingPrivateKey, tmp_path: Path, statistics: dict[str, Any], outcome: Outcome
) -> None:
    path = rewritten(submitted, server_key, tmp_path, lambda batch: batch, statistics=statistics)

    assert judged(path, Against(MODEL, NOW))["content.statistics"] is outcome


@pytest.mark.parametrize(
    ("later", "code", "outcome"),
    [
        (timedelta(days=-1), "intake.clock-ahead", Outcome.FAILED),
        (timedelta(days=-5), "intake.future-snapshot", Outcome.FAILED),
        (timedelta(days=3), "bundle.snapshot-date", Outcome.WARNING),
        (timedelta(days=9), "intake.old-snapshot", Outcome.FAILED),
    ],
)
def test_days_that_do_not_fit_the_clock_are_named(
    submitted: Installation, later: timedelta, code: str, outcome: Outcome
) -> None:
    assert judged(largest(submitted), Against(MODEL, NOW + later))[code] is outcome


def rewritten(
    installation: Installation, key: SealingPrivateKey, folder: Path, change: Change, **statistics: Any
) -> Path:
    """Write the largest bundle again as an unsealed one, its batches changed."""
    with open_bundle(largest(installation), model=MODEL, opened_with=key) as bundle:
        batches = [change(batch) for batch in bundle.batches]
        manifest, said = bundle.manifest, bundle.statistics
    header = BundleHeader(
        manifest.submission_id, manifest.vendor, manifest.provider, manifest.snapshot_date,
        datetime.fromisoformat(manifest.created_at), manifest.epoch_key_id,
    )  # fmt: skip
    path = folder / "changed.bundle"
    write_bundle(
        path, header=header, statistics=statistics.get("statistics", said), batches=batches, model=MODEL,
        seal_to=None, sign_with=None,
    )  # fmt: skip
    return path
