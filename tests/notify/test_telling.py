"""Channels are told over TLS or not at all, and one that fails is named without its address or secret."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dedup.errors import DedupError
from dedup.notify.telling import Notice, tell
from dedup.settings import Settings

from .conftest import Hook, Mailbox, SettingsOf, free_port, mail_server

NOTICE = Notice("nacht van 22 november 2026: klaar", "Zoë telde 3 bevindingen.", {"text": "Zoë", "counts": {"new": 3}})
NOW = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)


def told(settings: Settings, **environ: str) -> tuple[list[DedupError], list[float]]:
    pauses: list[float] = []
    faults = tell(NOTICE, settings, environ=environ, clock=lambda: NOW, sleep=pauses.append)
    return list(faults), pauses


def mail_settings(box: Mailbox, **more: object) -> dict[str, object]:
    return {
        "mail_host": "localhost",
        "mail_port": box.port,
        "mail_from": "Ontdubbelen <dedup@ksv.example>",
        "mail_to": ["beheer@ksv.example", "wacht@ksv.example"],
        "mail_user": "dedup",
        "mail_password_env": "MAIL_PASSWORD",
        **more,
    }


def test_without_channels_nobody_is_told_and_nothing_fails(settings_of: SettingsOf) -> None:
    assert told(settings_of()) == ([], [])


def test_a_webhook_gets_the_document(settings_of: SettingsOf, hook: Hook) -> None:
    assert told(settings_of(webhook_url_env="HOOK"), HOOK=hook.url) == ([], [])

    assert hook.documents() == [NOTICE.document]
    assert hook.headers[0]["Content-Type"] == "application/json; charset=utf-8"


def test_a_webhooks_address_can_lie_in_a_private_file(settings_of: SettingsOf, hook: Hook, tmp_path: Path) -> None:
    file = tmp_path / "webhook.url"
    file.write_text(f"{hook.url}\n")
    settings = settings_of(webhook_url_file="webhook.url")
    file.chmod(0o640)
    [fault], _ = told(settings)
    file.chmod(0o600)

    assert fault.code == "notify.secret-exposed"
    assert told(settings) == ([], [])
    assert len(hook.bodies) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_webhook_that_is_busy_is_tried_again(settings_of: SettingsOf, hook: Hook, status: int) -> None:
    hook.statuses = [status, status]

    assert told(settings_of(webhook_url_env="HOOK"), HOOK=hook.url) == ([], [2.0, 8.0])
    assert len(hook.bodies) == 3


@pytest.mark.parametrize(("statuses", "tries"), [([500] * 3, 3), ([404], 1), ([401], 1)])
def test_a_webhook_that_refuses_is_named_without_its_address(
    settings_of: SettingsOf, hook: Hook, statuses: list[int], tries: int
) -> None:
    hook.statuses = list(statuses)
    [fault], _ = told(settings_of(webhook_url_env="HOOK"), HOOK=hook.url)

    assert fault.code == "notify.webhook-failed"
    assert str(statuses[0]) in fault.message
    assert "s3cret" not in fault.message
    assert "localhost" not in fault.message
    assert len(hook.bodies) == tries


def test_a_redirect_is_not_followed(settings_of: SettingsOf, hook: Hook, plain_hook: Hook) -> None:
    hook.statuses, hook.location = [307], plain_hook.url
    [fault], _ = told(settings_of(webhook_url_env="HOOK"), HOOK=hook.url)

    assert fault.code == "notify.webhook-failed"
    assert plain_hook.bodies == []


@pytest.mark.parametrize("address", ["", "https://", "https://[", "ftp://localhost/x", "https://local host/x", "x"])
def test_only_https_addresses_are_taken(settings_of: SettingsOf, plain_hook: Hook, address: str) -> None:
    [fault], pauses = told(settings_of(webhook_url_env="HOOK"), HOOK=address or plain_hook.url)

    assert (fault.code, pauses) == ("notify.not-https", [])
    assert plain_hook.bodies == []


def test_a_webhook_of_an_unknown_authority_is_sent_nothing(settings_of: SettingsOf, hook: Hook) -> None:
    [fault], _ = told(settings_of(webhook_url_env="HOOK", ca_file=""), HOOK=hook.url)

    assert fault.code == "notify.webhook-failed"
    assert hook.bodies == []


def test_a_mail_goes_to_all_recipients_under_tls(settings_of: SettingsOf, mailbox: Mailbox) -> None:
    assert told(settings_of(**mail_settings(mailbox)), MAIL_PASSWORD="geheim wachtwoord") == ([], [])

    [message] = mailbox.messages
    assert message["Subject"] == NOTICE.subject
    assert message["To"] == "beheer@ksv.example, wacht@ksv.example"
    assert message["Date"] == "Sun, 22 Nov 2026 02:30:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().strip() == NOTICE.text
    assert mailbox.under_tls == [True]
    assert mailbox.users == ["dedup"]


def test_a_mail_server_of_an_unknown_authority_is_told_nothing(settings_of: SettingsOf, mailbox: Mailbox) -> None:
    settings = settings_of(**mail_settings(mailbox, ca_file=""))
    [fault], _ = told(settings, MAIL_PASSWORD="geheim wachtwoord")

    assert fault.code == "notify.mail-failed"
    assert mailbox.users == []
    assert mailbox.messages == []


def test_a_wrong_password_is_named_and_not_tried_again(settings_of: SettingsOf, mailbox: Mailbox) -> None:
    [fault], pauses = told(settings_of(**mail_settings(mailbox)), MAIL_PASSWORD="raadsel")

    assert (fault.code, pauses) == ("notify.mail-failed", [])
    assert "raadsel" not in fault.message
    assert mailbox.messages == []


def test_a_mail_server_that_is_busy_is_tried_again(settings_of: SettingsOf, mailbox: Mailbox) -> None:
    mailbox.busy = 2
    settings = settings_of(**mail_settings(mailbox, mail_to=["beheer@ksv.example"]))
    faults, pauses = told(settings, MAIL_PASSWORD="geheim wachtwoord")

    assert (faults, pauses) == ([], [2.0, 8.0])
    assert len(mailbox.messages) == 1


def test_a_recipient_that_is_refused_is_a_failure_and_the_others_have_one_mail(
    settings_of: SettingsOf, mailbox: Mailbox
) -> None:
    recipients = ["nobody@ksv.example", "beheer@ksv.example"]
    [fault], pauses = told(settings_of(**mail_settings(mailbox, mail_to=recipients)), MAIL_PASSWORD="geheim wachtwoord")

    assert (fault.code, pauses) == ("notify.mail-failed", [])
    assert "nobody" not in fault.message
    assert len(mailbox.messages) == 1


def test_without_starttls_nothing_is_sent(settings_of: SettingsOf) -> None:
    box = Mailbox(free_port())
    controller = mail_server(box, None)
    controller.start()
    try:
        [fault], _ = told(settings_of(**mail_settings(box)), MAIL_PASSWORD="geheim wachtwoord")
    finally:
        controller.stop()

    assert fault.code == "notify.mail-failed"
    assert box.messages == []
    assert box.users == []


def test_a_channel_that_fails_stops_no_other(settings_of: SettingsOf, mailbox: Mailbox) -> None:
    settings = settings_of(webhook_url_env="HOOK", **mail_settings(mailbox))
    faults, _ = told(settings, HOOK=f"https://localhost:{free_port()}/", MAIL_PASSWORD="geheim wachtwoord")

    assert [fault.code for fault in faults] == ["notify.webhook-failed"]
    assert len(mailbox.messages) == 1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"webhook_url_env": "NOT_THERE"}, "notify.secret-missing"),
        ({"webhook_url_file": "not-there"}, "notify.secret-missing"),
        ({"webhook_url_env": "HOOK", "ca_file": "not-there"}, "notify.ca-file"),
        ({"mail_host": "localhost"}, "notify.mail-setting"),
        ({"mail_host": "localhost", "mail_from": "a@b", "mail_to": "c@d"}, "notify.mail-setting"),
        ({"mail_host": "localhost", "mail_from": "a@b", "mail_to": ["c@d\nBcc: e@f"]}, "notify.mail-setting"),
        ({"mail_host": "localhost", "mail_from": "a@b", "mail_to": ["c@d"], "mail_port": "x"}, "config.setting"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(settings_of: SettingsOf, wrong: dict[str, object], code: str) -> None:
    faults, pauses = told(settings_of(**wrong), HOOK="https://localhost/")

    assert ([fault.code for fault in faults], pauses) == ([code], [])
