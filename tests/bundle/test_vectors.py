"""The specification's test vectors, made by a second, plain implementation that uses nothing but cipher primitives.

`docs/spec/bundle-v1.md` is written for programmers without our code; this is what they would write: struct, json, HMAC,
AES-GCM, ECDH and ECDSA. Run as a script, it prints the vectors' file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

VECTORS = Path(__file__).parents[2] / "docs" / "spec" / "vectors" / "bundle-v1.json"

FIELDS = [("first_name", 16), ("postcode", 8)]
PASSES = [(1, ["first_name", "postcode"]), (2, ["first_name"])]
TEXT = [
    "schema_versie", "bronsysteem", "aanbieder_agb", "zorgproduct", "rol", "relatie_agb", "status",
    "overdracht_agb", "sharing", "ksv",
]  # fmt: skip
NUMBERS = [
    "inschrijf_week", "status_week", "overdracht_week", "gedeelde_zorg", "edd_week",
    "indicatie_uren", "toegezegde_uren",
]  # fmt: skip


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def point(public: ec.EllipticCurvePublicKey) -> bytes:
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def jwk(public: ec.EllipticCurvePublicKey) -> dict[str, str]:
    raw = point(public)
    return {"crv": "P-256", "kty": "EC", "x": b64url(raw[1:33]), "y": b64url(raw[33:])}


def key_id(public: ec.EllipticCurvePublicKey) -> str:
    return b64url(hashlib.sha256(canonical(jwk(public))).digest())


def extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt, b"HPKE-v1" + suite + label + material, "sha256")


def expand(suite: bytes, secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """Return HKDF-Expand for at most 32 bytes: one block is enough."""
    labelled = struct.pack(">H", length) + b"HPKE-v1" + suite + label + info
    return hmac.digest(secret, labelled + b"\x01", "sha256")[:length]


def hpke_schedule(shared: bytes, encapsulated: bytes, recipient: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Return HPKE's key and nonce in base mode from the ECDH secret (RFC 9180, sections 4.1 and 5.1)."""
    kem = b"KEM" + struct.pack(">H", 0x0010)
    suite = b"HPKE" + struct.pack(">HHH", 0x0010, 0x0001, 0x0002)
    secret = expand(kem, extract(kem, b"", b"eae_prk", shared), b"shared_secret", encapsulated + recipient, 32)
    context = b"\0" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    derived = extract(suite, secret, b"secret", b"")
    return expand(suite, derived, b"key", context, 32), expand(suite, derived, b"base_nonce", context, 12)


def columns_of(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    names = {"registratie_id": "", **dict.fromkeys(TEXT, ""), **dict.fromkeys(NUMBERS, -1)}
    return {name: [row.get(name, missing) for row in rows] for name, missing in names.items()}


def batch_bytes(batch: dict[str, Any]) -> bytes:
    columns = canonical(batch["columns"])
    n = len(batch["presence"])
    parts = [struct.pack(">II", n, len(columns)), columns]
    parts.append(struct.pack(f">{n}I", *batch["presence"]))
    parts.append(struct.pack(f">{n}i", *batch["edd_week"]))
    for entries in batch["passes"]:
        count = len(entries)
        parts.append(struct.pack(f">I{count}I", count, *(row for row, _, _ in entries)))
        parts.extend(bytes.fromhex(token) for _, token, _ in entries)
        parts.extend(bytes.fromhex(sketch) for _, _, sketch in entries)
    return b"".join(parts)


def vectors() -> dict[str, Any]:
    """Return the whole file of vectors, from fixed keys and made-up rows."""
    server = ec.derive_private_key(int.from_bytes(hashlib.sha256(b"server").digest(), "big"), ec.SECP256R1())
    vendor = ec.derive_private_key(int.from_bytes(hashlib.sha256(b"vendor").digest(), "big"), ec.SECP256R1())
    ephemeral = ec.derive_private_key(int.from_bytes(hashlib.sha256(b"ephemeral").digest(), "big"), ec.SECP256R1())
    content_key = hashlib.sha256(b"content key").digest()
    submission = "000102030405060708090a0b0c0d0e0f"

    def token(name: str) -> str:
        return hashlib.sha256(name.encode()).hexdigest()[:32]

    batches = [
        {
            "columns": columns_of(
                [
                    {
                        "registratie_id": f"0000000{i}-0000-4000-8000-000000000000",
                        "schema_versie": "1.0",
                        "bronsysteem": "voorbeeld",
                        "aanbieder_agb": "41000001",
                        "zorgproduct": "kraamzorg",
                        "rol": "zelfstandig",
                        "status": "ingeschreven",
                        "inschrijf_week": 105_720 + i,
                        "edd_week": edd,
                    }
                    for i, edd in edds
                ]
            ),
            "presence": presence,
            "edd_week": [edd for _, edd in edds],
            "passes": [sorted(entries, key=lambda entry: (entry[1], entry[0])) for entries in passes],
        }
        for edds, presence, passes in [
            (
                [(1, 105_740), (2, -1)],
                [3, 1],
                [[(0, token("a"), "0f1e2d"), (1, token("a"), "f0e100"), (1, token("b"), "123400")], []],
            ),
            ([(3, 105_741)], [2], [[(0, token("c"), "0000ff")], [(0, token("d"), "0000")]]),
        ]
    ]
    statistics = {"accepted": 3, "refused": 0, "rows": 3}
    preamble = canonical(statistics)
    encoded = [batch_bytes(batch) for batch in batches]
    payload = struct.pack(">I", len(preamble)) + preamble
    payload += b"".join(struct.pack(">Q", len(data)) + data for data in encoded)

    associated = bytes.fromhex(submission)
    nonce = associated[:7] + struct.pack(">IB", 0, 1)
    body = AESGCM(content_key).encrypt(nonce, payload, associated)
    server_id, vendor_id = key_id(server.public_key()), key_id(vendor.public_key())
    info = "\n".join(["dedup/v1/bundle", server_id, vendor_id, submission]).encode()
    encapsulated = point(ephemeral.public_key())
    shared = ephemeral.exchange(ec.ECDH(), server.public_key())
    hpke_key, hpke_nonce = hpke_schedule(shared, encapsulated, point(server.public_key()), info)
    sealed_key = encapsulated + AESGCM(hpke_key).encrypt(hpke_nonce, content_key, b"")
    common = {
        "created_at": "2026-11-22T01:15:00Z",
        "epoch_key_id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "model_digest": "5a" * 32,
        "model_name": "example",
        "provider": "41000001",
        "scheme": "dedup/v1",
        "snapshot_date": "2026-11-22",
        "submission_id": submission,
        "vendor": "acme",
    }
    sealing = {
        "chunk_bytes": 262_144,
        "key_id": server_id,
        "sealed_key": b64url(sealed_key),
        "suite": "HPKE-P256-SHA256-A256GCM",
    }
    manifest = canonical(
        {**common, "body_bytes": len(body), "body_sha256": hashlib.sha256(body).hexdigest(), "sealing": sealing}
    )
    header = canonical({"alg": "ES256", "kid": vendor_id, "typ": "dedup-bundle"})
    signed = f"{b64url(header)}.{b64url(manifest)}"
    r, s = decode_dss_signature(vendor.sign(signed.encode(), ec.ECDSA(SHA256(), deterministic_signing=True)))
    statement = f"{signed}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}".encode()
    plain_digest = hashlib.sha256(payload).hexdigest()
    bare = canonical({**common, "body_bytes": len(payload), "body_sha256": plain_digest, "sealing": None})

    def private(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
        return {**jwk(key.public_key()), "d": b64url(key.private_numbers().private_value.to_bytes(32, "big"))}

    return {
        "about": "Test vectors of bundle-v1.md. The keys are public: never use them.",
        "model": {
            "name": "example",
            "digest": "5a" * 32,
            "fields": [{"name": name, "bits": bits} for name, bits in FIELDS],
            "passes": [{"number": number, "fields": fields} for number, fields in PASSES],
        },
        "server_sealing_key": private(server),
        "server_sealing_key_id": server_id,
        "vendor_signing_key": private(vendor),
        "vendor_signing_key_id": vendor_id,
        "ephemeral_key": private(ephemeral),
        "statistics": statistics,
        "batches": batches,
        "batches_hex": [data.hex() for data in encoded],
        "payload_hex": payload.hex(),
        "content_key_hex": content_key.hex(),
        "chunk_nonce_hex": nonce.hex(),
        "chunk_aad_hex": associated.hex(),
        "body_hex": body.hex(),
        "hpke_info": info.decode(),
        "hpke_shared_hex": shared.hex(),
        "hpke_key_hex": hpke_key.hex(),
        "hpke_nonce_hex": hpke_nonce.hex(),
        "sealed_key_hex": sealed_key.hex(),
        "manifest_json": manifest.decode(),
        "manifest_jws": statement.decode(),
        "sealed_bundle_hex": (b"DEDUPB1\0" + struct.pack(">I", len(statement)) + statement + body).hex(),
        "unsealed_bundle_hex": (b"DEDUPE1\0" + struct.pack(">I", len(bare)) + bare + payload).hex(),
    }


def file_text() -> str:
    return json.dumps(vectors(), indent=1) + "\n"


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(VECTORS.read_text("utf-8"))
    return document


def model_of(stored: dict[str, Any]) -> Any:
    from dedup.model.linkage import Attribute, Field, LinkageModel, Pass, TokenRule

    names = [field["name"] for field in stored["model"]["fields"]]
    return LinkageModel(
        name=stored["model"]["name"],
        version=1,
        digest=stored["model"]["digest"],
        table=None,
        attributes=tuple(Attribute(name, "text", (name,)) for name in names),
        fields=tuple(
            Field(i + 1, field["name"], field["name"], TokenRule.WHOLE, field["bits"])
            for i, field in enumerate(stored["model"]["fields"])
        ),
        passes=tuple(
            Pass(one["number"], (names[0],), omits=tuple(name for name in names if name not in one["fields"]))
            for one in stored["model"]["passes"]
        ),
        comparisons=(),
    )


def test_the_plain_implementation_makes_the_vectors() -> None:
    assert file_text() == VECTORS.read_text("utf-8")


@pytest.mark.parametrize("form", ["sealed", "unsealed"])
def test_our_reader_takes_what_the_plain_implementation_wrote(
    stored: dict[str, Any], tmp_path: Path, form: str
) -> None:
    from dedup.bundle.keys import SealingPrivateKey, SigningKey
    from dedup.bundle.payload import write_batch
    from dedup.bundle.reader import open_bundle
    from dedup.bundle.vendors import TrustedVendor

    path, model = tmp_path / "vector.bundle", model_of(stored)
    path.write_bytes(bytes.fromhex(stored[f"{form}_bundle_hex"]))
    server = SealingPrivateKey.from_material({"jwk": stored["server_sealing_key"]})
    vendor = SigningKey.from_material({"jwk": stored["vendor_signing_key"]})
    assert (server.key_id, vendor.key_id) == (stored["server_sealing_key_id"], stored["vendor_signing_key_id"])
    trusted = {vendor.key_id: TrustedVendor("acme", vendor.public(), frozenset({"41000001"}))}
    options: dict[str, Any] = {"opened_with": server, "trusted": trusted} if form == "sealed" else {"opened_with": None}
    with open_bundle(path, model=model, **options) as bundle:
        assert bundle.statistics == stored["statistics"]
        batches = list(bundle.batches)
    assert [batch.attributes for batch in batches] == [batch["columns"] for batch in stored["batches"]]
    for batch, expected in zip(batches, stored["batches"], strict=True):
        assert batch.records.presence.tolist() == expected["presence"]
        assert batch.records.edd_week.tolist() == expected["edd_week"]
        for entries, wanted in zip(batch.records.passes, expected["passes"], strict=True):
            read = zip(entries.row.tolist(), entries.token, entries.sketch, strict=True)
            assert [[row, token.tobytes().hex(), sketch.tobytes().hex()] for row, token, sketch in read] == wanted
        assert write_batch(batch, model).hex() in stored["batches_hex"]


def test_our_writer_makes_the_unsealed_vector_to_the_byte(stored: dict[str, Any], tmp_path: Path) -> None:
    from datetime import UTC, date, datetime

    from dedup.bundle.manifest import BundleHeader
    from dedup.bundle.payload import read_batch
    from dedup.bundle.writer import write_bundle

    path, model = tmp_path / "ours.bundle", model_of(stored)
    said = json.loads(stored["manifest_json"])
    write_bundle(
        path,
        header=BundleHeader(
            submission_id=said["submission_id"],
            vendor=said["vendor"],
            provider=said["provider"],
            snapshot_date=date(2026, 11, 22),
            created_at=datetime(2026, 11, 22, 1, 15, tzinfo=UTC),
            epoch_key_id=said["epoch_key_id"],
        ),
        statistics=stored["statistics"],
        batches=[read_batch(bytes.fromhex(data), model) for data in stored["batches_hex"]],
        model=model,
        seal_to=None,
        sign_with=None,
    )
    assert path.read_bytes().hex() == stored["unsealed_bundle_hex"]


def test_the_plain_implementation_opens_what_our_sealing_made(stored: dict[str, Any]) -> None:
    from dedup.bundle.keys import SealingPrivateKey
    from dedup.bundle.sealing import seal_secret

    server = SealingPrivateKey.from_material({"jwk": stored["server_sealing_key"]})
    sealed = seal_secret(b"a secret of 32 bytes, as a key is", server.public().key, b"info")
    sender = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sealed[:65])
    shared = server.key.exchange(ec.ECDH(), sender)
    key, nonce = hpke_schedule(shared, sealed[:65], point(server.key.public_key()), b"info")
    assert AESGCM(key).decrypt(nonce, sealed[65:], b"") == b"a secret of 32 bytes, as a key is"


if __name__ == "__main__":
    sys.stdout.write(file_text())
