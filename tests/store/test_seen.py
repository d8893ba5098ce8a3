"""What the server saw itself: first and last dates of a registration, and changes of its identity."""

from datetime import date

from sqlalchemy import select

from dedup.store.audit import AuditEvent
from dedup.store.registry import Registry
from dedup.store.seen import IdentityTag, RegistrationTag, forget_unseen, leave_epochs, look_at, record_look
from dedup.store.tables import SeenRow

ANNE, BEA = RegistrationTag(b"a" * 32), RegistrationTag(b"b" * 32)
SAME, OTHER = IdentityTag(b"1" * 32), IdentityTag(b"2" * 32)
DAY = [date(2026, 11, day) for day in range(1, 10)]


def look(
    registry: Registry,
    event: AuditEvent,
    today: date,
    identities: dict[RegistrationTag, IdentityTag],
    epoch: str = "epoch-1",
) -> dict[RegistrationTag, tuple[date, date, int]]:
    with registry.read() as session:
        seen = look_at(session, "12345678", epoch, identities, today)
    with registry.write(event) as session:
        record_look(session, seen)
    return {tag: (s.first_seen, s.identity_since, s.identity_changes) for tag, s in seen.sightings.items()}


def test_a_registration_keeps_the_day_on_which_it_was_first_seen(registry: Registry, event: AuditEvent) -> None:
    look(registry, event, DAY[0], {ANNE: SAME})
    assert look(registry, event, DAY[1], {ANNE: SAME, BEA: SAME}) == {
        ANNE: (DAY[0], DAY[0], 0),
        BEA: (DAY[1], DAY[1], 0),
    }


def test_it_keeps_that_day_when_it_was_gone_for_a_while(registry: Registry, event: AuditEvent) -> None:
    look(registry, event, DAY[0], {ANNE: SAME})
    look(registry, event, DAY[1], {})
    assert look(registry, event, DAY[2], {ANNE: SAME})[ANNE] == (DAY[0], DAY[0], 0)


def test_a_changed_identity_is_dated_and_counted(registry: Registry, event: AuditEvent) -> None:
    look(registry, event, DAY[0], {ANNE: SAME})
    assert look(registry, event, DAY[1], {ANNE: OTHER})[ANNE] == (DAY[0], DAY[1], 1)
    assert look(registry, event, DAY[2], {ANNE: OTHER})[ANNE] == (DAY[0], DAY[1], 1)
    assert look(registry, event, DAY[3], {ANNE: SAME})[ANNE] == (DAY[0], DAY[3], 2)


def test_the_same_day_again_changes_nothing(registry: Registry, event: AuditEvent) -> None:
    look(registry, event, DAY[0], {ANNE: SAME})
    first = look(registry, event, DAY[1], {ANNE: OTHER})
    assert look(registry, event, DAY[1], {ANNE: OTHER}) == first


def test_another_epoch_is_no_change_of_identity_and_hides_none(registry: Registry, event: AuditEvent) -> None:
    look(registry, event, DAY[0], {ANNE: SAME})
    assert look(registry, event, DAY[1], {ANNE: OTHER}, epoch="epoch-2")[ANNE] == (DAY[0], DAY[0], 0)
    assert look(registry, event, DAY[2], {ANNE: SAME}, epoch="epoch-2")[ANNE] == (DAY[0], DAY[2], 1)


def test_other_providers_registrations_are_others(registry: Registry, event: AuditEvent) -> None:
    look(registry, event, DAY[0], {ANNE: SAME})
    with registry.read() as session:
        seen = look_at(session, "87654321", "epoch-1", {ANNE: SAME}, DAY[1])
    assert seen.sightings[ANNE].first_seen == DAY[1]


def test_a_night_on_which_nothing_changed_writes_nothing(registry: Registry, event: AuditEvent) -> None:
    look(registry, event, DAY[0], {ANNE: SAME, BEA: SAME})
    with registry.read() as session:
        seen = look_at(session, "12345678", "epoch-1", {ANNE: SAME, BEA: SAME}, DAY[1])
    assert (seen.fresh, seen.changed, seen.gone) == (frozenset(), frozenset(), frozenset())


def test_what_left_long_ago_is_forgotten_and_what_came_back_is_not(registry: Registry, event: AuditEvent) -> None:
    look(registry, event, DAY[0], {ANNE: SAME, BEA: SAME})
    look(registry, event, DAY[2], {})
    look(registry, event, DAY[3], {BEA: SAME})
    look(registry, event, DAY[4], {BEA: SAME})
    with registry.write(event) as session:
        assert forget_unseen(session, before=DAY[2]) == 0
        assert forget_unseen(session, before=DAY[3]) == 1
    with registry.read() as session:
        assert list(session.scalars(select(SeenRow.registration))) == [BEA]


def test_an_epoch_that_is_left_is_forgotten_in_its_time(registry: Registry, event: AuditEvent) -> None:
    look(registry, event, DAY[0], {ANNE: SAME})
    look(registry, event, DAY[1], {ANNE: OTHER}, epoch="epoch-2")
    for day in (DAY[2], DAY[4]):
        with registry.write(event) as session:
            leave_epochs(session, {"epoch-2"}, day)
    with registry.write(event) as session:
        assert forget_unseen(session, DAY[2]) == 0
        assert forget_unseen(session, DAY[3]) == 1
    with registry.read() as session:
        assert session.scalars(select(SeenRow.epoch_key_id)).all() == ["epoch-2"]
