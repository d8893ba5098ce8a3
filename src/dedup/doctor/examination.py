"""The examination: every check of an installation, in groups, in the order in which one thing rests on another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from dedup.doctor import configuration, inbox, keys, paper, registry, storage
from dedup.doctor.finding import Finding, Outcome, skipped
from dedup.errors import DedupError
from dedup.settings import Settings, load_settings
from dedup.store.looking import look_into
from dedup.store.registry import registry_url

OF_KEYS = (
    "doctor.linkage-key",
    "doctor.key-modes",
    "doctor.sealing-keys",
    "doctor.receipt-keys",
    "doctor.vendors",
    "doctor.vendor-keys",
    "doctor.epochs",
)
# Those that read tables of the registry: not made when it cannot be read as it is.
OF_REGISTRY = ("doctor.audit", "doctor.objects", "doctor.accepted", "doctor.night", "doctor.switches")


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one part of the installation."""

    name: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Examination:
    """All that was found."""

    groups: tuple[Group, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, in order."""
        return tuple(finding for group in self.groups for finding in group.findings)

    def counted(self, outcome: Outcome) -> int:
        """Return how many checks ended so."""
        return sum(finding.outcome is outcome for finding in self.findings)

    @property
    def is_well(self) -> bool:
        """Tell whether nothing failed."""
        return not self.counted(Outcome.FAILED)


def examine(config_dir: Path, *, environ: Mapping[str, str], now: datetime) -> Examination:
    """Make every check; `environ` holds the secrets that `[notify]` names, `now` is a moment in UTC.

    Nothing is raised for what is wrong with the installation: that is what the findings say. While `settings.toml`
    cannot be read, that is the only one.
    """
    readable = configuration.config_can_be_read(config_dir)
    if readable.outcome is not Outcome.OK:
        return Examination((Group("Settings", (readable,)),))
    settings = load_settings(config_dir)
    home = settings.server_home
    store, inbox_folder = home / "store", home / "inbox"
    return Examination(
        (
            Group(
                "Settings",
                (
                    readable,
                    configuration.settings_are_usable(settings),
                    configuration.rules_are_usable(settings),
                    configuration.model_is_usable(settings),
                    configuration.regions_are_usable(settings),
                    configuration.ksv_settings_are_usable(settings),
                    configuration.channels_are_usable(settings, environ),
                    configuration.issuer_is_secure(settings),
                ),
            ),
            Group("Keys", _of_keys(home / "keys", now)),
            Group("Store", (storage.store_is_private(store), storage.disk_has_room(settings, store))),
            Group("Registry", _of_registry(settings, store, now)),
            Group(
                "Inbox",
                (
                    inbox.inbox_can_be_used(inbox_folder, now),
                    inbox.nothing_is_half_received(inbox_folder),
                    inbox.refused_bundles_are_few(inbox_folder),
                ),
            ),
            Group("Reports", (paper.reports_can_be_laid_out(),)),
        )
    )


def _of_keys(folder: Path, now: datetime) -> tuple[Finding, ...]:
    """Look at the key folder; where there is none, one finding says it all."""
    first = keys.keys_are_there(folder)
    if not folder.is_dir():
        return first, *(skipped(code, "Not looked at: there is no key folder.") for code in OF_KEYS)
    return (
        first,
        keys.no_linkage_key(folder),
        keys.keys_are_private(folder),
        keys.sealing_keys_fit(folder),
        keys.receipt_keys_fit(folder),
        keys.vendors_can_be_read(folder),
        keys.vendor_keys_last(folder, now),
        keys.epochs_can_be_read(folder),
    )


def _of_registry(settings: Settings, store: Path, now: datetime) -> tuple[Finding, ...]:
    """Look at the registry, and at what rests on it where its tables are those that this version knows."""
    first = registry.registry_is_current(settings)
    if first.outcome is not Outcome.OK:
        return first, *(
            skipped(code, "Not looked at: the registry is not one to read from yet.") for code in OF_REGISTRY
        )
    checks: Sequence[Callable[[Session], Finding]] = (
        registry.audit_log_is_whole,
        lambda session: storage.objects_are_there(store, session),
        lambda session: storage.accepted_bundles_are_there(store, session, now),
        lambda session: registry.night_is_recent(session, now),
        registry.nothing_is_switched_off,
    )
    try:
        with look_into(registry_url(settings)) as session:
            return first, *(look(session) for look in checks)
    except DedupError as fault:
        return first, *(skipped(code, f"Not looked at: {fault.message}") for code in OF_REGISTRY)
