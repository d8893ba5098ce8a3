"""Hashes a CSV of persons into CLKs (Schnell, Bachteler and Reiher 2009) with clkhash, in clkhash's own environment.

Arguments: the schema's name, the CSV, where the CLKs go (JSON, as the clkhash command writes them). Prints the seconds
of every stage as JSON.
"""

import json
import secrets
import sys
import time
from pathlib import Path

from clkhash.clk import generate_clk_from_csv
from clkhash.schema import from_json_dict
from clkhash.serialization import serialize_bitarray
from clkhash_schemas import schema


def hashed(name, table):
    """Return one CLK per row, by one process; values are not validated, which saves clkhash time."""
    with Path(table).open(encoding="utf-8", newline="") as rows:
        return generate_clk_from_csv(
            rows,
            secrets.token_bytes(32),
            from_json_dict(schema(name)),
            validate=False,
            progress_bar=False,
            max_workers=1,
        )


def main(name, table, clks_path):
    """Read, hash and write."""
    clocks = [(time.perf_counter(), time.process_time())]
    clks = hashed(name, table)
    clocks.append((time.perf_counter(), time.process_time()))
    Path(clks_path).write_text(json.dumps({"clks": [serialize_bitarray(clk) for clk in clks]}), encoding="utf-8")
    clocks.append((time.perf_counter(), time.process_time()))
    stages = {
        kind: {
            stage: round(end[clock] - begin[clock], 3)
            for stage, begin, end in zip(("encode", "write"), clocks, clocks[1:], strict=False)
        }
        for clock, kind in enumerate(("stages", "cpu_stages"))
    }
    sys.stdout.write(json.dumps(stages))


if __name__ == "__main__":
    main(*sys.argv[1:])
