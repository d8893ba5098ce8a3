"""Tokens, used assertions and switches in the registry, on both databases."""

import threading
from datetime import timedelta

import pytest
from tests.store.conftest import NOW

from dedup.errors import StoreError
from dedup.store.audit import Actor, AuditEvent
from dedup.store.audit_search import AuditSearch, search_audit
from dedup.store.registry import Registry
from dedup.store.switches import SetSwitch, Switch, clear_switch, set_switch, switches_set
from dedup.store.tokens import KnownToken, find_token, forget_expired, keep_token, live_tokens, use_assertion

SOON = NOW + timedelta(minutes=10)
TOKEN = KnownToken("acme", "key-1", frozenset({"submissions:read", "submissions:write"}), SOON)


def test_a_token_is_found_by_its_digest_with_all_that_was_granted(registry: Registry, event: AuditEvent) -> None:
    with registry.write(event) as session:
        keep_token(session, "a" * 64, TOKEN)
    with registry.read() as session:
        assert find_token(session, "a" * 64) == TOKEN
        assert find_token(session, "b" * 64) is None


def test_live_tokens_are_those_of_the_vendor_that_have_not_expired(registry: Registry, event: AuditEvent) -> None:
    with registry.write(event) as session:
        for number, vendor in enumerate(["acme", "acme", "other"]):
            keep_token(session, f"{number:064}", KnownToken(vendor, "k", frozenset(), SOON))
    with registry.read() as session:
        assert live_tokens(session, "acme", now=NOW) == 2
        assert live_tokens(session, "acme", now=SOON) == 0


def test_an_expired_token_is_remembered_for_an_hour_and_an_assertion_until_it_would_expire(
    registry: Registry, event: AuditEvent
) -> None:
    with registry.write(event) as session:
        keep_token(session, "a" * 64, TOKEN)
        assert use_assertion(session, "c" * 64, until=SOON)
    with registry.write(event) as session:
        forget_expired(session, now=SOON + timedelta(minutes=60))
        assert find_token(session, "a" * 64) == TOKEN
        assert use_assertion(session, "c" * 64, until=SOON)  # forgotten: it would no longer be good
    with registry.write(event) as session:
        forget_expired(session, now=SOON + timedelta(minutes=61))
        assert find_token(session, "a" * 64) is None


def test_of_many_who_use_one_assertion_at_once_exactly_one_may(registry: Registry, event: AuditEvent) -> None:
    first: list[bool] = []

    def use() -> None:
        with registry.write(event) as session:
            first.append(use_assertion(session, "c" * 64, until=SOON))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(first) == [False] * 7 + [True]


def test_a_switch_is_set_again_with_another_reason_and_cleared(registry: Registry) -> None:
    for reason in ("first", "second"):
        set_switch(registry, SetSwitch(Switch.BLOCK_VENDOR, "acme", reason, "ops", NOW))
    with registry.read() as session:
        (known,) = switches_set(session).all
    assert known == SetSwitch(Switch.BLOCK_VENDOR, "acme", "second", "ops", NOW)

    clear_switch(registry, Switch.BLOCK_VENDOR, "acme", reason="done", by="ops", at=NOW)
    with registry.read() as session:
        assert switches_set(session).all == ()
        noted = search_audit(session, AuditSearch(event="switch."))
    assert [(one.event, one.target, one.ground) for one in noted] == [
        ("switch.set", "block-vendor:acme", "first"),
        ("switch.set", "block-vendor:acme", "second"),
        ("switch.cleared", "block-vendor:acme", "done"),
    ]


def test_clearing_what_is_not_set_leaves_no_event(registry: Registry) -> None:
    with pytest.raises(StoreError, match="not set"):
        clear_switch(registry, Switch.READ_ONLY, "", reason="x", by="ops", at=NOW)
    assert registry.audit_head().number == 0


def test_events_of_one_transaction_are_chained_in_their_order(registry: Registry) -> None:
    events = [AuditEvent(f"test.{n}", NOW, Actor("a", "system"), "x", "test") for n in range(50)]
    with registry.write(*events):
        pass
    assert registry.verify_audit().number == 50
    with registry.read() as session:
        found = search_audit(session, AuditSearch(limit=3))
    assert [one.event for one in found] == ["test.47", "test.48", "test.49"]


def test_a_search_takes_letters_as_they_are(registry: Registry, event: AuditEvent) -> None:
    """`_` and `%` stand for themselves, not for any letter."""
    with registry.write(event):
        pass
    with registry.read() as session:
        assert len(search_audit(session, AuditSearch(event="test."))) == 1
        assert search_audit(session, AuditSearch(event="tes_.")) == []
        assert search_audit(session, AuditSearch(event="%.")) == []
