"""Calls to a server that is judged: each made once, with what is right or wrong about it, and nothing tried again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from dedup.bundle.canonical import canonical_json
from dedup.bundle.keys import Entropy, SigningKey, b64url
from dedup.bundle.signing import ASSERTION_KIND, sign
from dedup.send.assertion import token_form
from dedup.send.credentials import Credentials
from dedup.send.errors import NoServerError, refusal
from dedup.send.statement import ServerStatement, verified_statement
from dedup.send.upload import digest_field

PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came; `code` is that of its problem document, empty where it has none."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def code(self) -> str:
        """The stable code of a refusal."""
        code = refusal(self.status, self.body).code if self.status >= 400 else ""
        return "" if code == "send.answer" else code

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object that it is, empty where it is none."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

    def is_problem(self) -> bool:
        """Return whether it is a problem document with all members that upload-v1 asks for."""
        document = self.document
        return (
            self.headers.get("Content-Type", "").startswith(PROBLEM)
            and document.get("type") == f"urn:dedup:problem:{document.get('code')}"
            and document.get("status") == self.status
            and all(isinstance(document.get(name), str) and document[name] for name in ("title", "detail", "code"))
        )


@dataclass(slots=True)
class Caller:
    """A vendor that calls a server; `seen` holds every refusal that it met outside the token endpoint."""

    http: httpx.Client
    credentials: Credentials
    now: datetime
    entropy: Entropy
    token: str = ""
    seen: list[Reply] = field(default_factory=list)
    statement: ServerStatement = field(init=False)

    def connect(self) -> Reply:
        """Ask for the keys and verify them; raises `NoServerError`."""
        reply = self.open_call("GET", "/v1/keys")
        self.statement = verified_statement(reply.document, self.credentials.receipt_keys, url=self.credentials.url)
        return reply

    def call(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, content: bytes = b"") -> Reply:
        """Make a call with the token."""
        return self.open_call(
            method, path, headers={"Authorization": f"Bearer {self.token}", **(headers or {})}, content=content
        )

    def open_call(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> Reply:
        """Make a call without a token."""
        address = path if "://" in path else f"{self.credentials.url}{path}"
        reply = self._made(self.http.build_request(method, address, headers=headers, content=content))
        if reply.status >= 400 and method != "HEAD":
            self.seen.append(reply)
        return reply

    def ask_for_token(self, assertion: str, **more: str) -> Reply:
        """Ask for a token with this assertion; a token that is given is kept."""
        form = {**token_form(assertion), **more}
        reply = self._made(self.http.build_request("POST", self.statement.token_endpoint, data=form))
        token = reply.document.get("access_token")
        if reply.status == 200 and isinstance(token, str):
            self.token = token
        return reply

    def assertion(
        self,
        *,
        kind: str = ASSERTION_KIND,
        key: SigningKey | None = None,
        age: timedelta = timedelta(),
        life: timedelta = timedelta(seconds=60),
        **claims: str,
    ) -> str:
        """Return an assertion that is right but for what is said otherwise."""
        issued = self.now - age
        right = {"iss": self.credentials.vendor, "sub": self.credentials.vendor, "aud": self.statement.issuer}
        times = {"iat": int(issued.timestamp()), "exp": int((issued + life).timestamp())}
        payload = canonical_json({**right, "jti": b64url(self.entropy(24)), **times, **claims})
        return sign(payload, key or self.credentials.signing_key, kind=kind)

    def create(self, body: Mapping[str, Any], key: str | None) -> Reply:
        """Create an upload; without `key` no Idempotency-Key goes with it."""
        named = {"Idempotency-Key": key} if key else {}
        headers = {"Content-Type": "application/json", **named}
        return self.call("POST", "/v1/submissions", headers=headers, content=canonical_json(body))

    def append(self, address: str, offset: int, chunk: bytes, *, digest_of: bytes | None = None) -> Reply:
        """Append a chunk; its digest is that of `digest_of` where that is given."""
        digest = hashlib.sha256(chunk if digest_of is None else digest_of).digest()
        headers = {
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": str(offset),
            "Content-Digest": digest_field(digest),
        }
        return self.call("PATCH", address, headers=headers, content=chunk)

    def complete(self, address: str, sha256: bytes) -> Reply:
        """Complete an upload whose file has this digest."""
        return self.call("POST", f"{address}/complete", headers={"Repr-Digest": digest_field(sha256)})

    def _made(self, request: httpx.Request) -> Reply:
        try:
            response = self.http.send(request)
        except httpx.TransportError as error:
            what = f"{request.method} {request.url.path}"
            raise NoServerError("send.gave-up", f"The connection broke or could not be made ({what}).") from error
        return Reply(response.status_code, response.headers, response.content)
