"""How fast bundles become groups: `dedup link` as a process, against peers that link the same people's clear rows."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dedup.lab.bench.contest import SCORES, Arena, link_with_peers, ratios, score_groups
from dedup.lab.bench.material import Material, encode_material, made_once
from dedup.lab.bench.process import BenchError, machine, measure, measure_command
from dedup.lab.bench.timed import THRESHOLD
from dedup.lab.evaluate import evaluate
from dedup.link.engine import LinkOptions


def bench_link(
    material: Material,
    folder: Path,
    *,
    peers: Sequence[str],
    arena: Arena,
    cores: int,
    workers: int,
    now: datetime,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Encode `material` into unsealed bundles, which is not counted, and link them; peers do so in the same run.

    `folder` is for bundles and results; bundles that are there already are used again. `ratio` compares whole
    processes, ours being `dedup link`. Stages are clocked in a second run of the same functions, `linking_seconds` from
    opening the bundles until the groups are there; `inside_ratio` is that over the peer's own clock, from reading to
    clusters. Raises `BenchError` (`bench.not-repeatable`) when the two runs give two results.
    """
    bundles = folder / "bundles"

    def encode(partial: Path) -> None:
        tell("Encoding, which is not counted.")
        encode_material(material, partial, now=now, processes=cores)

    made_once(bundles, encode)
    before = machine()
    tell("Linking.")
    pairs, groups = folder / "pairs.parquet", folder / "groups.parquet"
    command = [
        "link",
        str(bundles),
        "--out",
        str(pairs),
        "--groups",
        str(groups),
        "--model",
        str(material.model),
        "--workers",
        str(workers),
        "--threshold",
        str(THRESHOLD),
        "--max-block",
        str(LinkOptions().max_block),
        "--json",
    ]
    ours = measure(command)
    records = json.loads(ours.output)["registrations"]
    scores = evaluate(material.truth, pairs_path=pairs, findings_path=None)
    tell("Linking again, with a clock between the stages.")
    timed = [sys.executable, "-m", "dedup.lab.bench.timed", "link", str(material.model), str(bundles), str(folder)]
    stages = json.loads(measure_command([*timed, str(workers)], name="linking").output)
    if stages["result_digest"] != json.loads(ours.output)["result_digest"]:
        raise BenchError("bench.not-repeatable", "Linking the same bundles twice gave two results.")
    found = link_with_peers(peers, material, folder, arena)
    return {
        "records": records,
        "ours": {
            **ours.figures(),
            "records_per_second": round(records / ours.seconds),
            **stages,
            **{name: scores[name] for name in SCORES},
            "groups_f1": score_groups(material.truth, groups),
        },
        "peers": {
            peer: {**measured.figures(), **ratios(ours, measured), **_inside(stages, printed), **printed}
            for peer, (measured, printed) in found.items()
        },
        "machine": before,
    }


def _inside(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, float]:
    """Return our time over the peer's, both clocked inside the process and without writing the result."""
    seconds = sum(seconds for stage, seconds in theirs["stages"].items() if stage != "write")
    return {"linking_seconds": round(seconds, 3), "inside_ratio": round(ours["linking_seconds"] / seconds, 4)}
