"""Starts one command and writes down what it used; a process of its own, so that it brings next to no memory along.

The kernel counts the memory of the parent at the moment of the start into the child's peak. A benchmark that has just
simulated a million registrations would thereby be measured instead of the command.
"""

import json
import os
import subprocess  # nosec B404 # runs what the benchmark hands over, without a shell
import sys
import time
from pathlib import Path


def main() -> None:
    """Arguments: the file for the measurements, how many processors to allow (0 for all), and the command."""
    usage_path, cores, *command = sys.argv[1:]
    if int(cores):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
    begun = time.perf_counter()
    process = subprocess.Popen(command)  # nosec B603 # as above
    _, status, usage = os.wait4(process.pid, 0)
    measured = {
        "seconds": time.perf_counter() - begun,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_rss_bytes": usage.ru_maxrss * 1024,
        "exit_code": os.waitstatus_to_exitcode(status),
    }
    Path(usage_path).write_text(json.dumps(measured), encoding="utf-8")


if __name__ == "__main__":
    main()
