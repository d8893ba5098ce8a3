"""The waterfall of a pair: a bar per weight, each beginning where the one above ends, as one accessible SVG element.

Drawn by hand, not by Vega-Lite: its lines are a table as much as a chart, and drawing them takes a millisecond.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from dedup.reports.explanation import Line, Role
from dedup.reports.texts import texts_in

FONT = "Segoe UI, Helvetica Neue, Arial, sans-serif"
INK, QUIET, GRID = "#1f2a33", "#5b6873", "#e5e9ed"
FOR, AGAINST, SUM = "#0b5f6b", "#b4532a", "#3c4852"
WIDTH = 900
LABEL_X, SAYS_X, BARS_X, BARS_END, WRITTEN_X = 16, 158, 420, 810, 884
TOP, ROW, BAR, FOOT = 34, 30, 16, 56
# Distances between grid lines, in bits; the first that gives no more than so many is taken.
STEPS, MOST_LINES = (1, 2, 5, 10, 20, 50, 100), 9


def waterfall(lines: Sequence[Line], language: str, *, name: str = "waterfall") -> str:
    """Return the chart as an SVG element that stands alone or in a page; `name` makes its ids unique there.

    `lines` are those of `dedup.reports.explanation.lines`. The title and the description tell all that is drawn.
    """
    texts = texts_in(language)
    spans = _spans(lines)
    low, high = min(0.0, *(min(span) for span in spans)), max(0.0, *(max(span) for span in spans))
    scale = _Scale(low, high)
    bottom = TOP + ROW * len(lines)
    parts = [_grid(scale, bottom), _rows(lines, spans, scale)]
    parts.append(
        _text((BARS_X + BARS_END) / 2, bottom + 42, texts("explanation.axis"), size=11, fill=QUIET, anchor="middle")
    )
    description = texts("explanation.description", lines="; ".join(line.sentence() for line in lines))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + FOOT}" role="img" lang="{language}" '
        f'aria-labelledby="{name}-title {name}-desc" font-family="{FONT}" class="chart">'
        f'<title id="{name}-title">{escape(texts("explanation.title"))}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>'
    )


class _Scale:
    """Maps bits to horizontal places, with a little room on both sides."""

    def __init__(self, low: float, high: float) -> None:
        room = max(high - low, 1.0) * 0.03
        self._low, self._width = low - room, max(high - low, 1.0) + 2 * room
        span = self._width
        step = next((step for step in STEPS if span / step <= MOST_LINES), STEPS[-1])
        self.ticks = range(step * math.ceil(self._low / step), math.floor(self._low + span) + 1, step)

    def __call__(self, bits: float) -> float:
        return round(BARS_X + (bits - self._low) / self._width * (BARS_END - BARS_X), 1)


def _spans(lines: Sequence[Line]) -> list[tuple[float, float]]:
    """Return where each bar begins and ends, in bits; the total's begins at 0."""
    spans, at = [], 0.0
    for line in lines:
        if line.role is Role.TOTAL:
            spans.append((0.0, line.bits))
        else:
            spans.append((at, at + line.bits))
            at += line.bits
    return spans


def _grid(scale: _Scale, bottom: int) -> str:
    parts = []
    for bits in scale.ticks:
        x = scale(bits)
        parts.append(_line(x, TOP - 6, x, bottom, QUIET if bits == 0 else GRID))
        parts.append(
            _text(x, bottom + 18, f"{bits:+d}".replace("-", "−") if bits else "0", size=11, fill=QUIET, anchor="middle")
        )
    return "".join(parts) + _text(scale(0), TOP - 12, "50%", size=11, fill=QUIET, anchor="middle")


def _rows(lines: Sequence[Line], spans: Sequence[tuple[float, float]], scale: _Scale) -> str:
    parts = []
    for number, (line, (begin, end)) in enumerate(zip(lines, spans, strict=True)):
        y = TOP + ROW * number
        middle = y + ROW / 2
        weight = "bold" if line.role is Role.TOTAL else "normal"
        if line.role is Role.TOTAL:
            parts.append(_line(LABEL_X, y, WRITTEN_X, y, QUIET))
        else:
            # Leads the eye to the next bar, which begins where this one ends.
            parts.append(_line(scale(end), middle + BAR / 2, scale(end), middle + ROW - BAR / 2, QUIET))
        fill = _colour(line)
        left, right = sorted((scale(begin), scale(end)))
        parts.append(
            f'<rect x="{left}" y="{middle - BAR / 2}" width="{max(right - left, 1):.1f}" height="{BAR}" fill="{fill}"/>'
        )
        parts.append(_text(LABEL_X, middle + 5, line.label, weight="bold"))
        parts.append(_text(SAYS_X, middle + 5, line.says, weight=weight))
        parts.append(_text(WRITTEN_X, middle + 5, line.written, fill=fill, anchor="end", weight="bold"))
    return "".join(parts)


def _colour(line: Line) -> str:
    if line.role is not Role.EVIDENCE:
        return SUM
    return QUIET if not line.bits else FOR if line.bits > 0 else AGAINST


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}"/>'


def _text(
    x: float, y: float, text: str, *, size: int = 13, fill: str = INK, anchor: str = "start", weight: str = "normal"
) -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" fill="{fill}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{escape(text)}</text>"
    )
