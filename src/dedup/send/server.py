"""Calls to the upload server: verified keys first, a token that is renewed, and tries until there is an answer."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

import httpx

from dedup.bundle.keys import Entropy
from dedup.send.assertion import client_assertion, token_form
from dedup.send.credentials import Credentials
from dedup.send.errors import NoServerError, ServerRefusedError, refusal
from dedup.send.patience import Patience
from dedup.send.statement import CLOCKS_MAY_DIFFER, ServerStatement, refuse_unless_current, verified_statement

PASSING = frozenset({408, 429, 500, 502, 503, 504, 507})  # docs/spec/upload-v1.md, section 6: worth another try
TIMEOUT = httpx.Timeout(30.0, read=300.0)  # the server reads a whole bundle from disk before it answers a completion
NOT_THE_PROTOCOL = "The server's answer is not of the upload protocol; is this its URL?"
_RENEW_BEFORE = 30.0
_MAX_ANSWER = 4 << 20


class PassingTroubleError(Exception):
    """A call that got no answer, or one that asks to come again: `why` in words, and how many seconds from now."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.why = why
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose body was read; `refused` turns it into an error."""

    status: int
    headers: httpx.Headers
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the JSON object that it is; raises `NoServerError` (`send.answer`)."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise NoServerError("send.answer", NOT_THE_PROTOCOL)
        return document

    def refused(self) -> ServerRefusedError:
        """Return the refusal that this answer is."""
        return refusal(self.status, self.body)


@dataclass(slots=True)
class UploadServer:
    """A server to upload to; `statement` is what it says of itself, asked for and verified by `connect`."""

    http: httpx.Client
    credentials: Credentials
    patience: Patience
    clock: Callable[[], datetime]
    entropy: Entropy
    statement: ServerStatement | None = field(default=None, init=False)
    _token: str = field(default="", init=False)
    _token_ends: float = field(default=0.0, init=False)

    @property
    def says(self) -> ServerStatement:
        """What the server says of itself; `connect` first."""
        if self.statement is None:
            raise RuntimeError("not connected")
        return self.statement

    def connect(self) -> ServerStatement:
        """Ask for the server's keys and verify them; raises `NoServerError`."""
        answer = self._until_answered(lambda: self._request("GET", f"{self.credentials.url}/v1/keys"))
        if answer.status != 200:
            raise NoServerError("send.answer", NOT_THE_PROTOCOL)
        statement = verified_statement(answer.json(), self.credentials.receipt_keys, url=self.credentials.url)
        refuse_unless_current(statement, now=self.clock(), seen=self.credentials.keys_issued_at)
        self.statement = statement
        return statement

    def call(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, content: bytes = b"") -> Answer:
        """Return the answer to a call that may be repeated without harm, tried until there is one."""
        return self._until_answered(lambda: self.call_once(method, path, headers=headers, content=content))

    def call_once(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> Answer:
        """Return the answer to a call that is made once, or twice where a token has ended; raises on passing trouble.

        Raises `PassingTroubleError`, and `NoServerError`, also when the vendor gets no token.
        """
        for token in (self._current_token, self._fresh_token):
            bearer = {"Authorization": f"Bearer {token()}"}
            answer = self._request(method, self.absolute(path), headers={**(headers or {}), **bearer}, content=content)
            if answer.status != 401:
                break
        return answer

    def absolute(self, path: str) -> str:
        """Return the address of a path of this server; raises `NoServerError` (`send.other-server`)."""
        address = urljoin(f"{self.credentials.url}/", path) if "://" in path else f"{self.credentials.url}{path}"
        if not address.startswith(f"{self.credentials.url}/"):
            raise NoServerError("send.other-server", "The server points to another server; nothing is sent there.")
        return address

    def _current_token(self) -> str:
        return self._token if self.patience.monotonic() < self._token_ends - _RENEW_BEFORE else self._fresh_token()

    def _fresh_token(self) -> str:
        now = self.clock()
        assertion = client_assertion(
            vendor=self.credentials.vendor,
            issuer=self.says.issuer,
            key=self.credentials.signing_key,
            now=now,
            entropy=self.entropy,
        )
        answer = self._request("POST", self.says.token_endpoint, form=token_form(assertion))
        if answer.status != 200:
            raise self._no_token(answer, now)
        document = answer.json()
        token, seconds = document.get("access_token"), document.get("expires_in")
        if not isinstance(token, str) or not isinstance(seconds, int):
            raise NoServerError("send.answer", NOT_THE_PROTOCOL)
        self._token, self._token_ends = token, self.patience.monotonic() + seconds
        return token

    def _no_token(self, answer: Answer, now: datetime) -> NoServerError:
        """Say why the vendor gets no token, and that its clock is wrong where that may be the reason."""
        refused = answer.refused()
        try:
            apart = (now - parsedate_to_datetime(answer.headers.get("Date", ""))).total_seconds()
        except (ValueError, TypeError):
            apart = 0.0
        order = "ahead of" if apart > 0 else "behind"
        hint = f" This machine's clock is {abs(apart):.0f} seconds {order} the server's."
        return NoServerError(
            refused.code, refused.message + (hint if abs(apart) > CLOCKS_MAY_DIFFER.total_seconds() else "")
        )

    def _until_answered(self, attempt: Callable[[], Answer]) -> Answer:
        while True:
            try:
                answer = attempt()
            except PassingTroubleError as trouble:
                self.patience.wait(trouble.why, trouble.wait)
            else:
                return answer

    def _request(
        self,
        method: str,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        try:
            body = {"data": dict(form)} if form else {"content": content}
            with self.http.stream(method, address, headers=dict(headers or {}), **body) as response:
                answer = Answer(response.status_code, response.headers, _bounded(response))
        except httpx.DecodingError as error:
            raise NoServerError("send.answer", NOT_THE_PROTOCOL) from error
        except httpx.TransportError as error:
            if _is_about_the_certificate(error):
                raise NoServerError(
                    "send.certificate",
                    "The server's certificate is not trusted on this machine; SSL_CERT_FILE names more authorities.",
                ) from error
            raise PassingTroubleError(f"The server cannot be reached ({_in_words(error)})") from error
        if answer.status in PASSING or (answer.status == 409 and "Retry-After" in answer.headers):
            raise PassingTroubleError(_reason(answer), _retry_after(answer))
        return answer


def _bounded(response: httpx.Response) -> bytes:
    body = b""
    for part in response.iter_bytes():
        body += part
        if len(body) > _MAX_ANSWER:
            raise NoServerError("send.answer", NOT_THE_PROTOCOL)
    return body


def _reason(answer: Answer) -> str:
    """Return the server's own sentence on why it cannot answer now, where it gives one."""
    refused = answer.refused()
    known = refused.code != "send.answer"
    return refused.message.rstrip(".") if known else f"The server has no answer now (HTTP {answer.status})"


def _retry_after(answer: Answer) -> float:
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 7 else 0.0


def _is_about_the_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _in_words(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it took too long"
    if isinstance(error, httpx.ConnectError):
        return "no connection"
    return "the connection broke"
