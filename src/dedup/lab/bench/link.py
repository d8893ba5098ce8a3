"""How fast bundles become groups: `dedup link` as a process, against peers that link the same people's clear rows."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dedup.lab.bench.contest import SCORES, Arena, link_with_peers, ratios, score_groups
from dedup.lab.bench.material import Material, encode_material
from dedup.lab.bench.process import machine, measure, measure_command
from dedup.lab.evaluate import evaluate


def bench_link(
    material: Material,
    folder: Path,
    *,
    peers: Sequence[str],
    arena: Arena,
    cores: int,
    now: datetime,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Encode `material` into unsealed bundles, which is not counted, and link them; peers do so in the same run.

    `folder` is for bundles and results; bundles that are there already are used again. Stages are clocked in a second
    run of the same functions; the first, by which we are compared, is the whole process `dedup link`.
    """
    bundles = folder / "bundles"
    if not any(bundles.glob("*.bundle")):
        tell("Encoding, which is not counted.")
        encode_material(material, bundles, now=now, processes=cores)
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
        "--json",
    ]
    ours = measure(command)
    records = json.loads(ours.output)["registrations"]
    scores = evaluate(material.truth, pairs_path=pairs, findings_path=None)
    tell("Linking again, with a clock between the stages.")
    timed = [sys.executable, "-m", "dedup.lab.bench.timed", "link", str(material.model), str(bundles), str(folder)]
    stages = json.loads(measure_command(timed, name="linking").output)
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
            peer: {**measured.figures(), **ratios(ours, measured), **printed}
            for peer, (measured, printed) in found.items()
        },
        "machine": before,
    }
