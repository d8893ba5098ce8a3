"""Links a clear CSV with clkhash and anonlink, by the Dice similarity of all pairs; runs in their own environment.

Arguments: the schema's name, the CSV, where the pairs go, where groups would go (none are made). anonlink gives no
probability: what is written is the Dice similarity, moved so that 0.5 stands for the threshold.
"""

import csv
import json
import sys
import time
from pathlib import Path

import anonlink
import pyarrow as pa
import pyarrow.parquet as pq
from clkhash_encode import hashed

# Lower ones make anonlink hold so many pairs that memory runs out.
LEAST = 0.72
THRESHOLD = 0.75


def _moved(similarity):
    if similarity < THRESHOLD:
        return 0.5 * similarity / THRESHOLD
    return 0.5 + 0.5 * (similarity - THRESHOLD) / (1 - THRESHOLD)


def main(name, table, pairs_path, _groups_path):
    """Hash, compare every record with every other, and write all pairs from the least similarity on."""
    begun = time.perf_counter()
    clks = hashed(name, table)
    encoded = time.perf_counter()
    similarity, _, records = anonlink.candidate_generation.find_candidate_pairs(
        [clks, clks], anonlink.similarities.dice_coefficient_accelerated, LEAST
    )
    compared = time.perf_counter()
    with Path(table).open(encoding="utf-8", newline="") as rows:
        ids = [row[0] for row in csv.reader(rows)][1:]
    found = [(s, a, b) for s, a, b in zip(similarity, *records, strict=True) if a < b]
    chance = [_moved(s) for s, _, _ in found]
    columns = {
        "left": pa.array([ids[a] for _, a, _ in found], type=pa.string()),
        "right": pa.array([ids[b] for _, _, b in found], type=pa.string()),
        "probability": pa.array(chance, type=pa.float64()),
        "edd_weeks_apart": pa.array([-1] * len(found), type=pa.int16()),
    }
    pq.write_table(pa.table(columns), pairs_path)
    stages = {"encode": encoded - begun, "compare": compared - encoded, "write": time.perf_counter() - compared}
    sys.stdout.write(json.dumps({"stages": {stage: round(seconds, 3) for stage, seconds in stages.items()}}))


if __name__ == "__main__":
    main(*sys.argv[1:])
