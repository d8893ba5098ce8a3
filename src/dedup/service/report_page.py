"""The validation report as a page for people: one file, no script, nothing from elsewhere, in Dutch or English."""

from __future__ import annotations

import base64
import hashlib
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from dedup.codes import Meaning, meanings
from dedup.service.shapes import Report

_FOLDER = files("dedup.service").joinpath("templates")
_STYLE = _FOLDER.joinpath("report.css").read_text("utf-8")
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")
CONTENT_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; frame-ancestors 'none'; base-uri 'none'"

_PAGES = Environment(
    loader=PackageLoader("dedup.service", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def report_page(report: Report, language: str) -> str:
    """Return the report as HTML in a language, `nl` or `en`."""
    codes = report.opened.counts_by_code if report.opened else {}
    faults = report.problem.errors if report.problem else []
    return _PAGES.get_template("report.html.j2").render(
        report=report,
        language=language,
        style=_STYLE,
        t=_texts(language),
        meanings={code: _meaning(code, language) for code in (*codes, *(fault["code"] for fault in faults))},
        number=lambda count: "-" if count is None else f"{count:,}".replace(",", "." if language == "nl" else ","),
        signed=lambda count: "-" if count is None else f"{count:+d}",
    )


def prefers_page(accept: str) -> bool:
    """Tell whether an Accept header asks for HTML before JSON (RFC 9110, section 12.5.1)."""
    weights = {"text/html": 0.0, "application/json": 0.0}
    for part in accept.split(",")[:20]:
        name, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if name.strip().lower() in weights:
            weights[name.strip().lower()] = weight
    return weights["text/html"] > weights["application/json"]


def _meaning(code: str, language: str) -> Meaning:
    return meanings(language).get(code, Meaning("", ""))


@cache
def _texts(language: str) -> dict[str, Any]:
    texts: dict[str, Any] = tomllib.loads(_FOLDER.joinpath("report.toml").read_text("utf-8"))[language]
    return texts
