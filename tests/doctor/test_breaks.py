"""Whatever breaks in an installation is named: one thing at a time, by its own check and no other."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from dedup.bundle.keyfiles import LinkageKey, ReceiptSigningKey, SealingPrivateKey, write_key
from dedup.bundle.receiptrotation import rotate_receipt_key
from dedup.bundle.serverkeys import rotate_sealing_key
from dedup.bundle.vendors import load_trusted_vendors, register_vendor, withdraw_key
from dedup.doctor import Finding, Outcome
from dedup.lab.installation import Installation
from dedup.nightly.monthly import write_insurer_reports
from dedup.nightly.night import open_night
from dedup.nightly.run import Stage, run_night
from dedup.store.registry import Registry, registry_url
from dedup.store.switches import SetSwitch, Switch, set_switch

from .conftest import MORNING, found, look, set_setting

Break = Callable[[Installation], object]
FAILED, WARNING = Outcome.FAILED, Outcome.WARNING


def in_config(name: str, content: str) -> Break:
    return lambda one: (one.folder / "config" / name).write_text(content, "utf-8")


def setting(section: str, line: str) -> Break:
    return lambda one: set_setting(one, section, line)


def mode(name: str, bits: int) -> Break:
    return lambda one: (one.settings.server_home / name).chmod(bits)


def sql(statement: str) -> Break:
    """Change the registry behind the program's back, as who has the database can."""

    def run(one: Installation) -> None:
        connection = sqlite3.connect(one.settings.server_home / "store" / "registry.sqlite")
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute(statement)
        connection.commit()
        connection.close()

    return run


def other_pair(name: str, kind: type[SealingPrivateKey] | type[ReceiptSigningKey]) -> Break:
    def put(one: Installation) -> None:
        (one.server_keys / f"{name}.pub").unlink()
        write_key(one.server_keys / f"{name}.pub", kind.generate().public(), created=MORNING)

    return put


def vendor_without_key(one: Installation) -> None:
    folder = one.server_keys / "vendors"
    for key_id, trusted in load_trusted_vendors(folder).items():
        if trusted.vendor == one.vendors[0]:
            withdraw_key(folder, vendor=trusted.vendor, key_id=key_id, changed=MORNING)


def key_of_a_month(one: Installation) -> None:
    folder = one.server_keys / "vendors"
    known = next(iter(load_trusted_vendors(folder).values()))
    until = MORNING.date() + timedelta(days=29)
    told = {"vendor": known.vendor, "key": known.key, "providers": known.providers}
    register_vendor(folder, **told, created=MORNING, until=until)


def lost_object(one: Installation) -> None:
    next((one.settings.server_home / "store" / "link-views").iterdir()).unlink()


def failed_night(one: Installation) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        open_night(one.settings, today=date(2026, 11, 22), clock=lambda: datetime(2026, 11, 22, 2, tzinfo=UTC)),
    ):
        raise ZeroDivisionError


def switched(one: Installation) -> None:
    registry = Registry(registry_url(one.settings))
    set_switch(registry, SetSwitch(Switch.BLOCK_VENDOR, "acme", "its laptop was stolen", "operator", MORNING))
    registry.close()


def a_file_for_the_inbox(one: Installation) -> None:
    shutil.rmtree(one.inbox)
    one.inbox.write_text("")


def waiting_bundle(one: Installation) -> None:
    bundle = one.inbox / "41000001.bundle"
    bundle.write_bytes(b"")
    os.utime(bundle, times=((MORNING - timedelta(days=2)).timestamp(),) * 2)


def kept_in(folder: str) -> Break:
    return lambda one: (one.inbox / folder / "41000001.bundle").write_bytes(b"")


BREAKS: dict[str, tuple[Break, str, Outcome, str]] = {
    "a setting that nothing reads": (setting("nightly", "drop_days = 1"), "settings", WARNING, ""),
    "a text for a number": (in_config("settings.toml", '[nightly]\ndrop_after_days = "42"\n'), "settings", FAILED, ""),
    "rules that are no TOML": (in_config("rules.toml", "x"), "rules", FAILED, "findings.rules-unreadable"),
    "a region table without ranges": (
        in_config("regions.csv", "pc4_from;pc4_to;ksv;ksv_naam\n"), "regions", FAILED, "regions.empty"
    ),
    "a KSV that nobody knows": (in_config("ksv.toml", "[KSV99]\n"), "ksvs", WARNING, ""),
    "a secret that is not set": (
        setting("notify", 'webhook_url_env = "DEDUP_NOWHERE"'), "notify", FAILED, "notify.secret-missing"
    ),
    "an address without TLS": (setting("service", 'issuer = "http://upload.example.nl"'), "issuer", FAILED, ""),
    "a linkage key": (
        lambda one: write_key(one.server_keys / "epoch.key", LinkageKey.generate(), created=MORNING),
        "linkage-key", FAILED, "key.linkage-key-on-server",
    ),
    "a key that is lost": (lambda one: (one.server_keys / "ingest.key").unlink(), "keys", FAILED, "key.missing"),
    "keys behind an open door": (mode("keys", 0o755), "key-modes", FAILED, ""),
    "another server's sealing.pub": (other_pair("sealing", SealingPrivateKey), "sealing-keys", FAILED, ""),
    "another server's receipts.pub": (other_pair("receipts", ReceiptSigningKey), "receipt-keys", FAILED, ""),
    "a vendor without a key": (vendor_without_key, "vendors", WARNING, ""),
    "a key of a vendor that ends within a month": (key_of_a_month, "vendor-keys", WARNING, ""),
    "epochs that are none": (
        lambda one: (one.server_keys / "epochs.json").write_text("{}"), "epochs", FAILED, "key.malformed"
    ),
    "an open store": (mode("store/joined", 0o750), "store-modes", FAILED, ""),
    "a registry that is damaged": (
        lambda one: (one.settings.server_home / "store" / "registry.sqlite").write_bytes(b"x" * 4096),
        "registry", FAILED, "store.unavailable",
    ),
    "a registry of an earlier version": (
        sql("UPDATE alembic_version SET version_num = '0003'"), "registry", WARNING, ""
    ),
    "a registry of a later version": (
        sql("UPDATE alembic_version SET version_num = '9999'"), "registry", FAILED, "store.newer-schema"
    ),
    "an event that was changed": (
        sql("UPDATE audit SET ground = 'x' WHERE number = 2"), "audit", FAILED, "store.audit-broken"
    ),
    "an object that is lost": (lost_object, "objects", FAILED, ""),
    "an accepted bundle that is lost": (
        sql("UPDATE submissions SET state = 'accepted' WHERE id = (SELECT min(id) FROM submissions)"),
        "accepted", FAILED, "",
    ),
    "a night that failed": (failed_night, "night", FAILED, ""),
    "a switch": (switched, "switches", WARNING, ""),
    "a file for the inbox": (a_file_for_the_inbox, "inbox", FAILED, ""),
    "an inbox for everybody": (mode("inbox", 0o777), "inbox", FAILED, ""),
    "a bundle that nobody fetches": (waiting_bundle, "inbox", WARNING, ""),
    "a bundle left by a crash": (kept_in(".claimed"), "claimed", WARNING, ""),
    "a refused bundle": (kept_in("rejected"), "refused", WARNING, ""),
}  # fmt: skip


# What rests on the same file, and is named too.
ALSO = {
    "a linkage key": {"doctor.keys"},
    "a region table without ranges": {"doctor.ksvs"},
    "epochs that are none": {"doctor.keys"},
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_is_named(patient: Installation, name: str) -> None:
    breaks, what, outcome, cause = BREAKS[name]
    breaks(patient)
    unwell = {one.code: one for one in look(patient).findings if one.outcome in {WARNING, FAILED}}

    told = unwell.pop(f"doctor.{what}")
    assert (told.outcome, told.cause) == (outcome, cause)
    assert told.remedy
    assert unwell.keys() <= ALSO.get(name, set())


def test_a_disk_that_is_nearly_full_is_told_before_it_is(patient: Installation) -> None:
    free = shutil.disk_usage(patient.folder).free
    path = patient.folder / "config" / "settings.toml"
    usual = path.read_text("utf-8")
    outcomes = []
    for keep in (free // 10, free * 2 // 3, free * 2):
        path.write_text(usual.replace("keep_free_bytes = 1073741824", f"keep_free_bytes = {keep}"), "utf-8")
        outcomes.append(next(one.outcome for one in look(patient).findings if one.code == "doctor.disk"))

    assert outcomes == [Outcome.OK, WARNING, FAILED]


def test_nights_that_stand_still_are_told_after_a_day_and_a_half(healthy: Installation) -> None:
    def at(hours: int) -> Outcome:
        now = datetime(2026, 11, 22, 1, 15, tzinfo=UTC) + timedelta(hours=hours)
        return next(one.outcome for one in look(healthy, now=now).findings if one.code == "doctor.night")

    assert [at(24), at(35), at(37), at(24 * 30)] == [Outcome.OK, Outcome.OK, WARNING, WARNING]


def test_a_monthly_run_does_not_hide_that_nights_stand_still(patient: Installation) -> None:
    moment = datetime(2026, 11, 30, 4, tzinfo=UTC)
    with open_night(patient.settings, today=moment.date(), clock=lambda: moment) as night:
        write_insurer_reports(night, "2026-11")

    told = found(patient, "doctor.night", now=moment + timedelta(hours=1))
    assert told.outcome is WARNING
    assert "that of 2026-11-22" in told.sentence


def test_runs_that_only_open_bundles_are_no_failed_nights(patient: Installation) -> None:
    """They have no result either, and run every few minutes where vendors are to hear at once."""
    moment = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
    with open_night(patient.settings, today=date(2026, 11, 22), clock=lambda: moment) as night:
        run_night(night, until=Stage.INGEST)

    assert look(patient).is_well
    assert look(patient).counted(WARNING) == 0


def test_a_key_is_told_30_days_before_its_last_day_and_when_that_is_over(patient: Installation) -> None:
    key_of_a_month(patient)
    vendor = min(patient.vendors)

    def at(days: int) -> Finding:
        return found(patient, "doctor.vendor-keys", now=MORNING + timedelta(days=days))

    assert [at(days).outcome for days in (-2, -1, 29, 30)] == [Outcome.OK, WARNING, WARNING, WARNING]
    assert f"{vendor} (after 2026-12-21)" in at(29).sentence
    assert f"{vendor} (since 2026-12-21)" in at(30).sentence


def test_a_change_of_receipt_key_that_is_under_way_is_well(patient: Installation) -> None:
    rotate_receipt_key(patient.server_keys, created=MORNING)
    rotate_sealing_key(patient.server_keys, created=MORNING)

    assert [one for one in look(patient).findings if one.outcome is not Outcome.OK] == []


def test_a_registry_on_postgresql_is_looked_into_and_left_as_it_is(patient: Installation, postgresql_url: str) -> None:
    set_setting(patient, "store", f'url = "{postgresql_url}"')
    empty = {one.code: one.outcome for one in look(patient).findings}
    Registry(postgresql_url).close()
    made = {one.code: one.outcome for one in look(patient).findings}

    assert (empty["doctor.registry"], empty["doctor.audit"]) == (WARNING, Outcome.SKIPPED)
    assert (made["doctor.registry"], made["doctor.audit"], made["doctor.night"]) == (Outcome.OK, Outcome.OK, WARNING)
