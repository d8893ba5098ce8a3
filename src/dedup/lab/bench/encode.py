"""How fast extracts become bundles on one core: from the bytes of CSV files to the bytes of bundles, peers likewise."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from dedup.bundle.keyfiles import LinkageKey, write_key
from dedup.lab.bench.clear import write_plain
from dedup.lab.bench.contest import SCRIPTS, Arena, ratios
from dedup.lab.bench.material import Material
from dedup.lab.bench.peers.clkhash_schemas import COMPARED
from dedup.lab.bench.process import Measured, machine, measure_command
from dedup.model.load import load_model

ONE = 1


def bench_encode(
    material: Material, folder: Path, *, peers: Sequence[str], arena: Arena, now: datetime, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Encode `material` on one processor, each contestant in a process of its own; working files go to `folder`.

    Clocks run inside the processes, from before the first byte is read until the last is written: starting Python and
    importing modules is not counted, for nobody; loading compiled kernels is.
    """
    before = machine()
    key, bundles = folder / "epoch.key", folder / "bundles"
    bundles.mkdir(parents=True)
    write_key(key, LinkageKey.generate(), created=now)
    tell("Encoding on one processor.")
    day = material.day.isoformat()
    places: list[object] = [key, material.model, material.regions or "", day, bundles, *material.extracts]
    command = [sys.executable, "-m", "dedup.lab.bench.timed", "encode", *map(str, places)]
    ours, stages = _clocked(measure_command(command, name="encoding", cores=ONE))
    result = {
        "records": stages.pop("records"),
        "ours": {
            **ours.figures(),
            "bytes": sum(bundle.stat().st_size for bundle in bundles.glob("*.bundle")),
            "extracts": len(material.extracts),
            **stages,
        },
        "peers": {},
        "machine": before,
    }
    result["ours"]["records_per_second"] = round(result["records"] / ours.seconds)
    for peer in peers:
        model = load_model(material.model).name
        plain, clks = folder / "clear.csv", folder / "clks.json"
        write_plain(material, plain, list(COMPARED[model]))
        python = arena.python(peer)
        tell(f"Encoding on one processor with {peer}.")
        script = SCRIPTS / f"{peer}_encode.py"
        command = [str(python), str(script), model, str(plain), str(clks)]
        theirs, stages = _clocked(measure_command(command, name=f"encoding by {peer}", cores=ONE))
        result["peers"][peer] = {**theirs.figures(), **ratios(ours, theirs), "bytes": clks.stat().st_size, **stages}
    return result


def _clocked(measured: Measured) -> tuple[Measured, dict[str, Any]]:
    """Replace the times of a whole process by those of the clocks inside it."""
    printed: dict[str, Any] = json.loads(measured.output)
    stages, cpu_stages = printed["stages"], printed["cpu_stages"]
    clocked = replace(measured, seconds=sum(stages.values()), cpu_seconds=sum(cpu_stages.values()))
    return clocked, printed | {"process_seconds": round(measured.seconds, 2)}
