"""What a finding is called and what is to be done about it, in words: the same in every renderer."""

from __future__ import annotations

from dedup.findings.rules import BY_CODE
from dedup.findings.rules.rule import Text
from dedup.reports.data import AgeBand, FindingLine, Hours, KsvReport, ProviderLine
from dedup.reports.night import came_of_answers
from dedup.reports.texts import Texts

# The order in which judgements are explained to the reader.
CLASSES = ("certain", "likely", "to_review", "clean_up", "legitimate")
READING = ("purpose", "finding", "registration_id", "agreed", "band", "elsewhere")


def subtitle(report: KsvReport, texts: Texts) -> str:
    """Return what the report is of: a night, or a month as it stood on a night."""
    day = texts.day(report.day, weekday=True)
    if report.month:
        return texts("title.month_subtitle", month=texts.month(report.month), date=day)
    return texts("title.subtitle", date=day)


def in_language(text: Text, texts: Texts) -> str:
    """Return the sentence of a rule in the report's language."""
    return text.nl if texts.language == "nl" else text.en


def rule_name(code: str, texts: Texts) -> str:
    """Return a rule's name, "" where the evidence alone decided."""
    return in_language(BY_CODE[code].name, texts) if code in BY_CODE else ""


def rule_explanation(code: str, texts: Texts) -> str:
    """Return a rule's explanation, "" where the evidence alone decided."""
    return in_language(BY_CODE[code].explanation, texts) if code in BY_CODE else ""


def actor(line: FindingLine, texts: Texts) -> str:
    """Return whose turn it is: the coordinator, a provider by name and AGB code, someone elsewhere, nobody."""
    if line.acts != "provider":
        return texts(f"actor.{line.acts}")
    if not line.acts_provider_name:
        return line.acts_provider
    return f"{line.acts_provider_name} ({line.acts_provider})"


def step(line: FindingLine, texts: Texts) -> str:
    """Return the suggested step, "" for a legitimate finding; what providers answered goes before the class."""
    if answered := came_of_answers(line.acts, line.outcome, line.answers):
        return texts(f"step.{answered}")
    for name in (f"{line.outcome}_{line.code}", line.outcome):
        if texts.has("step", name):
            return texts(f"step.{name}")
    return ""


def remarks(line: FindingLine, texts: Texts) -> list[str]:
    """Return what else is to be known of a finding: escalation, answers, and why it is kept."""
    said = []
    if line.escalation and line.escalated:
        said.append(texts(f"escalation.{line.escalation}", day=texts.short_day(line.escalated)))
    if line.next_escalation:
        said.append(texts("escalation.next", day=texts.short_day(line.next_escalation)))
    if line.kept and line.kept_since:
        said.append(texts(f"kept.{line.kept}", day=texts.short_day(line.kept_since)))
    if line.answers:
        said.append(
            texts("findings.answers", answers=", ".join(texts(f"given_answer.{code}") for code in line.answers))
        )
    return said


def contracted(report: KsvReport, texts: Texts) -> str:
    """Return how many providers are contracted and how many of these are up to date, "" without a list of contracts."""
    contracts = [line for line in report.providers if line.contracted]
    if not contracts:
        return ""
    fresh = sum(line.freshness == "fresh" for line in contracts)
    return texts("coverage.contracted", providers=texts.count("contracted", len(contracts)), fresh=fresh)


def suspicion(line: ProviderLine, texts: Texts) -> str:
    """Return why a provider's last delivery is not believed, "" when it is."""
    if not line.suspected or line.suspected_since is None:
        return ""
    return texts(f"suspected.{line.suspected}", day=texts.short_day(line.suspected_since))


def age(band: AgeBand, texts: Texts) -> str:
    """Return how old the findings of a band are."""
    if band.to_days is None:
        return texts("ageing.over", days=band.from_days - 1)
    return texts("ageing.upto", **{"from": band.from_days, "to": band.to_days})


def rules_named(report: KsvReport) -> list[str]:
    """Return the codes of the rules that a report names and so explains, by letter and number."""
    codes = {line.code for line in (*report.findings, *report.legitimate) if line.code}
    return sorted(codes, key=lambda code: (code[0], int(code[1:])))


def warnings(codes: tuple[str, ...], texts: Texts) -> str:
    """Return what the warnings are about; a code without a text stands for itself."""
    return ", ".join(texts.catalogue["warning"].get(code, code) for code in codes) or texts("none")


def agreed(line: FindingLine, texts: Texts) -> list[str]:
    """Return the names of the attributes that agreed."""
    return [texts(f"attribute.{name}") for name in line.agreed] or [texts("attribute.nothing")]


def births_heads(texts: Texts) -> list[str]:
    """Return the heads of the table of expected births per week."""
    names = ("births.week", "demand.gross", "births.clients", "demand.waiting", "births.hours", "births.promised")
    return [*map(texts, names), texts("demand.hours_freed")]


def births_rows(report: KsvReport, texts: Texts) -> list[list[str]]:
    """Return that table's rows: people with one decimal, hours without."""
    return [
        [
            texts.week(line.week),
            *(texts.number(people, 1) for people in (line.gross, line.clients, line.waiting)),
            *(texts.number(hours) for hours in (line.hours, line.promised, line.freed)),
        ]
        for line in report.births
    ]


def hours(line: Hours, texts: Texts) -> tuple[str, str, str, str]:
    """Return clients' hours as total, mean, range and of how many clients they are known."""
    if not line.known or line.mean is None:
        return texts("none"), texts("none"), texts("none"), texts.number(0)
    lowest_to_highest = f"{line.lowest}–{line.highest}"
    return texts.number(line.total), texts.number(line.mean, 1), lowest_to_highest, texts.number(line.known)
