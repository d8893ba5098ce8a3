"""The channels of `[notify]` in `settings.toml`: where to tell, and where the secrets for that lie."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from typing import NewType
from urllib.parse import urlsplit

from dedup.errors import DedupError
from dedup.settings import Settings

Secret = NewType("Secret", str)

SECTION = "notify"
SUBMISSION_PORT = 587  # RFC 6409
TIMEOUT_SECONDS = 10


class NotifyError(DedupError):
    """A channel that could not be used; neither its address nor its secret is ever in the sentence."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An HTTPS address that is told by POST; the address is itself the secret."""

    url: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server that is spoken to under STARTTLS; without `user` it is not asked to let us in."""

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    user: str = ""
    password: Secret = field(default=Secret(""), repr=False)


def webhook_in(settings: Settings, environ: Mapping[str, str]) -> Webhook | None:
    """Return the webhook of `webhook_url_env` or `webhook_url_file`, None when neither is set.

    Raises `NotifyError`: `notify.secret-missing`, `notify.secret-exposed`, and `notify.not-https`.
    """
    url = _secret(settings, "webhook_url", environ)
    if url is None:
        return None
    if not _is_https(url):
        raise NotifyError("notify.not-https", "The webhook's address must be an HTTPS address.")
    return Webhook(url)


def mail_server_in(settings: Settings, environ: Mapping[str, str]) -> MailServer | None:
    """Return the mail server of `mail_host`, None when that is not set.

    Raises `NotifyError` as `webhook_in` does, and `notify.mail-setting`.
    """
    section = settings.section(SECTION)
    if not (host := section.get("mail_host")):
        return None
    sender, recipients = section.get("mail_from"), section.get("mail_to")
    if not _is_address(sender) or not isinstance(recipients, list) or not recipients:
        raise _mail_setting()
    if not isinstance(host, str) or not all(map(_is_address, recipients)):
        raise _mail_setting()
    return MailServer(
        host=host,
        port=settings.count(SECTION, "mail_port", SUBMISSION_PORT),
        sender=str(sender),
        recipients=tuple(recipients),
        user=str(section.get("mail_user", "")),
        password=_secret(settings, "mail_password", environ) or Secret(""),
    )


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Return how servers are verified: against the system's authorities, or those of `[notify] ca_file` alone.

    Raises `NotifyError` (`notify.ca-file`).
    """
    named = settings.section(SECTION).get("ca_file")
    try:
        return ssl.create_default_context(cafile=str(settings.root / str(named)) if named else None)
    except OSError as error:  # SSLError is one
        raise NotifyError("notify.ca-file", "The file of [notify] ca_file holds no certificate.") from error


def _secret(settings: Settings, name: str, environ: Mapping[str, str]) -> Secret | None:
    """Return a secret from the environment variable `NAME_env` or the private file `NAME_file`."""
    section = settings.section(SECTION)
    if variable := section.get(f"{name}_env"):
        value = environ.get(str(variable), "").strip()
        if not value:
            raise NotifyError("notify.secret-missing", f"The environment variable of [notify] {name}_env is not set.")
        return Secret(value)
    if file := section.get(f"{name}_file"):
        return _secret_in(settings.root / str(file), f"{name}_file")
    return None


def _secret_in(path: Path, setting: str) -> Secret:
    try:
        exposed = path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        value = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotifyError("notify.secret-missing", f"The file of [notify] {setting} cannot be read.") from error
    if exposed:
        raise NotifyError("notify.secret-exposed", f"The file of [notify] {setting} can be read by others; chmod 600.")
    if not value:
        raise NotifyError("notify.secret-missing", f"The file of [notify] {setting} is empty.")
    return Secret(value)


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and url.isascii() and url.isprintable() and " " not in url


def _is_address(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and parseaddr(value)[1].count("@") == 1


def _mail_setting() -> NotifyError:
    return NotifyError("notify.mail-setting", "[notify] needs mail_host, mail_from and a list mail_to of addresses.")
