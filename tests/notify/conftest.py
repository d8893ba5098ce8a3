"""A real webhook and a real mail server, both under TLS by an authority that only these tests trust."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope

from dedup.settings import Settings

SettingsOf = Callable[..., Settings]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def served_under(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@dataclass
class Hook:
    """A webhook that keeps what it was sent, and answers with `statuses` in turn, then with 204."""

    url: str
    statuses: list[int] = field(default_factory=list)
    location: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]


def serve(handle: Callable[[BaseHTTPRequestHandler], None], tls: ssl.SSLContext | None) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            handle(self)

        def do_GET(self) -> None:
            handle(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("localhost", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


def answering(hook: Hook) -> Callable[[BaseHTTPRequestHandler], None]:
    def handle(request: BaseHTTPRequestHandler) -> None:
        hook.bodies.append(request.rfile.read(int(request.headers.get("Content-Length", 0))))
        hook.headers.append(dict(request.headers))
        request.send_response(hook.statuses.pop(0) if hook.statuses else 204)
        if hook.location:
            request.send_header("Location", hook.location)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return handle


@pytest.fixture
def hook(served_under: ssl.SSLContext) -> Iterator[Hook]:
    kept = Hook("")
    server = serve(answering(kept), served_under)
    kept.url = f"https://localhost:{server.server_port}/hooks/s3cret-path"
    yield kept
    server.shutdown()
    server.server_close()


@pytest.fixture
def plain_hook() -> Iterator[Hook]:
    """One without TLS, which nothing must ever reach."""
    kept = Hook("")
    server = serve(answering(kept), None)
    kept.url = f"http://localhost:{server.server_port}/hooks/s3cret-path"
    yield kept
    server.shutdown()
    server.server_close()


@dataclass
class Mailbox:
    """A mail server that keeps what it was sent; it refuses recipients whose name starts with `nobody`."""

    port: int
    messages: list[EmailMessage] = field(default_factory=list)
    under_tls: list[bool] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    password: bytes = b""
    busy: int = 0  # how many times it says to come back later

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.busy:
            self.busy -= 1
            return "451 come back later"
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.under_tls.append(session.ssl is not None)
        return "250 OK"

    def let_in(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        self.users.append(data.login.decode())
        return AuthResult(success=data.password == self.password, handled=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def mail_server(box: Mailbox, tls: ssl.SSLContext | None) -> Controller:
    required = {"auth_required": True, "authenticator": box.let_in} if box.password else {}
    return Controller(
        box,
        hostname="localhost",
        port=box.port,
        server_hostname="localhost",
        tls_context=tls,
        require_starttls=tls is not None,
        **required,
    )


@pytest.fixture
def mailbox(served_under: ssl.SSLContext) -> Iterator[Mailbox]:
    box = Mailbox(free_port(), password=b"geheim wachtwoord")
    controller = mail_server(box, served_under)
    controller.start()
    yield box
    controller.stop()


@pytest.fixture
def settings_of(tmp_path: Path, authority: trustme.CA) -> SettingsOf:
    """Return settings with these keys of `[notify]`, under the tests' own authority."""
    (tmp_path / "config").mkdir()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    def settings(**notify: object) -> Settings:
        return Settings(tmp_path / "config", tmp_path, {"notify": {"ca_file": "ca.pem", **notify}})

    return settings
