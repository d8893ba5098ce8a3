"""Renders reports as one HTML file each: no script, nothing from elsewhere, readable on screen and on paper.

A file carries its own content security policy, which allows its one style sheet by hash and nothing else; so it can
be opened from a folder or served under a stricter policy of a portal that names the same hash.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from dedup.reports import wording
from dedup.reports.chart import Charts, charts_of
from dedup.reports.data import FindingLine, KsvReport
from dedup.reports.first_screen import first_screen
from dedup.reports.texts import Texts, texts_in


def render(report: KsvReport, language: str = "nl", charts: Charts | None = None) -> str:
    """Return a KSV's page; the same report gives the same bytes. `charts` saves drawing those that are drawn already.

    Raises `KeyError` for an unknown language.
    """
    texts = texts_in(language)
    charts = charts or charts_of(report, texts)
    return page(
        "ksv.html.j2",
        texts,
        report=report,
        s=report.summary,
        answers=first_screen(report, texts),
        w=wording,
        charts=charts,
        to_review=report.where_acts("ksv"),
        to_resolve=tuple(line for line in report.findings if line.acts != "ksv"),
    )


def page(template: str, texts: Texts, **values: object) -> str:
    """Return a page from a template of this package, with the style sheet and the policy that all pages share."""
    made = _environment().get_template(template)
    written: str = made.render(t=texts, style=_style(), policy=content_policy(), **values)
    return written


def content_policy() -> str:
    """Return the content security policy of the pages."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def tone(line: FindingLine) -> str:
    """Return the style of a finding's label."""
    return line.outcome.replace("_", "-")


@cache
def _style() -> str:
    return files("dedup.reports").joinpath("templates/report.css").read_text("utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dedup.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tone"] = tone
    return environment
