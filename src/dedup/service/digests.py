"""Digest headers as RFC 9530 has them: `sha-256=:BASE64:`, other algorithms beside it passed over."""

from __future__ import annotations

import base64
import re

from dedup.service.refusal import ServiceError

PATTERN = r"^(.*,\s*)?sha-256=:[A-Za-z0-9+/]{43}=:(\s*,.*)?$"
_MEMBER = re.compile(r"\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*")


def sha256_of(header: str) -> bytes:
    """Return the SHA-256 of a Content-Digest or Repr-Digest; raises `ServiceError` (`request.malformed`)."""
    found = [base64.b64decode(member[1]) for part in header.split(",") if (member := _MEMBER.fullmatch(part))]
    if len(found) != 1:
        raise ServiceError("request.malformed", "The digest is not of the form sha-256=:BASE64:.")
    return found[0]
