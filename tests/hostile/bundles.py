"""Hostile bundles: what a stranger, a vendor or a broken disk can make of one that is right."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, OctKey
from tests.bundle.reading import joined, parts_of, payload_of
from tests.hostile.cases import PLANTED, Case, after, before, cut_at, is_instead, put

from dedup.bundle.canonical import canonical_json
from dedup.bundle.container import HEAD, MANIFEST_KIND, UNSEALED_MAGIC
from dedup.bundle.keys import SigningKey, b64url, unb64url
from dedup.bundle.signing import sign
from dedup.intake.receipts import RECEIPT_KIND

STRANGER = SigningKey.generate()
OTHER_BODY = b"another body, of the right length"
OTHER_DIGEST = hashlib.sha256(OTHER_BODY).hexdigest()
BODY = b"a body that is sealed to somebody"
MALFORMED, SIGNATURE = "bundle.manifest-malformed", "bundle.signature-malformed"


@dataclass(frozen=True)
class Hand:
    """Whoever makes hostile bundles of good ones, with a vendor's key."""

    key: SigningKey
    rivals_key: SigningKey

    def signing(self, payload: bytes, key: SigningKey | None = None) -> bytes:
        return sign(payload, key or self.key, kind=MANIFEST_KIND).encode()

    def saying(self, said: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
        """Change the text of the manifest, and sign what came of it."""

        def spoil(data: bytes) -> bytes:
            token, body = parts_of(data)
            return joined(self.signing(said(canonical_json(payload_of(token)))), body)

        return spoil

    def stating(self, **changes: Any) -> Callable[[bytes], bytes]:
        """Change members of the manifest, and sign what came of it."""
        return self.saying(lambda text: canonical_json({**json.loads(text), **changes}))

    def by(self, key: SigningKey, header: dict[str, Any], **changes: Any) -> Callable[[bytes], bytes]:
        """Sign the manifest with this key, under this header."""

        def spoil(data: bytes) -> bytes:
            token, body = parts_of(data)
            payload = canonical_json({**payload_of(token), **changes})
            return joined(jws.serialize_compact(header, payload, ECKey.import_key(key.key)).encode(), body)

        return spoil

    def header(self, **changes: Any) -> dict[str, Any]:
        return {"alg": "ES256", "kid": self.key.key_id, "typ": MANIFEST_KIND, **changes}


def token_is(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Change the signed manifest as it stands in the file, and leave its length right."""

    def spoil(data: bytes) -> bytes:
        token, body = parts_of(data)
        return joined(change(token), body)

    return spoil


def length_is(length: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:8] + length.to_bytes(4, "big") + data[12:]


def length_grows(by: int) -> Callable[[bytes], bytes]:
    return lambda data: length_is(int.from_bytes(data[8:12], "big") + by)(data)


def zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../bundle", data)
    return file.getvalue()


def unsigned(token: bytes) -> bytes:
    _, payload, _ = token.split(b".")
    head = canonical_json({"alg": "none", "kid": "k", "typ": MANIFEST_KIND})
    return b64url(head).encode() + b"." + payload + b"."


def signed_with_a_public_key(data: bytes, key: SigningKey) -> bytes:
    token, body = parts_of(data)
    header = {"alg": "HS256", "kid": key.key_id, "typ": MANIFEST_KIND}
    secret = OctKey.import_key(canonical_json(key.public().material()))
    payload = canonical_json(payload_of(token))
    return joined(jws.serialize_compact(header, payload, secret, algorithms=["HS256"]).encode(), body)


def with_signature(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def changed(token: bytes) -> bytes:
        head, payload, signature = token.split(b".")
        return b".".join([head, payload, b64url(change(unb64url(signature.decode()))).encode()])

    return token_is(changed)


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def twice_named(text: bytes) -> bytes:
    return text[:-1] + b',"vendor":"acme"}'


def indented(text: bytes) -> bytes:
    return json.dumps(json.loads(text), indent=1).encode()


def first_and_last_part_swapped(token: bytes) -> bytes:
    return b".".join(reversed(token.split(b".")))


def container_cases() -> list[Case]:
    """The file around the manifest and the body."""
    return [
        Case("one byte", "bundle.not-a-bundle", cut_at(1)),
        Case("cut within the magic", "bundle.not-a-bundle", cut_at(7)),
        Case("the magic alone", "bundle.truncated", cut_at(8)),
        Case("cut within the length", "bundle.truncated", cut_at(11)),
        Case("cut before the manifest", "bundle.truncated", cut_at(12)),
        Case("cut within the manifest", "bundle.truncated", cut_at(200)),
        Case("cut by its last byte", "bundle.truncated", cut_at(-1)),
        Case("no body", "bundle.truncated", cut_at(-len(BODY))),
        Case("a byte behind the end", "bundle.trailing-bytes", after(b"\0")),
        Case("a client's name behind the end", "bundle.trailing-bytes", after(PLANTED.encode())),
        Case("a second bundle behind the end", "bundle.trailing-bytes", lambda data: data + data),
        Case("the magic of another version", "bundle.not-a-bundle", put(b"DEDUPB1\0", b"DEDUPB2\0")),
        Case("the magic in small letters", "bundle.not-a-bundle", put(b"DEDUPB1\0", b"dedupb1\0")),
        Case("the magic without its NUL", "bundle.not-a-bundle", put(b"DEDUPB1\0", b"DEDUPB1 ")),
        Case("a byte order mark in front", "bundle.not-a-bundle", before(b"\xef\xbb\xbf")),
        Case("a line feed in front", "bundle.not-a-bundle", before(b"\n")),
        Case("in a ZIP file, under a path outside", "bundle.not-a-bundle", zipped),
        Case("gzipped", "bundle.not-a-bundle", gzip.compress),
        Case("a ZIP bomb", "bundle.not-a-bundle", lambda _: zipped(bytes(8 << 20))),
        Case("base64", "bundle.not-a-bundle", lambda data: b64url(data).encode()),
        Case("an HTML page", "bundle.not-a-bundle", is_instead(f"<html>{PLANTED}</html>")),
        Case("a clear extract", "bundle.not-a-bundle", is_instead(f"achternaam;roepnaam\r\n{PLANTED};Anna\r\n")),
        Case("a Parquet file", "bundle.not-a-bundle", is_instead(b"PAR1" + bytes(100) + b"PAR1")),
        Case("NUL bytes alone", "bundle.not-a-bundle", is_instead(bytes(10_000))),
        Case("a manifest of no bytes", SIGNATURE, lambda data: joined(b"", data)),
        Case("a manifest of 4 GiB", "bundle.oversize", length_is(2**32 - 1)),
        Case("a manifest of a negative length", "bundle.oversize", length_is(2**31)),
        Case("a manifest one byte too long", "bundle.oversize", lambda _: joined(b"A" * 16_385, BODY)),
        Case("a length that takes a byte of the body", SIGNATURE, length_grows(1)),
        Case("a length that leaves a byte to the body", SIGNATURE, length_grows(-1)),
        Case("a length in the other byte order", "bundle.oversize", lambda data: data[:8] + data[11:7:-1] + data[12:]),
        Case("manifest and body swapped", SIGNATURE, lambda data: joined(parts_of(data)[1], parts_of(data)[0])),
        Case("another body of the same length", "bundle.altered", put(BODY, OTHER_BODY)),
        Case("a bit of the body changed", "bundle.altered", flipped),
    ]


def signature_cases(hand: Hand) -> list[Case]:
    """The signature, as strangers and other vendors would like it to be."""
    embedded = hand.header(jwk=STRANGER.public().material()["jwk"])
    return [
        Case("signed by nobody", "bundle.signature-wrong", token_is(lambda token: token.rsplit(b".", 1)[0] + b".")),
        Case("signed by nobody, and says so", "bundle.signature-algorithm", token_is(unsigned)),
        Case("signed by a stranger", "bundle.vendor-unknown", hand.by(STRANGER, hand.header(kid=STRANGER.key_id))),
        Case("signed by a stranger in a vendor's name", "bundle.signature-wrong", hand.by(STRANGER, hand.header())),
        Case(
            "signed by another vendor", "bundle.vendor-mismatch",
            hand.by(hand.rivals_key, hand.header(kid=hand.rivals_key.key_id)),
        ),
        Case("a secret signature by the public key", "bundle.signature-algorithm",
             lambda data: signed_with_a_public_key(data, hand.key)),
        Case("brings its own key", SIGNATURE, hand.by(STRANGER, embedded)),
        Case("names a file as its key", "bundle.vendor-unknown", hand.by(hand.key, hand.header(kid="/etc/passwd"))),
        Case("an endless key id", "bundle.vendor-unknown", hand.by(hand.key, hand.header(kid="k" * 9_000))),
        Case("for another purpose", SIGNATURE, hand.by(hand.key, hand.header(typ=RECEIPT_KIND))),
        Case("of no purpose", SIGNATURE, hand.by(hand.key, {"alg": "ES256", "kid": hand.key.key_id})),
        Case("an extension that must be understood", SIGNATURE, hand.by(hand.key, hand.header(b64=True, crit=["b64"]))),
        Case("a signature of zeros", "bundle.signature-wrong", with_signature(lambda _: bytes(64))),
        Case("a bit of the signature changed", "bundle.signature-wrong", with_signature(flipped)),
        Case("half a signature", "bundle.signature-wrong", with_signature(cut_at(32))),
        Case("a signature of 8 KiB", "bundle.signature-wrong", with_signature(after(bytes(8_000)))),
        Case("the parts the wrong way round", SIGNATURE, token_is(first_and_last_part_swapped)),
        Case("four parts", SIGNATURE, token_is(after(b".e30"))),
        Case("padded base64", SIGNATURE, token_is(after(b"=="))),
        Case("a line feed in the signature", SIGNATURE, token_is(after(b"\n"))),
        Case("NUL bytes for a manifest", SIGNATURE, token_is(lambda token: bytes(len(token)))),
        Case("a manifest that is not ASCII", SIGNATURE, token_is(is_instead("\u0130\u212a." * 9))),
        Case("a manifest in UTF-16", SIGNATURE, token_is(lambda token: token.decode().encode("utf-16"))),
        Case("a bare manifest as in an unsealed bundle", SIGNATURE,
             token_is(lambda token: canonical_json(payload_of(token)))),
        Case("an unsealed bundle", "bundle.unsealed",
             lambda data: joined(canonical_json(payload_of(parts_of(data)[0])), BODY, UNSEALED_MAGIC)),
    ]  # fmt: skip


def manifest_cases(hand: Hand) -> list[Case]:
    """What a vendor may sign although nobody should."""
    stating, saying = hand.stating, hand.saying
    return [
        Case("no manifest but a list", MALFORMED, saying(is_instead(b"[]"))),
        Case("no JSON", MALFORMED, saying(is_instead(PLANTED))),
        Case("CBOR", MALFORMED, saying(is_instead(b"\xa1fvendordacme"))),
        Case("JSON that breaks off", MALFORMED, saying(cut_at(-10))),
        Case("JSON in UTF-16", MALFORMED, saying(lambda text: text.decode().encode("utf-16"))),
        Case("JSON that is not UTF-8", MALFORMED, saying(put("acme", b"\xff\xfe"))),
        Case("a byte order mark in the JSON", MALFORMED, saying(before(b"\xef\xbb\xbf"))),
        Case("something behind the JSON", MALFORMED, saying(after(b"{}"))),
        Case("nesting without end", MALFORMED, saying(is_instead(b"[" * 9_000))),
        Case("a member twice", MALFORMED, saying(twice_named)),
        Case("a member that nobody knows", MALFORMED, stating(naam=PLANTED)),
        Case("members in another order", MALFORMED, saying(indented)),
        Case("escapes that are not needed", MALFORMED, saying(put("acme", "\\u0061cme"))),
        Case("half a character", MALFORMED, saying(put("acme", "\\ud800"))),
        Case("a NUL in the vendor's code", MALFORMED, stating(vendor="acme\0")),
        Case("a path for a vendor", MALFORMED, stating(vendor="../../etc/passwd")),
        Case("a client's name for a provider", MALFORMED, stating(provider=PLANTED)),
        Case("an Arabic provider", MALFORMED, stating(provider="\u0661" * 8)),
        Case("a path for an id", MALFORMED, stating(submission_id="../" * 10 + "ab")),
        Case("an id in capitals", MALFORMED, saying(lambda text: capitals(text, "submission_id"))),
        Case("a digest in capitals", MALFORMED, saying(lambda text: capitals(text, "body_sha256"))),
        Case("a negative length", MALFORMED, stating(body_bytes=-1)),
        Case("a length of nothing", MALFORMED, stating(body_bytes=0)),
        Case("a length as text", MALFORMED, stating(body_bytes=str(len(BODY)))),
        Case("a length with a fraction", MALFORMED, saying(put(f":{len(BODY)},", f":{len(BODY)}.0,"))),
        Case("a length that is true", MALFORMED, stating(body_bytes=True)),
        Case("a length that is no number", MALFORMED, saying(put(f":{len(BODY)},", ":NaN,"))),
        Case("a length without end", MALFORMED, saying(put(f":{len(BODY)},", ":1e999,"))),
        Case("a length of 5,000 digits", MALFORMED, saying(put(f":{len(BODY)},", f":{'9' * 5_000},"))),
        Case("a length of 64 bits", MALFORMED, stating(body_bytes=2**64)),
        Case("a body of a tebibyte", "bundle.truncated", stating(body_bytes=2**40)),
        Case("a body shorter than it is", "bundle.trailing-bytes", stating(body_bytes=1)),
        Case("the digest of another body", "bundle.altered", stating(body_sha256=OTHER_DIGEST)),
        Case("the scheme of another version", "bundle.scheme", stating(scheme="dedup/v2")),
        Case("no scheme", "bundle.scheme", stating(scheme=None)),
        Case("a day that is none", MALFORMED, stating(snapshot_date="2026-02-30")),
        Case("a day before all days", MALFORMED, stating(snapshot_date="0000-00-00")),
        Case("a week for a day", MALFORMED, stating(snapshot_date="2026-W47-7")),
        Case("a moment of the 61st minute", MALFORMED, stating(created_at="2026-11-22T12:61:00Z")),
        Case("the last day of all", "intake.future-snapshot", stating(snapshot_date="9999-12-31")),
        Case("the first day of all", "intake.old-snapshot", stating(snapshot_date="0001-01-01")),
        Case("not sealed, as it says", MALFORMED, stating(sealing=None)),
        Case("sealed to a key that is not the server's", "bundle.wrong-key", hand.saying(sealed_to("A" * 43))),
        Case("sealed with half a key", MALFORMED, hand.saying(sealed_with(b64url(bytes(40))))),
        Case("sealed with no base64", MALFORMED, hand.saying(sealed_with("%" * 151))),
        Case("sealed with another suite", MALFORMED, hand.saying(put("HPKE-P256", "HPKE-P000"))),
        Case("another linkage model", "bundle.wrong-model", stating(model_digest="0" * 64)),
        Case("a provider of somebody else", "bundle.provider-not-allowed", stating(provider="99999999")),
        Case("another vendor's name", "bundle.vendor-mismatch", stating(vendor="rival")),
    ]  # fmt: skip


def capitals(text: bytes, member: str) -> bytes:
    said = json.loads(text)
    return canonical_json({**said, member: "AB" + said[member].upper()[2:]})


def sealed_to(key_id: str) -> Callable[[bytes], bytes]:
    return lambda text: with_sealing(text, "key_id", key_id)


def sealed_with(sealed_key: str) -> Callable[[bytes], bytes]:
    return lambda text: with_sealing(text, "sealed_key", sealed_key)


def with_sealing(text: bytes, member: str, value: str) -> bytes:
    said = json.loads(text)
    return canonical_json({**said, "sealing": {**said["sealing"], member: value}})


def bundle_cases(hand: Hand) -> list[Case]:
    return container_cases() + signature_cases(hand) + manifest_cases(hand)


assert len(BODY) == len(OTHER_BODY)
assert HEAD.size == 12
