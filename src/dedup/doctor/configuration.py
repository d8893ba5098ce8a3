"""Checks of the config folder: settings, rules, linkage model, region table, names and policies of KSVs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dedup.doctor.finding import Seen, check, failed, fine, warning
from dedup.findings.config import load_rules
from dedup.model.load import load_model
from dedup.notify.channels import mail_server_in, tls_context, webhook_in
from dedup.regions import read_regions
from dedup.reports.ksv_settings import EVERY_KSV, read_ksv_settings
from dedup.settings import CHECKOUT_CONFIG, PACKAGED_CONFIG, SETTINGS_FILE, Settings, load_settings

_LOCAL = {"localhost", "127.0.0.1", "::1"}
_KINDS = {int: "a whole number", float: "a number", str: "a text", list: "a list"}


@check("doctor.config")
def config_can_be_read(config_dir: Path) -> Seen:
    """See whether `settings.toml` can be read at all."""
    load_settings(config_dir)
    return fine(f"The installation in {config_dir.parent} is looked at, by its config folder {config_dir.name}.")


@check("doctor.settings")
def settings_are_usable(settings: Settings) -> Seen:
    """See whether each setting is one that exists, and of the kind that the shipped settings have."""
    shipped = _shipped()
    unknown, mistaken = [], []
    for section, values in settings.raw.items():
        known = shipped.get(section, {})
        for name, value in values.items():
            if name not in known:
                unknown.append(f"[{section}] {name}")
            elif not _is_like(value, known[name]):
                mistaken.append(f"[{section}] {name} must be {_KINDS[type(known[name])]}")
    if mistaken:
        return failed(f"{SETTINGS_FILE} has settings of the wrong kind: {'; '.join(mistaken)}.")
    if unknown:
        return warning(f"{SETTINGS_FILE} has settings that nothing reads: {', '.join(unknown)}.")
    return fine(f"Every setting in {SETTINGS_FILE} is known, and of its kind.")


@check("doctor.rules")
def rules_are_usable(settings: Settings) -> Seen:
    """See whether the rules load, with the thresholds that were fitted where there are any."""
    load_rules(settings.config_dir / "rules.toml")
    return fine("The rules can be used.")


@check("doctor.model")
def model_is_usable(settings: Settings) -> Seen:
    """See whether the linkage model of registrations loads."""
    model = load_model(settings.model_path)
    return fine(f"The linkage model can be used; its digest is {model.digest[:16]}.")


@check("doctor.regions")
def regions_are_usable(settings: Settings) -> Seen:
    """See whether the region table loads."""
    regions = read_regions(settings.regions_path)
    return fine(f"The region table has {len(regions.first)} ranges of postcodes and {len(regions.names)} KSVs.")


@check("doctor.ksvs")
def ksv_settings_are_usable(settings: Settings) -> Seen:
    """See whether `ksv.toml` loads, and whether each of its sections is of a KSV of the region table."""
    sections = set(read_ksv_settings(settings.config_dir / "ksv.toml")) - {EVERY_KSV}
    strangers = sorted(sections - set(read_regions(settings.regions_path).names))
    if strangers:
        return warning(f"ksv.toml has sections of KSVs that the region table does not have: {', '.join(strangers)}.")
    return fine(f"The settings of KSVs can be used; {len(sections)} have their own.")


@check("doctor.notify")
def channels_are_usable(settings: Settings, environ: Mapping[str, str]) -> Seen:
    """See whether the channels of `[notify]` are complete and their secrets can be read; nobody is told anything."""
    channels = {"a webhook": webhook_in(settings, environ), "mail": mail_server_in(settings, environ)}
    used = [name for name, channel in channels.items() if channel is not None]
    if not used:
        return fine("Nobody is told how nights go: [notify] names no channel.")
    tls_context(settings)
    return fine(f"The operator is told by {' and '.join(used)}; the secrets can be read.")


@check("doctor.issuer")
def issuer_is_secure(settings: Settings) -> Seen:
    """See whether `[service] issuer` is an address that vendors' credentials may be sent to."""
    issuer = settings.section("service").get("issuer")
    if issuer is None:
        return fine("[service] issuer is not set: it is the address that `dedup serve` listens on.")
    try:
        parts = urlsplit(str(issuer))
        secure = bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
        )
    except ValueError:
        secure = False
    if not secure:
        return failed("[service] issuer is neither an HTTPS address nor one of this machine itself.")
    return fine("[service] issuer is an HTTPS address, or one of this machine itself.")


def _shipped() -> dict[str, dict[str, Any]]:
    """Return the settings that this version ships, with those that it ships as comments."""
    folder = next(one for one in (PACKAGED_CONFIG, CHECKOUT_CONFIG) if (one / SETTINGS_FILE).is_file())
    lines = (folder / SETTINGS_FILE).read_text("utf-8").splitlines()
    return tomllib.loads("\n".join(line.removeprefix("# ") if _is_setting(line) else line for line in lines))


def _is_setting(line: str) -> bool:
    """Tell whether a comment is a setting that can be taken into use by removing its mark."""
    name, separator, value = line.removeprefix("# ").partition(" = ")
    return line.startswith("# ") and bool(separator) and name.isidentifier() and value[:1] in '"[0123456789'


def _is_like(value: object, shipped: object) -> bool:
    """Tell whether a value is of the kind of the shipped one; a whole number does where a broken one is."""
    if isinstance(shipped, float):
        return type(value) in {int, float}
    return type(value) is type(shipped)
