"""Runs peers on the rows that we ran on, each in its own environment, and scores what they found as we score ours."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from dedup.lab.bench.clear import ID, write_clear, write_plain
from dedup.lab.bench.environments import peer_python
from dedup.lab.bench.material import Material
from dedup.lab.bench.peers.clkhash_schemas import COMPARED
from dedup.lab.bench.process import BenchError, Measured, measure_command
from dedup.lab.evaluate import evaluate
from dedup.lab.linked_files import records_path
from dedup.lab.truth import read_truth, true_pairs
from dedup.model.load import load_model

SCRIPTS = Path(__file__).with_name("peers")
# Our own linker on clear text: it runs here, and needs no environment of its own.
REFERENCE = "reference"
LINKERS = ("splink", "recordlinkage", "clkhash", REFERENCE)
ENCODERS = ("clkhash",)
# Peers that do not link every table, and the linkage models that they have a counterpart of.
MODELLED = {"recordlinkage": ("kraamzorg", "febrl"), "clkhash": tuple(COMPARED)}
# anonlink compares every record with every other one: more than these take hours and prove nothing.
MOST_FOR_ALL_PAIRS = 50_000
SCORES = ("precision", "recall", "f1", "best_f1", "blocked_recall", "calibration_error")


@dataclass(frozen=True, slots=True)
class Arena:
    """Where a contest takes place: the config folder with the locks, the cache, and who hears of progress."""

    config: Path
    cache: Path
    tell: Callable[[str], None]

    def python(self, peer: str) -> Path:
        """Return the Python of a peer's environment; raises what `peer_python` raises."""
        return peer_python(peer, config=self.config, cache=self.cache, tell=self.tell)


def check_peers(peers: Sequence[str], known: Sequence[str]) -> None:
    """Raise `BenchError` (`bench.unknown-peer`) when a peer is named that cannot do this."""
    for peer in peers:
        if peer not in known:
            raise BenchError("bench.unknown-peer", f"There is no peer {peer} for this; there is {', '.join(known)}.")


def check_models(peers: Sequence[str], material: Material) -> None:
    """Raise `BenchError` (`bench.no-model`) when a peer has no counterpart of the linkage model of `material`."""
    model = load_model(material.model).name
    for peer in peers:
        if model not in MODELLED.get(peer, (model,)):
            raise BenchError(
                "bench.no-model", f"The peer {peer} has no model of {model}, only of {', '.join(MODELLED[peer])}."
            )


def link_with_peers(
    peers: Sequence[str], material: Material, folder: Path, arena: Arena
) -> dict[str, tuple[Measured, dict[str, Any]]]:
    """Let every peer link the clear rows of `material`; returns how each was measured, its stages and its scores."""
    if not peers:
        return {}
    model = load_model(material.model).name
    clear, plain = folder / "clear.parquet", folder / "clear.csv"
    write_clear(material, clear)
    records = pq.read_metadata(clear).num_rows
    results = {}
    for peer in peers:
        if peer == "clkhash" and records > MOST_FOR_ALL_PAIRS:
            arena.tell(f"clkhash is left out: anonlink compares all pairs of {records:,} records.")
            continue
        table = clear
        if peer == "clkhash":
            write_plain(material, plain, list(COMPARED[model]), clear=clear)
            table = plain
        arena.tell(f"Linking {records:,} records with {peer}.")
        pairs, groups = folder / f"{peer}-pairs.parquet", folder / f"{peer}-groups.parquet"
        if peer == REFERENCE:
            program = [sys.executable, "-m", "dedup.lab.bench.peers.reference", str(material.model)]
        else:
            program = [str(arena.python(peer)), str(SCRIPTS / f"{peer}_link.py"), model]
        measured = measure_command([*program, str(table), str(pairs), str(groups)], name=f"the linkage by {peer}")
        results[peer] = measured, json.loads(measured.output) | score(material, clear, pairs, groups)
    return results


def score(material: Material, clear: Path, pairs: Path, groups: Path) -> dict[str, float | None]:
    """Return the scores of pairs and of groups, over the records in the clear table."""
    pq.write_table(pq.read_table(clear, columns=[ID]), records_path(pairs))
    found = evaluate(material.truth, pairs_path=pairs, findings_path=None)
    scores: dict[str, float | None] = {name: found[name] for name in SCORES}
    return scores | ({"groups_f1": score_groups(material.truth, groups)} if groups.is_file() else {})


def score_groups(truth_path: Path, groups_path: Path) -> float:
    """Return F1 over all pairs of registrations in one group, for a file of columns registratie_id and group."""
    groups = pd.read_parquet(groups_path)
    truth = read_truth(truth_path)
    both = truth.merge(groups, on=ID)
    wanted, found = true_pairs(both["vrouw"]), true_pairs(both["group"].astype(str))
    if not len(wanted) and not len(found):
        return 1.0
    right, given = (pairs.left * np.int64(len(both)) + pairs.right for pairs in (wanted, found))
    hits = int(np.isin(given, right, assume_unique=True).sum())
    return 2 * hits / (len(wanted) + len(found))


def ratios(ours: Measured, peer: Measured) -> dict[str, float]:
    """Return our time over the peer's, by the wall's clock and by the processor's."""
    return {
        "ratio": round(ours.seconds / peer.seconds, 4),
        "cpu_ratio": round(ours.cpu_seconds / peer.cpu_seconds, 4),
    }
