"""What the server says of itself and its keys, believed only when a receipt key that is known signed it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from dedup.bundle.canonical import parse_json
from dedup.bundle.keyfiles import timestamp
from dedup.bundle.keys import EcPublicKey, KeyId, ReceiptVerifyingKey, SealingPublicKey
from dedup.bundle.signing import KEYS_KIND, take_apart, verify
from dedup.errors import BundleError
from dedup.send.errors import NoServerError

CLOCKS_MAY_DIFFER = timedelta(seconds=60)
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
K = TypeVar("K", bound=EcPublicKey)


@dataclass(frozen=True, slots=True)
class ServerStatement:
    """A verified statement: both kinds of keys by id, the one in use first; sizes in bytes.

    It was signed at `issued_at` and says nothing of the time from `expires_at` on.
    """

    issuer: str
    issued_at: datetime
    expires_at: datetime
    token_endpoint: str
    sealing: Mapping[KeyId, SealingPublicKey]
    receipts: Mapping[KeyId, ReceiptVerifyingKey]
    models: tuple[str, ...]
    chunk_bytes: int
    bundle_bytes: int


def verified_statement(document: Any, known: Mapping[KeyId, ReceiptVerifyingKey], *, url: str) -> ServerStatement:
    """Return what `GET /v1/keys` of the server at `url` says, from its signed member alone.

    Whether it says so today is for `refuse_unless_current`. Raises `NoServerError`: `send.keys-wrong` (not of the form,
    or not signed by a known receipt key), `send.other-server`.
    """
    try:
        token = document["statement"]
        statement = take_apart(token.encode("ascii"), kind=KEYS_KIND)
        verify(statement, known[statement.key_id])
        said = parse_json(statement.payload)
        limits = said["limits"]
        result = ServerStatement(
            issuer=said["issuer"].rstrip("/"),
            issued_at=_moment(said["issued_at"]),
            expires_at=_moment(said["expires_at"]),
            token_endpoint=said["token_endpoint"],
            sealing=_keys(said["sealing"], SealingPublicKey),
            receipts=_keys(said["receipts"], ReceiptVerifyingKey),
            models=tuple(said["models"]),
            chunk_bytes=_size(limits["chunk_bytes"]),
            bundle_bytes=_size(limits["bundle_bytes"]),
        )
    except (BundleError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise NoServerError(
            "send.keys-wrong",
            "The server's keys are not signed with a receipt key that the credentials name; nothing was sent. Ask the "
            "operator, by telephone, for its receipt key.",
        ) from error
    if result.issuer != url:
        raise NoServerError("send.other-server", "The server says that it is another one than the URL that was given.")
    if not isinstance(result.token_endpoint, str) or not result.token_endpoint.startswith(f"{url}/"):
        raise NoServerError("send.other-server", "The server asks for the vendor's proof at another server's address.")
    return result


def refuse_unless_current(statement: ServerStatement, *, now: datetime, seen: datetime | None) -> None:
    """Refuse a statement that was good once: after a rotation it would bring back keys that are no longer in use.

    `seen` is when the newest statement was signed that this client believed before. Raises `NoServerError`:
    `send.keys-future`, `send.keys-expired`, `send.keys-older`.
    """
    clock = f"this machine's clock says {timestamp(now)}"
    if statement.issued_at > now + CLOCKS_MAY_DIFFER:
        signed = timestamp(statement.issued_at)
        raise NoServerError("send.keys-future", f"The server's keys were signed at {signed}, and {clock}.")
    if statement.expires_at <= now - CLOCKS_MAY_DIFFER:
        ended = timestamp(statement.expires_at)
        raise NoServerError(
            "send.keys-expired",
            f"The server's keys were good until {ended}, and {clock}: either it is wrong, or these are keys of before.",
        )
    if seen is not None and statement.issued_at + CLOCKS_MAY_DIFFER < seen:
        signed = timestamp(statement.issued_at)
        raise NoServerError(
            "send.keys-older",
            f"The server's keys were signed at {signed}, before those of {timestamp(seen)} that it gave already; "
            "nothing was sent. Ask the operator, by telephone.",
        )


def _moment(text: Any) -> datetime:
    if not _MOMENT.fullmatch(text):
        raise ValueError("not a moment")
    return datetime.fromisoformat(text)


def _keys(jwks: Any, wanted: type[K]) -> dict[KeyId, K]:
    keys: dict[KeyId, K] = {}
    for jwk in jwks:
        members = dict(jwk)
        named = members.pop("kid")
        key = wanted.from_material({"jwk": members})
        if key.key_id != named:
            raise ValueError("a key under another key's id")
        keys[key.key_id] = key
    if not keys:
        raise ValueError("no key")
    return keys


def _size(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError("not a size")
    return value
