"""Run by `test_crash.py`: serves an installation's folder on a port, as `dedup serve` does, in a process of its own.

Reads lines of a failpoint (or `-`), a port and a server folder, and forks a server for each; writes its process id. It
spares each server the second that importing takes. An empty line reaps the last one, and writes its exit status.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from tests.service.uploading import service_at

from dedup.service.app import create_app
from dedup.store.failpoints import VARIABLE


def serve(home: Path, port: int, failpoint: str) -> None:
    os.environ[VARIABLE] = failpoint
    ahead = timedelta(days=2 if failpoint == "upload.expired" else 0)
    service = service_at(home, port, lambda: datetime.now(UTC) + ahead, sweep_seconds=1, chunk_bytes=8 << 20)
    configuration = uvicorn.Config(
        create_app(service), host="127.0.0.1", port=port, loop="asyncio", access_log=False, log_config=None
    )
    uvicorn.Server(configuration).run()


if __name__ == "__main__":
    child = 0
    for line in sys.stdin:
        if line.strip():
            failpoint, port, folder = line.rstrip("\n").split(" ", 2)
            child = os.fork()
            if child == 0:
                try:
                    serve(Path(folder), int(port), failpoint)
                finally:
                    os._exit(1)
            sys.stdout.write(f"{child}\n")
        else:
            sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()
