"""What a KSV decides about its providers' reports: whom they may hear of, and the words for the client (`ksv.toml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from dedup.errors import ConfigError
from dedup.reports.texts import LANGUAGES, texts_in
from dedup.toml import read_toml

EVERY_KSV = "every_ksv"
_KEYS = {"counterparty", "agreed_providers", "conversation"}


class Counterparty(StrEnum):
    """When a provider is told which provider the other registration is with; the first is the strictest."""

    NEVER = "never"
    AFTER_AGREEMENT = "after_agreement"  # both providers agreed with their KSV to be named to each other
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class KsvSettings:
    """The choices of one KSV; `conversation` holds, by language, the words that replace the usual ones by name."""

    counterparty: Counterparty = Counterparty.AFTER_AGREEMENT
    agreed_providers: frozenset[str] = frozenset()
    conversation: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def words(self, name: str, language: str) -> str:
        """Return the words for the conversation with the client."""
        own = self.conversation.get(language, {}).get(name)
        return own or texts_in(language)(f"conversation.{name}")


def read_ksv_settings(path: Path) -> Mapping[str, KsvSettings]:
    """Return the settings by KSV from `ksv.toml`; `EVERY_KSV`, always there, is for those without a section.

    Raises `ConfigError` (`config.ksv`) for a file that cannot be used.
    """
    if not path.is_file():
        return {EVERY_KSV: KsvSettings()}
    try:
        document = read_toml(path)
    except ValueError as error:
        raise ConfigError("config.ksv", f"{path} is not valid TOML.") from error
    usual = document.get(EVERY_KSV, {})
    sections = {EVERY_KSV: {}, **document}
    return {name: _settings(path, name, section, usual) for name, section in sections.items()}


def settings_of(settings: Mapping[str, KsvSettings], ksv: str) -> KsvSettings:
    """Return the settings of a KSV."""
    return settings.get(ksv, settings[EVERY_KSV])


def may_name(settings: Mapping[str, KsvSettings], *, own: tuple[str, str], other: tuple[str, str]) -> bool:
    """Tell whether the provider `own` (KSV, AGB code) may hear of the `other` one; the stricter KSV holds."""
    chosen = [settings_of(settings, ksv) for ksv, _ in (own, other)]
    policies = {each.counterparty for each in chosen}
    if Counterparty.NEVER in policies:
        return False
    if policies == {Counterparty.ALWAYS}:
        return True
    return all(agb in each.agreed_providers for each, (_, agb) in zip(chosen, (own, other), strict=True))


def _settings(path: Path, name: str, section: Any, usual: Mapping[str, Any]) -> KsvSettings:
    if not isinstance(section, dict) or not set(section) <= _KEYS:
        raise ConfigError("config.ksv", f"[{name}] in {path} may hold {', '.join(sorted(_KEYS))} only.")
    merged = {**usual, **section}
    agreed, words = merged.get("agreed_providers", []), merged.get("conversation", {})
    try:
        policy = Counterparty(merged.get("counterparty", Counterparty.AFTER_AGREEMENT))
    except ValueError:
        choices = ", ".join(Counterparty)
        raise ConfigError("config.ksv", f"counterparty of [{name}] in {path} must be one of {choices}.") from None
    if not isinstance(agreed, list) or not all(isinstance(agb, str) for agb in agreed):
        raise ConfigError("config.ksv", f"agreed_providers of [{name}] in {path} must be a list of AGB codes.")
    known = {language: set(texts_in(language).catalogue["conversation"]) for language in LANGUAGES}
    if not isinstance(words, dict) or not all(
        isinstance(own, dict)
        and set(own) <= known.get(language, set())
        and all(isinstance(w, str) for w in own.values())
        for language, own in words.items()
    ):
        names = ", ".join(sorted(known["nl"]))
        raise ConfigError("config.ksv", f"conversation of [{name}] in {path} may hold, under nl and en, {names}.")
    return KsvSettings(policy, frozenset(agreed), words)
