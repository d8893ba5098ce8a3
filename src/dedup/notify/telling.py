"""Tells all channels that are set; one that fails is named, and stops neither another channel nor the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dedup.errors import DedupError
from dedup.notify.channels import NotifyError, mail_server_in, tls_context, webhook_in
from dedup.notify.mail import mail
from dedup.notify.webhook import post
from dedup.settings import Settings


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told: a subject and a text for people, a document for machines. Counts and codes, nothing else."""

    subject: str
    text: str
    document: Mapping[str, Any]


def tell(
    notice: Notice,
    settings: Settings,
    *,
    environ: Mapping[str, str],
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
) -> tuple[DedupError, ...]:
    """Tell the webhook and the mail server of `[notify]`; returns why any of them could not be told."""

    def by_webhook() -> None:
        if webhook := webhook_in(settings, environ):
            post(notice.document, webhook, tls=tls_context(settings), sleep=sleep)

    def by_mail() -> None:
        if server := mail_server_in(settings, environ):
            mail(notice.subject, notice.text, server, tls=tls_context(settings), now=clock(), sleep=sleep)

    return tuple(fault for way in (by_webhook, by_mail) if (fault := _fault_of(way)) is not None)


def _fault_of(way: Callable[[], None]) -> DedupError | None:
    try:
        way()
    except DedupError as fault:
        return fault
    except Exception as error:  # a run that is done must not end by what only tells of it
        return NotifyError("notify.bug", f"A channel could not be told, which is a bug ({type(error).__name__}).")
    return None
