"""Opens a sandbox's bundles seconds after they are accepted, in a process of its own, as the web server must not.

In earnest the operator's cron does this with `dedup nightly --until ingest`, as often as it pleases.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from dedup.errors import StoreError
from dedup.settings import Settings, load_settings

LOOK_EVERY_SECONDS = 1.0


@contextlib.contextmanager
def opening_bundles(settings: Settings) -> Iterator[Settings]:
    """Open an installation's bundles while the block runs; gives the settings again."""
    process = multiprocessing.get_context("spawn").Process(
        target=open_as_they_come, args=(settings.config_dir, os.getpid()), daemon=True, name="opening bundles"
    )
    process.start()
    try:
        yield settings
    finally:
        process.terminate()
        process.join()


def open_as_they_come(config: Path, parent: int) -> None:
    """Look for what is accepted or lies in the inbox, and ingest it, as long as the process `parent` lives."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's, which then ends this too
    settings = load_settings(config)
    while os.getppid() == parent:
        # A night that runs at this moment holds the store, and opens what is there itself.
        with contextlib.suppress(StoreError):
            if _is_waiting(settings):
                _open(settings)
        time.sleep(LOOK_EVERY_SECONDS)


def _is_waiting(settings: Settings) -> bool:
    from dedup.store.registry import Registry, registry_url
    from dedup.store.submissions import submissions_in_state
    from dedup.store.tables import SubmissionState

    if any((settings.server_home / "inbox").glob("*.bundle")):
        return True
    if not (settings.server_home / "store").is_dir():
        return False
    with closing(Registry(registry_url(settings))) as registry, registry.read() as session:
        return bool(submissions_in_state(session, SubmissionState.ACCEPTED))


def _open(settings: Settings) -> None:
    from dedup.nightly.night import open_installation
    from dedup.nightly.run import ingest_bundles, receive_bundles

    today = datetime.now(ZoneInfo("Europe/Amsterdam")).date()
    with open_installation(settings, today=today, clock=lambda: datetime.now(UTC)) as night:
        receive_bundles(night)
        ingest_bundles(night)
