"""One pair's explanation as a page of its own: the waterfall, and the same lines as a table; no script, no files."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from dedup.reports.explanation import Line, Role
from dedup.reports.texts import texts_in
from dedup.reports.waterfall import FONT, INK, QUIET, waterfall

_STYLE = (
    f"body{{font:1rem/1.5 {FONT};color:{INK};max-width:60rem;margin:2rem auto;padding:0 1rem}}"
    "svg{width:100%;height:auto}table{border-collapse:collapse;margin-top:2rem}"
    "th,td{text-align:left;padding:.3rem 1rem .3rem 0;border-bottom:1px solid #e5e9ed}"
    f"td:last-child,th:last-child{{text-align:right;padding-right:0}}tfoot td,tfoot th{{border-top:2px solid {QUIET};"
    "font-weight:bold}"
)


def page(lines: Sequence[Line], language: str) -> str:
    """Return the page in the language that the lines are written in."""
    texts = texts_in(language)
    head = "".join(
        f'<th scope="col">{escape(texts(f"explanation.{key}"))}</th>' for key in ("comparison", "says", "bits")
    )
    body = "".join(_row(line) for line in lines if line.role is not Role.TOTAL)
    foot = "".join(_row(line) for line in lines if line.role is Role.TOTAL)
    title = escape(texts("explanation.title"))
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{title}</h1>{waterfall(lines, language)}"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody><tfoot>{foot}</tfoot></table></main></body></html>\n"
    )


def _row(line: Line) -> str:
    return (
        f'<tr><th scope="row">{escape(line.label)}</th><td>{escape(line.says)}</td><td>{escape(line.written)}</td></tr>'
    )
