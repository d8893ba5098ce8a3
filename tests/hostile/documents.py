"""Hostile documents of keys and signatures: key files, vendors' files, credentials, receipts, a server's keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.hostile.cases import PLANTED, Case, Spoil, after, before, cut_at, in_encoding, is_instead

Document = dict[str, Any]


def member(name: str, value: Any) -> Spoil:
    """Give a member of a JSON object another value."""
    return changed(lambda document: {**document, name: value})


def without(name: str) -> Spoil:
    return changed(lambda document: {key: value for key, value in document.items() if key != name})


def changed(change: Callable[[Document], Any]) -> Spoil:
    return lambda data: json.dumps(change(json.loads(data))).encode()


def twice_named(data: bytes) -> bytes:
    return data.rstrip().removesuffix(b"}") + b',"kind":"linkage"}'


def written_badly(code: str) -> list[Case]:
    """What is not JSON, or not for everybody the same: wherever a document is read."""
    return [
        Case("no bytes", code, is_instead(b"")),
        Case("NUL bytes alone", code, is_instead(bytes(5_000))),
        Case("cut in the middle", code, cut_at(-30)),
        Case("UTF-16", code, in_encoding("utf-16")),
        Case("a byte order mark in front", code, before(b"\xef\xbb\xbf")),
        Case("Latin-1", code, before("\xe9".encode("latin-1"))),
        Case("a second document behind it", code, lambda data: data + data),
        Case("a member twice", code, twice_named),
        Case("no number", code, is_instead('{"kind": NaN}')),
        Case("a number without end", code, is_instead('{"kind": 1e999}')),
        Case("a number of 5,000 digits", code, is_instead('{"kind": ' + "9" * 5_000 + "}")),
        Case("half a character", code, is_instead('{"kind": "\\ud800"}')),
        Case("nesting without end", code, is_instead("[" * 9_000)),
        Case("objects without end", code, is_instead('{"a":' * 2_700)),
        Case("a list", code, is_instead("[]")),
        Case("text", code, is_instead(f'"{PLANTED}"')),
        Case("a megabyte of white space", code, after(b" " * (1 << 20))),
    ]


MALFORMED = "key.malformed"
LINKAGE_KEYS = [
    *written_badly(MALFORMED),
    Case("another kind of key", "key.wrong-kind", member("kind", "ingest")),
    Case("a kind without end", MALFORMED, member("kind", PLANTED * 900)),
    Case("a client's name for a kind", "key.wrong-kind", member("kind", "linkage ")),
    Case("another version", MALFORMED, member("version", 2)),
    Case("a version that is true", MALFORMED, member("version", [])),
    Case("another key's id", MALFORMED, member("key_id", "0" * 32)),
    Case("a key of no bytes", MALFORMED, member("secret", "")),
    Case("a key of zeros", MALFORMED, member("secret", "A" * 43)),
    Case("a key that is a number", MALFORMED, member("secret", 5)),
    Case("a key of 16 bytes", MALFORMED, member("secret", "A" * 22)),
    Case("a key in padded base64", MALFORMED, changed(lambda key: {**key, "secret": key["secret"] + "="})),
    Case("a key in other base64", MALFORMED, member("secret", "+/" * 21 + "A")),
    Case("a member that nobody knows", MALFORMED, member("naam", PLANTED)),
]
OFF_THE_CURVE = {"crv": "P-256", "kty": "EC", "x": "A" * 43, "y": "A" * 43}
VENDORS = [
    *written_badly(MALFORMED),
    Case("another kind of file", "key.wrong-kind", member("kind", "vendor-signing-public")),
    Case("another vendor than its name", MALFORMED, member("vendor", "other")),
    Case("a path for a vendor", MALFORMED, member("vendor", "../vendors/acme")),
    Case("a client's name for a provider", MALFORMED, member("providers", [PLANTED])),
    Case("a provider in other digits", MALFORMED, member("providers", ["\u0661" * 8])),
    Case("providers that are a number", MALFORMED, member("providers", 12345678)),
    Case("providers that are nested", MALFORMED, member("providers", [["12345678"]])),
    Case("no keys but a text", MALFORMED, member("keys", "none")),
    Case("keys that are numbers", MALFORMED, member("keys", [5])),
    Case("a key off the curve", MALFORMED, member("keys", [OFF_THE_CURVE])),
    Case("a key that is the origin", MALFORMED, member("keys", [{**OFF_THE_CURVE, "x": "", "y": ""}])),
    Case("a key of another curve", MALFORMED, member("keys", [{**OFF_THE_CURVE, "crv": "P-521"}])),
    Case("a secret for a key", MALFORMED, member("keys", [{"kty": "oct", "k": "A" * 43}])),
    Case("a private key", MALFORMED, changed(lambda file: {**file, "keys": [{**file["keys"][0], "d": "A" * 43}]})),
    Case("withdrawn keys that are a number", MALFORMED, member("withdrawn", 5)),
    Case("withdrawn keys that are nested", MALFORMED, member("withdrawn", [[]])),
]
CREDENTIALS = [
    *written_badly(MALFORMED),
    Case("another kind of file", "key.wrong-kind", member("kind", "trusted-vendor")),
    Case("no vendor", MALFORMED, member("vendor", "")),
    Case("a vendor that is a list", MALFORMED, member("vendor", [])),
    Case("no receipt keys", MALFORMED, member("receipt_keys", [])),
    Case("receipt keys that are a number", MALFORMED, member("receipt_keys", 5)),
    Case("receipt keys that are text", MALFORMED, member("receipt_keys", PLANTED)),
    Case("a receipt key off the curve", MALFORMED, member("receipt_keys", [OFF_THE_CURVE])),
    Case("no signing key", MALFORMED, without("signing_key")),
    Case("a NUL in the signing key's name", "key.missing", member("signing_key", "a\0b")),
    Case("a device for a signing key", "key.permissions", member("signing_key", "/dev/zero")),
    Case("a folder for a signing key", "key.missing", member("signing_key", "/")),
    Case("a file of the system for a signing key", "key.permissions", member("signing_key", "/etc/passwd")),
    Case("another key's id", "key.other-signing-key", member("key_id", "A" * 43)),
    Case("a server without TLS", "send.url", member("url", "http://example.nl")),
    Case("a file for a server", "send.url", member("url", "file:///etc/passwd")),
    Case("a name and password in the server", "send.url", member("url", f"https://{PLANTED}:x@example.nl")),
    Case("a server whose port is none", "send.url", member("url", "https://example.nl:99999")),
    Case("a server whose bracket is open", "send.url", member("url", "https://[::1")),
]
RECEIPT, RECEIPT_WRONG = "store.audit-receipt", "intake.receipt-wrong"
RECEIPTS = [
    Case("no bytes", RECEIPT_WRONG, is_instead(b"")),
    Case("NUL bytes alone", RECEIPT_WRONG, is_instead(bytes(5_000))),
    Case("cut in the middle", RECEIPT, cut_at(-30)),
    Case("UTF-16", RECEIPT, in_encoding("utf-16")),
    Case("a byte order mark in front", RECEIPT, before(b"\xef\xbb\xbf")),
    Case("objects without end", RECEIPT, is_instead('{"a":' * 90_000)),
    Case("no receipt in it", RECEIPT, is_instead("{}")),
    Case("a receipt that is a list", RECEIPT, member("receipt", [PLANTED])),
    Case("a number of 5,000 digits", RECEIPT, is_instead('{"receipt": ' + "9" * 5_000 + "}")),
    Case("a receipt of no bytes", RECEIPT_WRONG, member("receipt", "")),
    Case("a receipt of two dots", RECEIPT_WRONG, member("receipt", "..")),
    Case("a receipt that is not ASCII", RECEIPT_WRONG, member("receipt", "\u212a.\u0130.x")),
    Case("a receipt without end", RECEIPT_WRONG, member("receipt", "A" * (4 << 20))),
    Case("a receipt signed by nobody", RECEIPT_WRONG,
         changed(lambda file: {**file, "receipt": file["receipt"].rpartition(".")[0] + "."})),
    Case("a receipt of another signature", RECEIPT_WRONG,
         changed(lambda file: {**file, "receipt": file["receipt"].rpartition(".")[0] + "." + "A" * 86})),
]  # fmt: skip
KEYS_WRONG, ANSWER = "send.keys-wrong", "send.answer"
# What a server, or whoever sits between, answers to `GET /v1/keys`.
STATEMENTS = [
    Case("no bytes", ANSWER, is_instead(b"")),
    Case("a web page", ANSWER, is_instead(f"<html>{PLANTED}</html>")),
    Case("NUL bytes alone", ANSWER, is_instead(bytes(5_000))),
    Case("a list", ANSWER, is_instead("[]")),
    Case("nesting without end", ANSWER, is_instead("[" * 90_000)),
    Case("objects without end", ANSWER, is_instead('{"statement":' * 90_000)),
    Case("not UTF-8", ANSWER, is_instead(b'{"statement": "\xff"}')),
    Case("a number of 5,000 digits", ANSWER, is_instead('{"statement": ' + "9" * 5_000 + "}")),
    Case("more than an answer may be", ANSWER, is_instead(b" " * (5 << 20))),
    Case("no statement", KEYS_WRONG, is_instead("{}")),
    Case("a statement that is a list", KEYS_WRONG, member("statement", [PLANTED])),
    Case("a statement of two dots", KEYS_WRONG, member("statement", "..")),
    Case("a statement that is not ASCII", KEYS_WRONG, member("statement", "\u212a.\u0130.x")),
    Case("a statement without end", KEYS_WRONG, member("statement", "A" * (3 << 20))),
    Case("a statement signed by nobody", KEYS_WRONG,
         changed(lambda said: {**said, "statement": said["statement"].rpartition(".")[0] + "."})),
    Case("another server's statement", "send.other-server", lambda data: data),
]  # fmt: skip
