"""Sends an e-mail by a mail server under STARTTLS, which is never left out (RFC 3207)."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from dedup.notify.channels import TIMEOUT_SECONDS, MailServer, NotifyError
from dedup.notify.tries import tried

FAILED = "notify.mail-failed"


def mail(
    subject: str,
    text: str,
    server: MailServer,
    *,
    tls: ssl.SSLContext,
    now: datetime,
    sleep: Callable[[float], None],
) -> None:
    """Send the text to all recipients; raises `NotifyError` (`notify.mail-failed`) once all tries failed.

    A recipient that is refused is a failure too, although the others have it then.
    """
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = server.sender
    message["To"] = ", ".join(server.recipients)
    message["Date"] = format_datetime(now)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence notice answers it
    message.set_content(text)
    try:
        tried(lambda: _send(message, server, tls), sleep=sleep)
    except smtplib.SMTPResponseException as error:
        raise NotifyError(FAILED, f"The mail server answered with SMTP status {error.smtp_code}.") from None
    except OSError as error:  # SMTPException is one
        raise NotifyError(FAILED, f"The mail could not be sent ({type(error).__name__}).") from None


def _send(message: EmailMessage, server: MailServer, tls: ssl.SSLContext) -> None:
    try:
        with smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS) as connection:
            connection.starttls(context=tls)
            if server.user:
                connection.login(server.user, server.password)
            refused = connection.send_message(message)
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError) as error:
        raise NotifyError(FAILED, f"The mail server refused ({type(error).__name__}).") from None
    except smtplib.SMTPRecipientsRefused as error:
        if all(code < 500 for code, _ in error.recipients.values()):
            raise  # none has it yet, and the server asks to come back
        refused = error.recipients
    if refused:
        raise NotifyError(FAILED, f"The mail server refused {len(refused)} of the recipients.")
