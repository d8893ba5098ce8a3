"""Renders a provider's report as a workbook for people, a CSV for its package, and a CSV to answer in."""

from __future__ import annotations

from collections.abc import Mapping

from dedup.findings.rules import EXPLAINING
from dedup.findings.vocabulary import FindingClass, State
from dedup.reports import wording
from dedup.reports.ksv_settings import KsvSettings, settings_of
from dedup.reports.provider import OwnFinding, ProviderReport
from dedup.reports.separated import separated
from dedup.reports.texts import LANGUAGES, Texts, texts_in
from dedup.reports.workbook import Cell, Sheet, workbook
from dedup.weeks import iso_label

FEEDBACK_COLUMNS = ("finding", "registratie_id", "aanbieder_agb", "code")
REPORT_COLUMNS = (
    "finding", "registratie_id", "aanbieder_agb", "class", "rule", "state", "opened", "days_open", "turn", "act_here",
    "agreed", "other_registrations", "other_providers",
)  # fmt: skip
# What can be answered, as `dedup feedback import` reads it; `terecht` is followed by the code of a rule.
ANSWERS = ("ons", "ander", *(f"terecht:{code}" for code in EXPLAINING), "geen_dubbel", "onbekend")


def as_csv(report: ProviderReport) -> bytes:
    """Return a line per registration in a finding, in codes."""
    return separated(
        REPORT_COLUMNS,
        (
            (
                line.finding, line.registratie_id, report.provider, _written(line), line.code, line.state,
                line.opened.isoformat(), line.days_open, line.turn, int(line.act_here), " ".join(line.agreed),
                line.others, " ".join(agb for agb, _ in line.counterparties),
            )
            for line in report.findings
        ),
    )  # fmt: skip


def as_feedback_form(report: ProviderReport) -> bytes:
    """Return the lines that can be answered, with an empty `code` to fill in, as `dedup feedback import` takes it."""
    return separated(
        FEEDBACK_COLUMNS,
        ((line.finding, line.registratie_id, report.provider, "") for line in report.findings if can_answer(line)),
    )


def can_answer(line: OwnFinding) -> bool:
    """Tell whether the provider has something to say about a line: its own doubles are for itself alone."""
    return line.outcome not in (FindingClass.INTERNAL, FindingClass.LEGITIMATE)


def as_xlsx(report: ProviderReport, settings: Mapping[str, KsvSettings], language: str = "nl") -> bytes:
    """Return a workbook: what to do, findings, words for the client, what can be answered, own data quality."""
    texts = texts_in(language)
    sheets = (
        _overview(report, texts),
        _findings(report, texts),
        _conversation(report, settings, texts),
        _answers(texts),
        _quality(report, texts),
    )
    title = f"{texts('provider.title')} - {report.name or report.provider}"
    return workbook(title, report.day, sheets)


def step(line: OwnFinding, texts: Texts) -> str:
    """Return what the provider is advised to do."""
    if line.answered:
        return texts(f"provider_step.{line.answered}_{line.turn}")
    if line.turn == "other":
        return texts("provider_step.other")
    for name in (f"{line.outcome}_{line.code}", line.outcome):
        if texts.has("provider_step", name):
            return texts(f"provider_step.{name}")
    return texts("none")


def conversation_for(line: OwnFinding) -> str:
    """Return the name of the words for the client, "" where she need not be called."""
    if line.turn != "yours" or not line.act_here or line.answered:
        return ""
    if line.outcome in (FindingClass.CERTAIN, FindingClass.LIKELY):
        return "double"
    return {"L2": "transfer", "L3": "waiting_list"}.get(line.code, "")


def answer_heads(texts: Texts) -> dict[str, str]:
    """Return the heads under which the sheet with findings holds the columns of a form, by that form's names."""
    return {
        "finding": texts("findings.finding"),
        "registratie_id": "registratie_id",
        "aanbieder_agb": "aanbieder_agb",
        "code": texts("provider.answer"),
    }


def _overview(report: ProviderReport, texts: Texts) -> Sheet:
    """What is new, what is to be done, and how: so that the other sheets need no explanation."""
    own, lines = report.quality, report.findings
    new = sum(line.state in (State.NEW, State.REOPENED) for line in lines)
    yours = len({line.finding for line in lines if line.turn == "yours"})
    others = len({line.finding for line in lines if line.turn in ("other", "ksv")})
    delivered = texts.day(own.snapshot) if own.snapshot else texts("freshness.missing")
    new_says = "provider_overview.new_says_first" if report.first_night else "provider_overview.new_says"
    rows: list[tuple[Cell, ...]] = [
        (texts("provider_overview.new"), texts(new_says, findings=texts.count("new", new))),
        (texts("provider_overview.do"), texts("provider_overview.do_says", findings=texts.count("finding", yours))),
        (
            texts("provider_overview.turn"),
            texts("provider_overview.turn_says", findings=texts.count("finding", others)),
        ),
        (texts("provider_overview.answer"), texts("provider_overview.answer_says")),
        (
            texts("provider_overview.complete"),
            texts("provider_overview.complete_says", day=delivered, rows=own.rows, refused=own.refused),
        ),
        (texts("provider.confidential"), ""),
    ]
    heads = (report.name or report.provider, texts.day(report.day, weekday=True))
    return Sheet(texts("xlsx.overview"), heads, rows, {})


def _findings(report: ProviderReport, texts: Texts) -> Sheet:
    """What to do and the answer come first, why it is a finding after them; last whose it is, for who reads it back."""
    heads = (
        texts("findings.finding"), "registratie_id", texts("provider.turn"), texts("provider.step"),
        texts("provider.conversation"), texts("provider.answer"), texts("xlsx.class"), texts("xlsx.rule"),
        texts("xlsx.state"), texts("xlsx.days_open"), texts("findings.edd"), texts("xlsx.status"),
        texts("findings.agreed"), texts("provider.others"), texts("provider.counterparty"), "aanbieder_agb",
    )  # fmt: skip
    rows = [(*_row(line, texts), report.provider) for line in report.findings]
    return Sheet(texts("provider.findings"), heads, rows, {9: "0", 13: "0"}, {5: ANSWERS})


def _row(line: OwnFinding, texts: Texts) -> tuple[Cell, ...]:
    conversation = conversation_for(line)
    return (
        line.finding,
        line.registratie_id,
        texts(f"provider_turn.{line.turn}"),
        step(line, texts),
        texts(f"conversation_name.{conversation}") if conversation else "",
        "" if can_answer(line) else texts("none"),
        texts(f"class.{line.outcome}"),
        f"{line.code} {wording.rule_name(line.code, texts)}".strip(),
        texts(f"state.{line.state}"),
        line.days_open,
        iso_label(line.edd_week),
        texts(f"status.{line.status}"),
        ", ".join(texts(f"attribute.{name}") for name in line.agreed),
        line.others,
        ", ".join(f"{name} ({agb})" if name else agb for agb, name in line.counterparties),
    )


def _conversation(report: ProviderReport, settings: Mapping[str, KsvSettings], texts: Texts) -> Sheet:
    """The words per KSV, in every language, because the client need not speak that of the report."""
    heads = ("KSV", texts("provider.conversation"), *(texts(f"language_name.{language}") for language in LANGUAGES))
    rows = [
        (
            ksv,
            texts(f"conversation_name.{name}"),
            *(settings_of(settings, ksv).words(name, language) for language in LANGUAGES),
        )
        for ksv in sorted({line.ksv for line in report.findings if line.ksv})
        for name in texts.catalogue["conversation"]
    ]
    return Sheet(texts("provider.conversation"), heads, rows, {})


def _answers(texts: Texts) -> Sheet:
    heads = (texts("provider.answer"), texts("provider.meaning"))
    rows = []
    for answer in ANSWERS:
        kind, _, code = answer.partition(":")
        rule, explanation = f"{code} {wording.rule_name(code, texts)}", wording.rule_explanation(code, texts)
        rows.append((answer, texts(f"answer.{kind}", rule=rule, explanation=explanation)))
    return Sheet(texts("provider.answers"), heads, rows, {})


def _quality(report: ProviderReport, texts: Texts) -> Sheet:
    own = report.quality
    rows: list[tuple[Cell, ...]] = [
        (texts("xlsx.day"), texts.day(report.day)),
        (texts("coverage.snapshot"), texts.day(own.snapshot) if own.snapshot else texts("freshness.missing")),
        (texts("provider.rows"), own.rows),
        (texts("coverage.refused"), own.refused),
        (texts("provider.registrations"), own.registrations),
        (texts("quality.edd_missing"), own.edd_missing),
        (texts("quality.hours_missing"), own.hours_missing),
        *(
            (texts("provider.remark", what=wording.warnings((code,), texts)), count)
            for code, count in own.remarks
        ),
        (texts("provider.confidential"), None),
    ]  # fmt: skip
    return Sheet(texts("xlsx.quality"), (texts("xlsx.item"), texts("xlsx.value")), rows, {})


def _written(line: OwnFinding) -> str:
    return FindingClass(line.outcome).written(line.code)
