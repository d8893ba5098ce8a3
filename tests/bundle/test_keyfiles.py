"""Key files keep secrets to their owner, refuse every mix-up, and never show what they hold."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dedup.bundle.epochkey import open_linkage_key, seal_linkage_key
from dedup.bundle.keyfiles import read_key, refuse_linkage_key, write_key
from dedup.bundle.keys import (
    AttributeKek,
    IngestKey,
    LinkageKey,
    LinkViewKek,
    ReceiptSigningKey,
    ReceiptVerifyingKey,
    SealingPrivateKey,
    SealingPublicKey,
    SigningKey,
    VendorSealingPrivateKey,
    VendorSealingPublicKey,
    VerifyingKey,
    b64url,
    unb64url,
)
from dedup.errors import KeyFileError

NOW = datetime(2026, 11, 22, 1, 15, tzinfo=UTC)
SYMMETRIC = [LinkageKey, IngestKey, LinkViewKek, AttributeKek]
PRIVATE = [SigningKey, VendorSealingPrivateKey, SealingPrivateKey, ReceiptSigningKey]
PUBLIC = [VerifyingKey, VendorSealingPublicKey, SealingPublicKey, ReceiptVerifyingKey]


def code_of(action: Callable[[], Any]) -> str:
    with pytest.raises(KeyFileError) as caught:
        action()
    return caught.value.code


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("kind", [*SYMMETRIC, *PRIVATE])
def test_a_secret_key_is_read_back_and_is_its_owners(tmp_path: Path, kind: Any) -> None:
    key, path = kind.generate(), tmp_path / "a.key"
    old = os.umask(0)
    try:
        write_key(path, key, created=NOW)
    finally:
        os.umask(old)
    assert mode_of(path) == 0o600
    assert read_key(path, kind).material() == key.material()
    assert read_key(path, kind).key_id == key.key_id


@pytest.mark.parametrize("kind", PRIVATE)
def test_a_public_key_is_readable_by_all(tmp_path: Path, kind: Any) -> None:
    public, path = kind.generate().public(), tmp_path / "a.pub"
    write_key(path, public, created=NOW)
    assert mode_of(path) == 0o644
    assert read_key(path, type(public)).material() == public.material()


@pytest.mark.parametrize("kind", [*SYMMETRIC, *PRIVATE])
def test_printing_a_key_shows_its_id_only(kind: Any) -> None:
    key = kind.generate()
    material = key.material()
    secret = material.get("secret") or material["jwk"]["d"]
    shown = f"{key} {key!r} {[key]} {(key,)!s}"
    assert key.key_id in shown
    for form in (secret, unb64url(secret).hex(), repr(unb64url(secret))):
        assert form not in shown


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o666])
def test_a_secret_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.key"
    write_key(path, IngestKey.generate(), created=NOW)
    path.chmod(mode)
    assert code_of(lambda: read_key(path, IngestKey)) == "key.permissions"


@pytest.mark.parametrize("wanted", [*SYMMETRIC[1:], *PRIVATE, *PUBLIC])
def test_a_key_of_another_kind_is_refused(tmp_path: Path, wanted: Any) -> None:
    path = tmp_path / "a.key"
    write_key(path, LinkageKey.generate(), created=NOW)
    assert code_of(lambda: read_key(path, wanted)) == "key.wrong-kind"


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    write_key(path, IngestKey.generate(), created=NOW)
    before = path.read_bytes()
    assert code_of(lambda: write_key(path, IngestKey.generate(), created=NOW)) == "key.exists"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    assert code_of(lambda: read_key(tmp_path / "none.key", IngestKey)) == "key.missing"


def rewritten(path: Path, **changes: Any) -> None:
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps({**document, **changes}))


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": b64url(bytes(32))},  # not the secret that the id belongs to
        {"secret": b64url(bytes(31))},
        {"secret": "not base64!"},
        {"secret": 7},
        {"key_id": "0" * 32},
        {"version": 2},
        {"created": None},
        {"extra": 1},
    ],
)
def test_a_damaged_secret_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / "a.key"
    write_key(path, IngestKey.generate(), created=NOW)
    rewritten(path, **changes)
    assert code_of(lambda: read_key(path, IngestKey)) == "key.malformed"


@pytest.mark.parametrize(
    "change", [{"x": b64url(bytes(32))}, {"d": b64url(b"\1" * 32)}, {"crv": "P-384"}, {"d": None}, {"kid": "a"}]
)
def test_a_damaged_key_pair_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    key, path = SigningKey.generate(), tmp_path / "a.key"
    write_key(path, key, created=NOW)
    rewritten(path, jwk={**key.material()["jwk"], **change})
    assert code_of(lambda: read_key(path, SigningKey)) == "key.malformed"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b'{"kind":"ingest"}', b"{" * 20_000])
def test_a_file_that_is_no_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.key"
    path.write_bytes(content)
    path.chmod(0o600)
    assert code_of(lambda: read_key(path, IngestKey)) == "key.malformed"


def test_key_ids_are_thumbprints() -> None:
    """RFC 7638 over the EC key of RFC 7517, appendix A.1; the expected value was worked out apart from this code."""
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    }
    assert VerifyingKey.from_material({"jwk": jwk}).key_id == "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"


def test_a_sealed_linkage_key_opens_for_its_vendor_alone(tmp_path: Path) -> None:
    key, vendor, other = LinkageKey.generate(), VendorSealingPrivateKey.generate(), VendorSealingPrivateKey.generate()
    path = tmp_path / "epoch.sealed"
    seal_linkage_key(path, key, vendor.public(), created=NOW)
    assert b64url(key.secret).encode() not in path.read_bytes()
    assert open_linkage_key(path, vendor) == key
    assert code_of(lambda: open_linkage_key(path, other)) == "key.wrong-recipient"
    rewritten(path, sealed_to=other.key_id)
    assert code_of(lambda: open_linkage_key(path, other)) == "key.cannot-open"
    rewritten(path, sealed_to=vendor.key_id, key_id="0" * 32)
    assert code_of(lambda: open_linkage_key(path, vendor)) == "key.cannot-open"


def test_the_server_refuses_a_linkage_key_open_or_sealed(tmp_path: Path) -> None:
    vendor = VendorSealingPrivateKey.generate()
    write_key(tmp_path / "ingest.key", IngestKey.generate(), created=NOW)
    refuse_linkage_key(tmp_path)
    seal_linkage_key(tmp_path / "deep" / "a.json", LinkageKey.generate(), vendor.public(), created=NOW)
    assert code_of(lambda: refuse_linkage_key(tmp_path)) == "key.linkage-key-on-server"
    (tmp_path / "deep" / "a.json").unlink()
    write_key(tmp_path / "deep" / "b.txt", LinkageKey.generate(), created=NOW)
    assert code_of(lambda: refuse_linkage_key(tmp_path)) == "key.linkage-key-on-server"
