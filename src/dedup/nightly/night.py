"""One night: everything that its stages share, opened under the run lock and closed whatever happens."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from dedup.bundle.serverkeys import ServerKeys, load_server_keys
from dedup.findings.config import Rules, load_rules
from dedup.findings.mergers import in_force
from dedup.model.linkage import LinkageModel
from dedup.model.load import load_model
from dedup.settings import Settings
from dedup.store.audit import NIGHTLY, AuditEvent
from dedup.store.house import Recovery, Store, open_store, recover
from dedup.store.lock import run_lock
from dedup.store.registry import registry_url
from dedup.store.runs import Run, begin_run, finish_run
from dedup.store.wrapping import LocalKey

Clock = Callable[[], datetime]
Entropy = Callable[[int], bytes]

REPORTS_FOLDER = "reports"
FINDINGS_FILE = "findings.parquet"
KEEP_REJECTED_DAYS = 14
GROUND = "nightly detection of duplicate registrations"


@dataclass(frozen=True, slots=True)
class Night:
    """An open night. `out` receives `reports/KSV/DATE/` and `findings.parquet`; `clock` gives the moment in UTC."""

    run_id: str
    today: date
    clock: Clock
    entropy: Entropy
    settings: Settings
    keys: ServerKeys
    store: Store
    model: LinkageModel
    rules: Rules
    inbox: Path
    out: Path

    @property
    def new_codes(self) -> dict[str, str]:
        """The AGB code of each provider that goes on under another one tonight, by its old code."""
        return in_force(self.rules.mergers, self.today)

    def event(self, code: str, target: str) -> AuditEvent:
        """Return the audit event of something that this night does."""
        return AuditEvent(code, self.clock(), NIGHTLY, target, GROUND)


@contextmanager
def open_installation(
    settings: Settings,
    *,
    today: date,
    clock: Clock,
    entropy: Entropy = secrets.token_bytes,
    inbox: Path | None = None,
    out: Path | None = None,
) -> Iterator[Night]:
    """Open the installation under the run lock, without a run: for work between two nights.

    Raises `KeyFileError` (also when the server holds a linkage key), `StoreError` (`store.locked` when another run has
    the store), `ConfigError` and `ModelError`.
    """
    home = settings.server_home
    keys = load_server_keys(home / "keys")
    model = load_model(settings.model_path)
    rules = load_rules(settings.config_dir / "rules.toml")
    store = open_store(
        home / "store",
        registry_url(settings),
        link_view_key=LocalKey(keys.link_view.key_id, keys.link_view.secret),
        attribute_key=LocalKey(keys.attributes.key_id, keys.attributes.secret),
    )
    with closing(store), run_lock(store.folder, registry=store.registry):
        night = Night(
            run_id=entropy(16).hex(),
            today=today,
            clock=clock,
            entropy=entropy,
            settings=settings,
            keys=keys,
            store=store,
            model=model,
            rules=rules,
            inbox=inbox or home / "inbox",
            out=out or settings.root,
        )
        recover_store(night)
        yield night


def recover_store(night: Night) -> Recovery:
    """Bring the store in line with its registry, and remove unusable bundles past `[intake] keep_rejected_days`."""
    keep_rejected = timedelta(days=night.settings.count("intake", "keep_rejected_days", KEEP_REJECTED_DAYS))
    return recover(night.store, now=night.clock(), keep_rejected=keep_rejected)


@contextmanager
def open_night(
    settings: Settings,
    *,
    today: date,
    clock: Clock,
    entropy: Entropy = secrets.token_bytes,
    inbox: Path | None = None,
    out: Path | None = None,
) -> Iterator[Night]:
    """Open the installation for one run; a run that leaves the block by an exception is a failed one.

    Raises what `open_installation` raises.
    """
    with open_installation(settings, today=today, clock=clock, entropy=entropy, inbox=inbox, out=out) as night:
        with night.store.registry.write(night.event("run.begun", night.run_id)) as session:
            begin_run(session, Run(night.run_id, today, clock()))
        try:
            yield night
        except BaseException:
            with night.store.registry.write(night.event("run.failed", night.run_id)) as session:
                finish_run(session, night.run_id, at=clock(), result_digest=None)
            raise
