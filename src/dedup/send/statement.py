"""What the server says of itself and its keys, believed only when a receipt key that is known signed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from dedup.bundle.canonical import parse_json
from dedup.bundle.keys import EcPublicKey, KeyId, ReceiptVerifyingKey, SealingPublicKey
from dedup.bundle.signing import KEYS_KIND, take_apart, verify
from dedup.errors import BundleError
from dedup.send.errors import NoServerError

K = TypeVar("K", bound=EcPublicKey)


@dataclass(frozen=True, slots=True)
class ServerStatement:
    """A verified statement: both kinds of keys by id, the one in use first; sizes in bytes."""

    issuer: str
    token_endpoint: str
    sealing: Mapping[KeyId, SealingPublicKey]
    receipts: Mapping[KeyId, ReceiptVerifyingKey]
    models: tuple[str, ...]
    chunk_bytes: int
    bundle_bytes: int


def verified_statement(document: Any, known: Mapping[KeyId, ReceiptVerifyingKey], *, url: str) -> ServerStatement:
    """Return what `GET /v1/keys` of the server at `url` says, from its signed member alone.

    Raises `NoServerError`: `send.keys-wrong` (not of the form, or not signed by a known receipt key),
    `send.other-server`.
    """
    try:
        token = document["statement"]
        statement = take_apart(token.encode("ascii"), kind=KEYS_KIND)
        verify(statement, known[statement.key_id])
        said = parse_json(statement.payload)
        limits = said["limits"]
        result = ServerStatement(
            issuer=said["issuer"].rstrip("/"),
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
