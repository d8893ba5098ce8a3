"""Serves all flows on one machine, on the schedules of `prefect.yaml`: `python -m flows.serve --config config`.

Each flow runs once at a time; that a night, a monthly run and a removal exclude each other is the store's own lock.
"""

from __future__ import annotations

import argparse
from typing import Any

from prefect import Flow, serve
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron

from flows.monthly import monthly
from flows.nightly import nightly
from flows.retention import retention
from flows.tasks import AMSTERDAM

# Every one of these times exists exactly once on every day of the year, also when the clock changes.
SCHEDULED: tuple[tuple[Flow[..., Any], str], ...] = (
    (nightly, "15 1 * * *"),
    (monthly, "0 4 1 * *"),
    (retention, "0 5 * * 0"),
)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="config", help="the installation's config folder")
    config = parser.parse_args().config
    serve(
        *(
            RunnerDeployment.from_flow(
                one,
                name=one.name,
                schedule=Cron(cron, timezone=AMSTERDAM.key),
                concurrency_limit=1,
                parameters={"config": config},
            )
            for one, cron in SCHEDULED
        )
    )


if __name__ == "__main__":
    main()
