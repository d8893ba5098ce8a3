"""`dedup explain`: why two records were found, or not, without any value of either."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dedup.cli.console import JsonOption, print_json

if TYPE_CHECKING:
    from dedup.lab.explaining import ExplainedPair
    from dedup.reports.explanation import Line, PairWeights


class Language(StrEnum):
    """The languages that explanations are written in."""

    ENGLISH = "en"
    DUTCH = "nl"


def explain(
    pairs: Annotated[Path, typer.Argument(help="Pairs that dedup link wrote.", show_default=False)],
    left: Annotated[str, typer.Option("--left", help="The id of one record.")],
    right: Annotated[str, typer.Option("--right", help="The id of the other.")],
    svg: Annotated[Path | None, typer.Option("--svg", help="Also draw the waterfall into this file.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Also write a page with picture and table.")] = None,
    language: Annotated[Language, typer.Option("--language", help="The language of words.")] = Language.ENGLISH,
    as_json: JsonOption = False,
) -> None:
    """Explain a candidate pair: what each comparison adds to its log odds, from the prior to the probability.

    Weights are in bits: one bit more doubles the odds that the two are one person. Both ids may come in either order.

    Example: dedup explain pairs.parquet --left rec-70-org --right rec-70-dup-0 --svg pair.svg
    """
    from dedup.lab.explaining import explain_pair
    from dedup.reports.explanation import lines
    from dedup.reports.explanation_page import page
    from dedup.reports.waterfall import waterfall

    explained = explain_pair(pairs, left, right)
    written = lines(_weights(explained), language)
    if svg is not None:
        _write(svg, waterfall(written, language))
    if html is not None:
        _write(html, page(written, language))
    if as_json:
        print_json(_document(explained, written))
        return
    widths = [max(len(line.label) for line in written), max(len(line.says) for line in written)]
    for line in written:
        typer.echo(f"{line.label:<{widths[0]}}  {line.says:<{widths[1]}}  {line.written:>7}")


def _weights(explained: ExplainedPair) -> PairWeights:
    from dedup.reports.explanation import PairWeights, Weight

    found = explained.explanation
    return PairWeights(
        prior_bits=found.prior_bits,
        weights=tuple(Weight(c.comparison, c.meaning.word, c.meaning.weeks, c.bits) for c in found.contributions),
        together_bits=found.together_bits,
        relatives_bits=found.relatives_bits,
    )


def _document(explained: ExplainedPair, written: tuple[Line, ...]) -> dict[str, Any]:
    found = explained.explanation
    return {
        "left": explained.left,
        "right": explained.right,
        "probability": explained.probability,
        "log_odds_bits": found.log_odds_bits,
        "prior_bits": found.prior_bits,
        "comparisons": [
            {
                "comparison": contribution.comparison,
                "level": contribution.level,
                "word": contribution.meaning.word,
                "says": line.says,
                "bits": contribution.bits,
            }
            for contribution, line in zip(found.contributions, written[1:], strict=False)
        ],
        "together_bits": found.together_bits,
        "relatives_bits": found.relatives_bits,
    }


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
