"""`dedup link`: the engine alone, on bundles, for evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dedup.cli.console import ConfigOption, JsonOption, print_json, settings_from


def link(
    bundles: Annotated[list[Path], typer.Argument(help="Bundles, or folders of *.bundle files.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Where the candidate pairs are written (Parquet).")],
    groups: Annotated[Path | None, typer.Option("--groups", help="Where the groups are written (Parquet).")] = None,
    open_with: Annotated[
        Path | None, typer.Option("--open-with", help="The server's sealing key, for sealed bundles.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", help="The linkage model; else the one in config/linkage that fits.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", min=0.0, max=1.0, help="Match probability from which to group.")
    ] = None,
    max_block: Annotated[
        int | None, typer.Option("--max-block", min=2, help="Blocks of more entries are skipped and reported.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Threads; else one a processor. The result is the same.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Link bundles and write every candidate pair with its match probability and comparison levels.

    Entries are keyed again with a throw-away ingest key, as the nightly run does with its own. Beside PAIRS.parquet
    lies PAIRS.records.parquet: the registratie_ids that were in the bundles. PAIRS.weights.json and
    PAIRS.patterns.parquet are what dedup explain reads.

    Example: dedup link bundles/ --out pairs.parquet --groups groups.parquet
    """
    import os
    from dataclasses import replace

    from rich.console import Console

    from dedup.bundle.keyfiles import IngestKey, SealingPrivateKey, read_key
    from dedup.lab.explaining import write_weights
    from dedup.lab.linking import choose_model, find_bundles, link_bundles, summary, write_linkage
    from dedup.link.engine import LinkOptions
    from dedup.model.load import load_model

    settings = settings_from(config)
    group_threshold = threshold if threshold is not None else settings.share("linkage", "group_threshold", 0.5)
    options = LinkOptions(max_block=settings.count("linkage", "max_block", LinkOptions().max_block))
    found = find_bundles(bundles)
    linkage_model = load_model(model) if model else choose_model(found[0], settings.model_path.parent)
    with Console(stderr=True).status("Reading bundles") as status:
        linked = link_bundles(
            found,
            linkage_model,
            opened_with=read_key(open_with, SealingPrivateKey) if open_with else None,
            key=IngestKey.generate(),
            threshold=group_threshold,
            options=replace(options, max_block=max_block) if max_block else options,
            workers=workers or len(os.sched_getaffinity(0)),
            on_stage=lambda stage: status.update(f"Done: {stage}"),
        )
    write_linkage(linked, out, groups)
    write_weights(linked.linkage, linkage_model, out)
    result = summary(linked, group_threshold)
    if as_json:
        print_json(result)
        return
    typer.echo(
        f"{result['registrations']:,} registrations, {result['candidate_pairs']:,} candidate pairs, "
        f"{result['pairs_above_threshold']:,} from probability {group_threshold} on, in {result['groups']:,} groups."
    )
    for skipped in result["skipped_blocks"]:
        typer.echo(
            f"Pass {skipped['pass']}: {skipped['blocks']} blocks with {skipped['entries']} entries were too large."
        )
