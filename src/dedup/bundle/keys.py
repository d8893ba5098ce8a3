"""Every key of the system as a typed value, so that no key can be used in another key's place.

Key ids are derived from the key: for key pairs the RFC 7638 thumbprint of the public key, for secrets a truncated HMAC
of a constant under the secret (one-way, since the secret is 32 random bytes). So an id vouches for its key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NewType, Self

from cryptography.hazmat.primitives.asymmetric import ec

from dedup.bundle.canonical import canonical_json

KeyId = NewType("KeyId", str)
Entropy = Callable[[int], bytes]

SECRET_BYTES = 32
COORDINATE_BYTES = 32
_ID_PURPOSE = b"dedup/v1/key-id"


def b64url(data: bytes) -> str:
    """Return base64url without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64url(text: str) -> bytes:
    """Decode base64url without padding; raises `ValueError` unless `text` is the one way to write those bytes."""
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64url") from error
    if b64url(data) != text:
        raise ValueError("not the canonical base64url")
    return data


def secret_key_id(secret: bytes) -> KeyId:
    """Return the id of a 32-byte secret: the first 16 bytes of HMAC-SHA-256(secret, "dedup/v1/key-id") in hex."""
    return KeyId(hmac.digest(secret, _ID_PURPOSE, "sha256")[:16].hex())


def thumbprint(public: ec.EllipticCurvePublicKey) -> KeyId:
    """Return the id of a key pair: the RFC 7638 thumbprint of its public key, SHA-256 in base64url."""
    return KeyId(b64url(hashlib.sha256(canonical_json(public_jwk(public))).digest()))


def public_jwk(public: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """Return a P-256 public key as a JWK (RFC 7517)."""
    numbers = public.public_numbers()
    x, y = (b64url(number.to_bytes(COORDINATE_BYTES, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def public_from_jwk(jwk: Mapping[str, Any], *, private: bool = False) -> ec.EllipticCurvePublicKey:
    """Return the public key of a JWK; raises `ValueError` unless it is a point on P-256 with no other members."""
    members = {"kty", "crv", "x", "y"} | ({"d"} if private else set())
    if not isinstance(jwk, Mapping) or set(jwk) != members or jwk["kty"] != "EC" or jwk["crv"] != "P-256":
        raise ValueError("not a P-256 JWK")
    coordinates = [_coordinate(jwk[name]) for name in ("x", "y")]
    return ec.EllipticCurvePublicNumbers(coordinates[0], coordinates[1], ec.SECP256R1()).public_key()


def _coordinate(text: Any) -> int:
    if not isinstance(text, str) or len(data := unb64url(text)) != COORDINATE_BYTES:
        raise ValueError("not a coordinate")
    return int.from_bytes(data, "big")


@dataclass(frozen=True, slots=True, repr=False)
class SymmetricKey:
    """A 32-byte secret with its id; printing it shows the id only."""

    KIND: ClassVar[str] = ""
    IS_SECRET: ClassVar[bool] = True

    key_id: KeyId
    secret: bytes

    @classmethod
    def generate(cls, entropy: Entropy = secrets.token_bytes) -> Self:
        """Return a fresh key; `entropy(n)` gives n random bytes."""
        return cls.of(entropy(SECRET_BYTES))

    @classmethod
    def of(cls, secret: bytes) -> Self:
        """Return the key with this secret; raises `ValueError` unless it has 32 bytes."""
        if len(secret) != SECRET_BYTES:
            raise ValueError("a secret has 32 bytes")
        return cls(secret_key_id(secret), secret)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(key_id={self.key_id!r})"

    def material(self) -> dict[str, Any]:
        """Return the members of the key file that hold the key itself."""
        return {"secret": b64url(self.secret)}

    @classmethod
    def from_material(cls, material: Mapping[str, Any]) -> Self:
        """Return the key of a key file's members; raises `ValueError`."""
        if set(material) != {"secret"} or not isinstance(material["secret"], str):
            raise ValueError("not a secret")
        return cls.of(unb64url(material["secret"]))


class LinkageKey(SymmetricKey):
    """The epoch's key under which vendors encode; the server must never hold it."""

    __slots__ = ()
    KIND = "linkage"


class IngestKey(SymmetricKey):
    """The server's own key for the second keying at ingest (`dedup.ingest.rekey`)."""

    __slots__ = ()
    KIND = "ingest"


class LinkViewKek(SymmetricKey):
    """The key-encryption key of the link view."""

    __slots__ = ()
    KIND = "link-view-kek"


class AttributeKek(SymmetricKey):
    """The key-encryption key of the attribute store."""

    __slots__ = ()
    KIND = "attribute-kek"


@dataclass(frozen=True, slots=True, repr=False)
class EcPublicKey:
    """A public key on P-256 with its thumbprint as id."""

    KIND: ClassVar[str] = ""
    IS_SECRET: ClassVar[bool] = False

    key_id: KeyId
    key: ec.EllipticCurvePublicKey

    def __repr__(self) -> str:
        return f"{type(self).__name__}(key_id={self.key_id!r})"

    def material(self) -> dict[str, Any]:
        """Return the members of the key file that hold the key itself."""
        return {"jwk": public_jwk(self.key)}

    @classmethod
    def from_material(cls, material: Mapping[str, Any]) -> Self:
        """Return the key of a key file's members; raises `ValueError`."""
        if set(material) != {"jwk"}:
            raise ValueError("not a public key")
        key = public_from_jwk(material["jwk"])
        return cls(thumbprint(key), key)


class VerifyingKey(EcPublicKey):
    """A vendor's public signing key: verifies the manifests of its bundles."""

    __slots__ = ()
    KIND = "vendor-signing-public"


class VendorSealingPublicKey(EcPublicKey):
    """A vendor's public sealing key: the custodian seals the linkage key to it."""

    __slots__ = ()
    KIND = "vendor-sealing-public"


class SealingPublicKey(EcPublicKey):
    """The server's public sealing key: vendors seal bundles to it."""

    __slots__ = ()
    KIND = "server-sealing-public"


class ReceiptVerifyingKey(EcPublicKey):
    """The server's public receipt key: vendors verify receipts with it."""

    __slots__ = ()
    KIND = "receipt-signing-public"


@dataclass(frozen=True, slots=True, repr=False)
class EcPrivateKey:
    """A private key on P-256; its id is that of its public key, and printing it shows the id only."""

    KIND: ClassVar[str] = ""
    IS_SECRET: ClassVar[bool] = True

    key_id: KeyId
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def generate(cls) -> Self:
        """Return a fresh key pair, from the randomness of the cryptography library."""
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(thumbprint(key.public_key()), key)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(key_id={self.key_id!r})"

    def material(self) -> dict[str, Any]:
        """Return the members of the key file that hold the key itself."""
        d = self.key.private_numbers().private_value.to_bytes(COORDINATE_BYTES, "big")
        return {"jwk": {**public_jwk(self.key.public_key()), "d": b64url(d)}}

    @classmethod
    def from_material(cls, material: Mapping[str, Any]) -> Self:
        """Return the key of a key file's members; raises `ValueError`."""
        if set(material) != {"jwk"}:
            raise ValueError("not a private key")
        public = public_from_jwk(material["jwk"], private=True)
        key = ec.EllipticCurvePrivateNumbers(_coordinate(material["jwk"]["d"]), public.public_numbers()).private_key()
        return cls(thumbprint(public), key)


class SigningKey(EcPrivateKey):
    """A vendor's private signing key: signs the manifests of its bundles."""

    __slots__ = ()
    KIND = "vendor-signing"

    def public(self) -> VerifyingKey:
        """Return the key that verifies this key's signatures."""
        return VerifyingKey(self.key_id, self.key.public_key())


class VendorSealingPrivateKey(EcPrivateKey):
    """A vendor's private sealing key: opens the linkage key that the custodian sealed."""

    __slots__ = ()
    KIND = "vendor-sealing"

    def public(self) -> VendorSealingPublicKey:
        """Return the key that the custodian seals to."""
        return VendorSealingPublicKey(self.key_id, self.key.public_key())


class SealingPrivateKey(EcPrivateKey):
    """The server's private sealing key: opens bundles."""

    __slots__ = ()
    KIND = "server-sealing"

    def public(self) -> SealingPublicKey:
        """Return the key that vendors seal to."""
        return SealingPublicKey(self.key_id, self.key.public_key())


class ReceiptSigningKey(EcPrivateKey):
    """The server's private receipt key: signs receipts."""

    __slots__ = ()
    KIND = "receipt-signing"

    def public(self) -> ReceiptVerifyingKey:
        """Return the key that verifies receipts."""
        return ReceiptVerifyingKey(self.key_id, self.key.public_key())
