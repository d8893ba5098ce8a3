"""The check of what reports need from this machine: the typesetter with its fonts, and the charts."""

from __future__ import annotations

import json
from importlib.resources import files

import typst
import vl_convert

from dedup.doctor.finding import Seen, check, failed, fine

_PAGE = {
    "title": "Proef",
    "language": "nl",
    "kicker": "Proef",
    "heading": "Proef",
    "subtitle": "Proef",
    "confidential": "Proef",
    "page": "Pagina",
    "blocks": [{"kind": "heading", "text": "Proef", "level": 2}, {"kind": "text", "text": "Een proef: ë, ij, é, 1."}],
}
_CHART = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "data": {"values": [{"a": 1}]},
    "mark": "point",
    "encoding": {"x": {"field": "a", "type": "quantitative"}},
}


@check("doctor.paper")
def reports_can_be_laid_out() -> Seen:
    """See that a page in the form of the reports becomes a PDF in its own font, and that a chart can be drawn."""
    layout = files("dedup.reports").joinpath("templates/report.typ").read_bytes()
    try:
        _, warnings = typst.compile_with_warnings(
            layout, ignore_system_fonts=True, sys_inputs={"document": json.dumps(_PAGE)}, pdf_standards="ua-1"
        )
        vl_convert.vegalite_to_svg(_CHART)
    except (typst.TypstError, ValueError) as error:
        return failed(f"Reports cannot be laid out on this machine ({type(error).__name__}).")
    if warnings:
        return failed("Reports are not laid out as they should be: the typesetter lacks a font.")
    return fine("Reports can be laid out: the typesetter, its fonts and the charts work.")
