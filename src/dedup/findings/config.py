"""The thresholds and terms of findings as typed values, read from `config/rules.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

from dedup.errors import ConfigError, shortened
from dedup.findings.dated import MOST, DatedTerms, parse_dated_terms
from dedup.toml import read_toml


@dataclass(frozen=True, slots=True)
class EvidenceTerms:
    """What a pair must show: probabilities from 0 to 1, counts of agreements, levels by comparison."""

    certain_probability: float
    likely_probability: float
    certain_agreements: int
    certain_agreements_without_birth_date: int
    likely_agreements: int
    never_enough: tuple[str, ...]
    hers_alone: tuple[str, ...]
    agrees: Mapping[str, int]
    contradicts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DeliveryTerms:
    """When a delivery is suspected: days, shares from 0 to 1, and counts of registrations or deliveries."""

    missing_after_days: int
    shrunken_share: float
    shrunken_fewest: int
    believed_after: int
    similar_share: float


@dataclass(frozen=True, slots=True)
class ProbingTerms:
    """When a provider stands out: counts, chances that an honest one does, and how often it exceeds the others."""

    window_days: int
    short_life_days: int
    fewest: int
    times_the_others: float
    chance: float
    edits_per_registration: int
    capped_hold_days: int


@dataclass(frozen=True, slots=True)
class CalibrationTerms:
    """What thresholds must reach when they are fitted on answers: precisions from 0 to 1, and a number of labels."""

    certain_precision: float
    likely_precision: float
    fewest_labels: int


@dataclass(frozen=True, slots=True)
class Merger:
    """From a day on the provider `new` stands in the place of `old`."""

    old: str
    new: str
    since: date


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that `config/rules.toml` settles; the unit of each term is the end of its name.

    Lists are sorted tuples, so that equal rules have equal `repr` in every process and can be digested by it.
    """

    evidence: EvidenceTerms
    bands: tuple[tuple[str, float], ...]
    closed_statuses: tuple[str, ...]
    transfer_legitimate_weeks: int
    waiting_list_legitimate_weeks: int
    shared_care_tolerance_hours: int
    same_pregnancy_weeks: int
    another_pregnancy_weeks: int
    year_slip_weeks: int
    year_slip_margin_weeks: int
    outdated_weeks: int
    hold_days: int
    bootstrap_exempt: bool
    code_red_ksvs: tuple[str, ...]
    stopping_providers: tuple[str, ...]
    keep_settled_days: int
    expire_weeks_after_edd: int
    deliveries: DeliveryTerms
    probing: ProbingTerms
    calibration: CalibrationTerms
    mergers: tuple[Merger, ...]
    dated: DatedTerms

    def band_of(self, probability: float) -> str:
        """Return the name of the highest band that starts at or below this probability."""
        return [name for name, lowest in self.bands if lowest <= probability][-1]


# Thresholds that were fitted on answers stand beside the rules, and go before them.
CALIBRATION_FILE = "calibration.toml"

_SECTIONS: Mapping[str, type[Any]] = {
    "evidence": EvidenceTerms,
    "deliveries": DeliveryTerms,
    "probing": ProbingTerms,
    "calibration": CalibrationTerms,
}

# Sections whose readers refuse unknown terms themselves.
_READ_ELSEWHERE = frozenset({"bands", "merger", "escalation", "codes", "ksv_code", "ksv_terms"})

# Where each term of `Rules` stands in the file: section, key.
_TERMS = {
    "closed_statuses": ("registrations", "closed_statuses"),
    "transfer_legitimate_weeks": ("L2_transfer", "legitimate_weeks"),
    "waiting_list_legitimate_weeks": ("L3_waiting_list", "legitimate_weeks"),
    "shared_care_tolerance_hours": ("L4_shared_care", "hours_tolerance"),
    "same_pregnancy_weeks": ("L6_pregnancy", "same_weeks"),
    "another_pregnancy_weeks": ("L6_pregnancy", "another_weeks"),
    "year_slip_weeks": ("L6_pregnancy", "year_slip_weeks"),
    "year_slip_margin_weeks": ("L6_pregnancy", "year_slip_margin_weeks"),
    "outdated_weeks": ("L6_pregnancy", "outdated_weeks"),
    "hold_days": ("L9_reflection", "hold_days"),
    "bootstrap_exempt": ("L9_reflection", "bootstrap_exempt"),
    "code_red_ksvs": ("L9_reflection", "code_red_ksvs"),
    "stopping_providers": ("L10_stopping", "providers"),
    "keep_settled_days": ("life_cycle", "keep_settled_days"),
    "expire_weeks_after_edd": ("life_cycle", "expire_weeks_after_edd"),
}


def load_rules(path: Path) -> Rules:
    """Read `rules.toml`.

    Raises `ConfigError`: `findings.rules-unreadable` (missing or not TOML), `findings.rules-term` (a term is missing,
    unknown or of the wrong type), `findings.rules-order` (thresholds that contradict each other).
    """
    try:
        document = read_toml(path)
    except (OSError, ValueError) as error:
        raise ConfigError("findings.rules-unreadable", f"The rules in {path} cannot be read as TOML.") from error
    return parse_rules(_calibrated(document, path.with_name(CALIBRATION_FILE)))


def _calibrated(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the rules with the thresholds that were fitted and applied last, where there are any."""
    if not path.is_file():
        return document
    try:
        applied = read_toml(path).get("applied", [])
    except (OSError, ValueError) as error:
        raise ConfigError("findings.rules-unreadable", f"The thresholds in {path} cannot be read as TOML.") from error
    if not isinstance(applied, list) or not all(isinstance(one, Mapping) for one in applied):
        raise ConfigError("findings.rules-unreadable", f"The thresholds in {path} are not written as [[applied]].")
    return document | {"evidence": {**_section(document, "evidence"), **applied[-1]}} if applied else document


def parse_rules(document: Mapping[str, Any]) -> Rules:
    """Turn the sections of `rules.toml` into `Rules`; raises `ConfigError` as `load_rules` does."""
    _refuse_unknown_terms(document)
    evidence = _section(document, "evidence")
    rules = Rules(
        evidence=EvidenceTerms(
            certain_probability=_probability(evidence, "certain_probability"),
            likely_probability=_probability(evidence, "likely_probability"),
            certain_agreements=_count(evidence, "evidence", "certain_agreements"),
            certain_agreements_without_birth_date=_count(evidence, "evidence", "certain_agreements_without_birth_date"),
            likely_agreements=_count(evidence, "evidence", "likely_agreements"),
            never_enough=_names(evidence, "evidence", "never_enough"),
            hers_alone=_names(evidence, "evidence", "hers_alone"),
            agrees=_levels(evidence, "agrees"),
            contradicts=_levels(evidence, "contradicts"),
        ),
        bands=_bands(_section(document, "bands")),
        deliveries=DeliveryTerms(**_figures(document, "deliveries", DeliveryTerms)),
        probing=ProbingTerms(**_figures(document, "probing", ProbingTerms)),
        calibration=CalibrationTerms(**_figures(document, "calibration", CalibrationTerms)),
        mergers=_mergers(document.get("merger", [])),
        dated=parse_dated_terms(document, _term(document, "hold_days")),
        **{name: _term(document, name) for name in _TERMS},
    )
    if not rules.evidence.likely_probability <= rules.evidence.certain_probability:
        raise ConfigError("findings.rules-order", "In the rules, likely_probability is above certain_probability.")
    if not rules.same_pregnancy_weeks < rules.another_pregnancy_weeks:
        raise ConfigError("findings.rules-order", "In the rules, L6 same_weeks is not below another_weeks.")
    return rules


def _term(document: Mapping[str, Any], name: str) -> Any:
    section, key = _TERMS[name]
    kind = {field.name: field.type for field in fields(Rules)}[name]
    if kind == "int":
        return _count(_section(document, section), section, key)
    if kind == "bool":
        value = _section(document, section).get(key)
        if not isinstance(value, bool):
            raise _term_error(section, key, "true or false")
        return value
    return _names(_section(document, section), section, key)


def _section(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = document.get(name)
    if not isinstance(section, Mapping):
        raise ConfigError("findings.rules-term", f"The rules have no section [{name}].")
    return section


def _term_error(section: str, key: str, wanted: str) -> ConfigError:
    return ConfigError("findings.rules-term", f"In the rules, {shortened(key)} in [{section}] must be {wanted}.")


def _count(section: Mapping[str, Any], name: str, key: str) -> int:
    value = section.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST:
        raise _term_error(name, key, f"a whole number from 0 to {MOST}")
    return value


def _probability(section: Mapping[str, Any], key: str) -> float:
    value = section.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise _term_error("evidence", key, "a number from 0 to 1")
    return float(value)


def _names(section: Mapping[str, Any], name: str, key: str) -> tuple[str, ...]:
    value = section.get(key)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _term_error(name, key, "a list of texts")
    return tuple(sorted(value))


def _levels(evidence: Mapping[str, Any], key: str) -> dict[str, int]:
    levels = _section(evidence, key)
    return {comparison: _count(levels, f"evidence.{key}", comparison) for comparison in levels}


def _bands(section: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    bands = sorted(((name, _number(section, "bands", name)) for name in section), key=lambda band: band[1])
    if not bands or bands[0][1] > 0:
        raise ConfigError("findings.rules-order", "In the rules, no band in [bands] starts at 0.")
    return tuple(bands)


def _figures(document: Mapping[str, Any], name: str, kind: type[Any]) -> dict[str, Any]:
    """Read a section whose terms are the fields of `kind`: whole numbers, or numbers from 0."""
    section = _section(document, name)
    return {
        field.name: (_count if field.type == "int" else _number)(section, name, field.name) for field in fields(kind)
    }


def _number(section: Mapping[str, Any], name: str, key: str) -> float:
    value = section.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= MOST:
        raise _term_error(name, key, f"a number from 0 to {MOST}")
    return float(value)


def _mergers(entries: Any) -> tuple[Merger, ...]:
    mergers = []
    for entry in entries if isinstance(entries, list) else [None]:
        if not isinstance(entry, Mapping) or set(entry) != {"old", "new", "from"} or type(entry["from"]) is not date:
            raise ConfigError("findings.rules-term", "In the rules, each [[merger]] needs old, new and a date from.")
        mergers.append(Merger(str(entry["old"]), str(entry["new"]), entry["from"]))
    if {merger.old for merger in mergers} & {merger.new for merger in mergers}:
        raise ConfigError("findings.rules-order", "In the rules, a provider is both old and new in [[merger]].")
    return tuple(sorted(mergers, key=lambda merger: (merger.since, merger.old)))


def _refuse_unknown_terms(document: Mapping[str, Any]) -> None:
    """A misspelt term would otherwise be ignored in silence."""
    known: dict[str, set[str]] = {}
    for section, key in _TERMS.values():
        known.setdefault(section, set()).add(key)
    known |= {name: {field.name for field in fields(kind)} for name, kind in _SECTIONS.items()}
    for section, content in document.items():
        if section in _READ_ELSEWHERE:
            continue
        if section not in known:
            raise ConfigError("findings.rules-term", f"The rules have an unknown section [{shortened(section)}].")
        if isinstance(content, Mapping) and (unknown := sorted(set(content) - known[section])):
            message = f"In the rules, [{section}] has an unknown term {shortened(unknown[0])}."
            raise ConfigError("findings.rules-term", message)
