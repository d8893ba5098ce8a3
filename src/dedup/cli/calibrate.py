"""`dedup calibrate`: thresholds fitted on providers' answers."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from dedup.cli.console import ConfigOption, JsonOption, print_json, settings_from

if TYPE_CHECKING:
    from dedup.findings.calibration import Support


def calibrate(
    apply: Annotated[
        bool, typer.Option("--apply", help="Let the fitted thresholds hold from the next night on.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take back what was applied last.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show what thresholds fitted on the answers would change; nothing changes without --apply.

    Example: dedup calibrate --config demo/config
    """
    from datetime import UTC
    from zoneinfo import ZoneInfo

    from dedup.nightly.calibration import apply_thresholds, undo_thresholds
    from dedup.nightly.calibration import calibrate as fit
    from dedup.nightly.night import open_installation

    if apply and undo:
        raise typer.BadParameter("--apply and --undo cannot go together.")
    today = datetime.now(ZoneInfo("Europe/Amsterdam")).date()
    with open_installation(settings_from(config), today=today, clock=lambda: datetime.now(UTC)) as night:
        if undo:
            undone = undo_thresholds(night)
            if as_json:
                print_json({"undone": undone})
            else:
                typer.echo("The thresholds of before hold again." if undone else "There was nothing to undo.")
            return
        result = fit(night)
        applied = apply and result.fitted is not None and result.fitted != result.now
        if applied and result.fitted is not None:
            apply_thresholds(night, result.fitted)
        needed = night.rules.calibration.fewest_labels
    if as_json:
        fitted = asdict(result.fitted) if result.fitted else None
        moved = [{"from": one, "to": other, "findings": count} for one, other, count in result.changes]
        print_json(
            {
                "labels": result.labels,
                "now": asdict(result.now),
                "fitted": fitted,
                "support": [asdict(one) for one in result.support] if result.support else None,
                "lowest_labelled": result.lowest,
                "changes": moved,
                "applied": applied,
            }
        )
        return
    if result.fitted is None or result.support is None:
        typer.echo(f"There are {result.labels} labels; at least {needed} are needed to fit thresholds.")
        return
    typer.echo(f"Fitted on {result.labels} labels, the least probable of a probability of {result.lowest:.4f}:")
    for name, now, new, said in (
        ("certain", result.now.certain_probability, result.fitted.certain_probability, result.support[0]),
        ("likely", result.now.likely_probability, result.fitted.likely_probability, result.support[1]),
    ):
        typer.echo(f"  {name} from a probability of {new} on (now {now}): {_told(said)}")
    for one, other, count in result.changes:
        typer.echo(f"  {count} findings would go from {one} to {other}")
    if not result.changes:
        typer.echo("  no finding would change its class")
    typer.echo("Applied from the next night on; --undo takes it back." if applied else "Nothing was changed.")


def _told(said: Support) -> str:
    """Return what the labels say of a threshold, in words."""
    share = f"{said.same} of {said.labels} labels are one woman, so at least {said.at_least:.1%}"
    if said.reached:
        return f"{share}, and {said.asked:.0%} is asked for"
    return f"{share}; {said.asked:.0%} is asked for, which no threshold reaches, so it stays"
