"""Run by `test_crash.py`: receives and ingests server folders as a night does, each in a process of its own.

Reads lines of a failpoint (or `-`) and a server folder; forks a process for each, and writes its exit status, which is
minus the signal's number when the process was killed. Forking spares each of them the seconds that importing takes.
"""

import os
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from dedup.bundle.serverkeys import load_server_keys
from dedup.ingest.pooling import pool_entries
from dedup.ingest.submission import IngestKeys, ingest_accepted
from dedup.intake.acceptance import Intake
from dedup.intake.checks import IntakeLimits
from dedup.intake.inbox import receive
from dedup.model.load import load_model
from dedup.store.failpoints import VARIABLE
from dedup.store.house import open_store, recover
from dedup.store.lock import run_lock
from dedup.store.wrapping import LocalKey


def night(home: Path, model_path: Path) -> None:
    keys, model = load_server_keys(home / "keys"), load_model(model_path)
    today, now = date(2026, 11, 22), datetime(2026, 11, 22, 1, 15, tzinfo=UTC)
    store = open_store(
        home / "store",
        f"sqlite:///{home}/store/registry.sqlite",
        link_view_key=LocalKey(keys.link_view.key_id, keys.link_view.secret),
        attribute_key=LocalKey(keys.attributes.key_id, keys.attributes.secret),
    )
    with run_lock(store.folder, registry=store.registry):
        recover(store, now=now, keep_rejected=timedelta(days=7))
        receive(home / "inbox", Intake(store, keys, model, IntakeLimits(), today, now))
        ingest_accepted(store, keys=IngestKeys(keys.sealing, keys.ingest), model=model, today=today, now=now)
        pool_entries(store, now=now, entropy=os.urandom)
    store.close()


def in_a_process_of_its_own(home: Path, model_path: Path, failpoint: str) -> int:
    child = os.fork()
    if child == 0:
        os.environ[VARIABLE] = failpoint
        try:
            night(home, model_path)
        except BaseException as error:  # a forked copy must never go on as if it were its parent
            sys.stderr.write(f"{error!r}\n")
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    for line in sys.stdin:
        failpoint, folder = line.rstrip("\n").split(" ", 1)
        sys.stdout.write(f"{in_a_process_of_its_own(Path(folder), Path(sys.argv[1]), failpoint)}\n")
        sys.stdout.flush()
