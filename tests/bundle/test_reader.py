"""A sealed bundle opens for its server alone, and every way to spoil one is refused under its own code."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OctKey

from dedup.bundle.canonical import canonical_json
from dedup.bundle.container import MANIFEST_KIND, UNSEALED_MAGIC
from dedup.bundle.keys import SealingPrivateKey, SigningKey, b64url, unb64url
from dedup.bundle.outside import check_fits, read_manifest
from dedup.bundle.payload import BatchLayout, write_batch
from dedup.bundle.reader import open_bundle, refuse_replay
from dedup.bundle.vendors import TrustedVendor
from dedup.bundle.writer import write_bundle
from dedup.errors import BundleError
from dedup.model.linkage import LinkageModel

from .reading import Make, code_of, joined, parts_of, payload_of, read_all, resigned


def test_a_sealed_bundle_is_read_back(sealed_path: Path, model: LinkageModel, party: Any, make_batch: Make) -> None:
    manifest = read_manifest(sealed_path, trusted=party.trusted)
    assert manifest.vendor == "acme"
    assert manifest.signed_by == party.vendor.key_id
    with open_bundle(sealed_path, model=model, opened_with=party.server, trusted=party.trusted) as bundle:
        assert bundle.manifest == manifest
        assert bundle.statistics == {"rows": 9}
        batches = list(bundle.batches)
    expected = [make_batch(model, 5), make_batch(model, 4, first=5, seed=1)]
    assert [write_batch(one, model) for one in expected] == [write_batch(one, model) for one in batches]


@pytest.mark.parametrize("hold", [0, 10, 1 << 20])
def test_a_body_that_is_held_reads_as_one_that_is_not(
    sealed_path: Path, tmp_path: Path, model: LinkageModel, party: Any, make_batch: Make, make_header: Make, hold: int
) -> None:
    """Sealed and unsealed, above and below the limit; and an altered byte is noticed either way."""
    expected = [write_batch(one, model) for one in (make_batch(model, 5), make_batch(model, 4, first=5, seed=1))]
    assert expected == [write_batch(one, model) for one in read_all(sealed_path, model, party, hold=hold)]
    bare = tmp_path / "bare.bundle"
    batches = [make_batch(model, 5), make_batch(model, 4, first=5, seed=1)]
    arguments = {"header": make_header(), "statistics": {}, "model": model, "seal_to": None, "sign_with": None}
    write_bundle(bare, batches=batches, **arguments)
    assert expected == [
        write_batch(one, model) for one in read_all(bare, model, party, hold=hold, opened_with=None, trusted=None)
    ]
    data = bytearray(bare.read_bytes())
    data[-1] ^= 1
    bare.write_bytes(data)
    with pytest.raises(BundleError, match="not the one"):
        open_bundle(bare, model=model, opened_with=None, hold=hold)


def test_raw_batches_hold_the_same_records_unread(
    sealed_path: Path, model: LinkageModel, party: Any, make_batch: Make
) -> None:
    with open_bundle(sealed_path, model=model, opened_with=party.server, trusted=party.trusted) as bundle:
        raw = list(bundle.raw_batches(BatchLayout.of(model)))
    for one, batch in zip(raw, (make_batch(model, 5), make_batch(model, 4, first=5, seed=1)), strict=True):
        assert json.loads(one.columns) == batch.attributes
        assert one.presence.tolist() == batch.records.presence.tolist()
        assert one.edd_week.tolist() == batch.records.edd_week.tolist()
        for (start, count), entries in zip(one.place.tolist(), batch.records.passes, strict=True):
            assert count == len(entries.row)
            assert bytes(one.data[start : start + 4 * count]) == entries.row.astype(">u4").tobytes()
            assert bytes(one.data[start + 4 * count : start + 20 * count]) == entries.token.tobytes()


def test_one_of_several_live_keys_opens(sealed_path: Path, model: LinkageModel, party: Any) -> None:
    newer = SealingPrivateKey.generate()
    keys = {newer.key_id: newer, party.server.key_id: party.server}
    assert len(read_all(sealed_path, model, party, opened_with=keys)) == 2


def test_no_rows_is_a_snapshot_too(tmp_path: Path, model: LinkageModel, party: Any, make_header: Make) -> None:
    path = tmp_path / "empty.bundle"
    keys = {"seal_to": party.server.public(), "sign_with": party.vendor}
    write_bundle(path, header=make_header(), statistics={}, batches=[], model=model, **keys)
    assert read_all(path, model, party) == []


def test_every_cut_is_noticed(sealed: bytes, tmp_path: Path, party: Any) -> None:
    path = tmp_path / "cut.bundle"
    for length in {0, 1, 7, 8, 11, 12, 300, len(sealed) - 1}:
        path.write_bytes(sealed[:length])
        expected = "bundle.not-a-bundle" if length < 8 else "bundle.truncated"
        assert code_of(lambda: read_manifest(path, trusted=party.trusted)) == expected


def test_bytes_that_follow_are_noticed(sealed_path: Path, sealed: bytes, party: Any) -> None:
    sealed_path.write_bytes(sealed + b"\0")
    assert code_of(lambda: read_manifest(sealed_path, trusted=party.trusted)) == "bundle.trailing-bytes"


def test_an_altered_body_is_noticed(sealed_path: Path, sealed: bytes, party: Any) -> None:
    sealed_path.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    assert code_of(lambda: read_manifest(sealed_path, trusted=party.trusted)) == "bundle.altered"


def test_a_body_that_its_vendor_swapped_does_not_open(
    sealed: bytes, sealed_path: Path, model: LinkageModel, party: Any
) -> None:
    """Digest and signature agree, but the chunks were not sealed under this content key."""
    body = bytes(parts_of(sealed)[1][:-1]) + b"\0"
    changed = resigned(sealed, party.vendor, body_sha256=hashlib.sha256(body).hexdigest())
    sealed_path.write_bytes(changed[: -len(body)] + body)
    read_manifest(sealed_path, trusted=party.trusted)
    assert code_of(lambda: read_all(sealed_path, model, party)) == "bundle.altered"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"scheme": "dedup/v2"}, "bundle.scheme"),
        ({"vendor": "other"}, "bundle.vendor-mismatch"),
        ({"provider": "41234568"}, "bundle.provider-not-allowed"),
        ({"provider": ""}, "bundle.provider-not-allowed"),
        ({"provider": "4123"}, "bundle.manifest-malformed"),
        ({"submission_id": "x"}, "bundle.manifest-malformed"),
        ({"snapshot_date": "2026-13-01"}, "bundle.manifest-malformed"),
        ({"snapshot_date": "20261122"}, "bundle.manifest-malformed"),
        ({"created_at": "2026-11-22"}, "bundle.manifest-malformed"),
        ({"created_at": "2026-11-22T25:00:00Z"}, "bundle.manifest-malformed"),
        ({"body_bytes": True}, "bundle.manifest-malformed"),
        ({"body_bytes": -1}, "bundle.manifest-malformed"),
        ({"body_bytes": 2**60}, "bundle.manifest-malformed"),
        ({"sealing": None}, "bundle.manifest-malformed"),
        ({"sealing": {"suite": "none"}}, "bundle.manifest-malformed"),
        ({"extra": 1}, "bundle.manifest-malformed"),
    ],
)
def test_a_manifest_member_that_breaks_its_rule_is_refused(
    sealed: bytes, tmp_path: Path, party: Any, changes: dict[str, Any], code: str
) -> None:
    path = tmp_path / "changed.bundle"
    path.write_bytes(resigned(sealed, party.vendor, **changes))
    assert code_of(lambda: read_manifest(path, trusted=party.trusted)) == code


def test_a_vendor_that_nobody_registered_is_refused(sealed: bytes, sealed_path: Path, party: Any) -> None:
    sealed_path.write_bytes(resigned(sealed, SigningKey.generate()))
    assert code_of(lambda: read_manifest(sealed_path, trusted=party.trusted)) == "bundle.vendor-unknown"


def test_a_forged_signature_is_refused(sealed: bytes, sealed_path: Path, party: Any) -> None:
    forger = SigningKey.generate()
    header = {"alg": "ES256", "kid": party.vendor.key_id, "typ": MANIFEST_KIND}
    sealed_path.write_bytes(resigned(sealed, forger, header=header))
    assert code_of(lambda: read_manifest(sealed_path, trusted=party.trusted)) == "bundle.signature-wrong"


def test_no_other_algorithm_is_ever_accepted(sealed: bytes, sealed_path: Path, party: Any) -> None:
    token, body = parts_of(sealed)
    payload = unb64url(token.decode().split(".")[1])
    unsigned = b64url(canonical_json({"alg": "none", "kid": party.vendor.key_id, "typ": MANIFEST_KIND}))
    by_public_key = OctKey.import_key(party.vendor.public().key.public_numbers().x.to_bytes(32, "big"))
    header = {"alg": "HS256", "kid": party.vendor.key_id, "typ": MANIFEST_KIND}
    tokens = [
        f"{unsigned}.{b64url(payload)}.",
        jws.serialize_compact(header, payload, by_public_key, algorithms=["HS256"]),
    ]
    for forged in tokens:
        sealed_path.write_bytes(joined(forged.encode(), body))
        assert code_of(lambda: read_manifest(sealed_path, trusted=party.trusted)) == "bundle.signature-algorithm"


@pytest.mark.parametrize("extra", [{"crit": ["b64"], "b64": False}, {"jwk": {}}, {"typ": "dedup-receipt"}])
def test_a_header_with_anything_else_is_refused(
    sealed: bytes, tmp_path: Path, party: Any, extra: dict[str, Any]
) -> None:
    token, body = parts_of(sealed)
    head = b64url(canonical_json({"alg": "ES256", "kid": party.vendor.key_id, "typ": MANIFEST_KIND, **extra}))
    forged = ".".join([head, *token.decode().split(".")[1:]])
    path = tmp_path / "header.bundle"
    path.write_bytes(joined(forged.encode(), body))
    assert code_of(lambda: read_manifest(path, trusted=party.trusted)) == "bundle.signature-malformed"


def test_a_signature_has_one_spelling(sealed: bytes, sealed_path: Path, party: Any) -> None:
    """The last letter of a base64url signature has four unused bits; setting one would be a second spelling."""
    token, body = parts_of(sealed)
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    respelled = token[:-1] + alphabet[alphabet.index(token[-1:]) ^ 1 :][:1]
    sealed_path.write_bytes(joined(respelled, body))
    assert code_of(lambda: read_manifest(sealed_path, trusted=party.trusted)) == "bundle.signature-malformed"


def test_another_servers_bundle_does_not_open(sealed_path: Path, model: LinkageModel, party: Any) -> None:
    assert code_of(lambda: read_all(sealed_path, model, party, opened_with=SealingPrivateKey.generate())) == (
        "bundle.wrong-key"
    )


def test_a_sealed_bundle_needs_a_key(sealed_path: Path, model: LinkageModel, party: Any) -> None:
    assert code_of(lambda: read_all(sealed_path, model, party, opened_with=None)) == "bundle.sealed"


def test_another_model_or_epoch_is_refused(sealed_path: Path, model: LinkageModel, party: Any) -> None:
    other = replace(model, digest="a5" * 32)
    assert code_of(lambda: read_all(sealed_path, other, party)) == "bundle.wrong-model"
    assert code_of(lambda: read_all(sealed_path, model, party, epochs={"epoch-2"})) == "bundle.wrong-epoch"
    check_fits(read_manifest(sealed_path, trusted=None), model=model, epochs={"epoch-1", "epoch-2"})


def test_a_stolen_body_cannot_be_signed_by_another_vendor(
    sealed: bytes, sealed_path: Path, model: LinkageModel, party: Any
) -> None:
    """A second vendor that may deliver for the same provider re-signs what it intercepted: the seal names the first."""
    thief = SigningKey.generate()
    trusted = {thief.key_id: TrustedVendor("thief", thief.public(), frozenset({"41234567"}))}
    sealed_path.write_bytes(resigned(sealed, thief, vendor="thief"))
    read_manifest(sealed_path, trusted=trusted)
    assert code_of(lambda: read_all(sealed_path, model, party, trusted=trusted)) == "bundle.wrong-key"


def test_a_body_cannot_be_moved_to_another_submission(
    sealed: bytes, sealed_path: Path, model: LinkageModel, party: Any
) -> None:
    sealed_path.write_bytes(resigned(sealed, party.vendor, submission_id="ff" * 16))
    assert code_of(lambda: read_all(sealed_path, model, party)) == "bundle.wrong-key"


def test_a_known_submission_with_another_body_is_a_replay(sealed_path: Path) -> None:
    manifest = read_manifest(sealed_path, trusted=None)
    refuse_replay(manifest, {})
    refuse_replay(manifest, {manifest.submission_id: manifest.body_sha256})
    assert code_of(lambda: refuse_replay(manifest, {manifest.submission_id: "0" * 64})) == "bundle.replayed"


def test_an_unsealed_bundle_is_for_evaluation_only(
    tmp_path: Path, model: LinkageModel, party: Any, make_batch: Make, make_header: Make
) -> None:
    path = tmp_path / "a.bundle"
    keys: dict[str, Any] = {"seal_to": None, "sign_with": None}
    write_bundle(path, header=make_header(), statistics={}, batches=[make_batch(model, 3)], model=model, **keys)
    assert code_of(lambda: read_manifest(path, trusted=party.trusted)) == "bundle.unsealed"
    assert code_of(lambda: read_manifest(path, trusted={})) == "bundle.unsealed"
    assert len(read_all(path, model, party, opened_with=None, trusted=None)) == 1
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    assert code_of(lambda: read_manifest(path, trusted=None)) == "bundle.altered"


def test_a_sealed_manifest_cannot_be_stripped_of_its_signature(
    sealed: bytes, sealed_path: Path, model: LinkageModel, party: Any
) -> None:
    token, body = parts_of(sealed)
    sealed_path.write_bytes(joined(canonical_json(payload_of(token)), body, UNSEALED_MAGIC))
    assert code_of(lambda: read_manifest(sealed_path, trusted=party.trusted)) == "bundle.unsealed"
    assert code_of(lambda: read_all(sealed_path, model, party, trusted=None)) == "bundle.manifest-malformed"


def test_a_manifest_length_out_of_bounds_is_refused(sealed: bytes, sealed_path: Path) -> None:
    sealed_path.write_bytes(sealed[:8] + struct.pack(">I", 2**32 - 1) + sealed[12:])
    assert code_of(lambda: read_manifest(sealed_path, trusted=None)) == "bundle.oversize"


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    assert code_of(lambda: read_manifest(tmp_path / "none.bundle", trusted=None)) == "bundle.unreadable"
