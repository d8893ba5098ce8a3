"""The columns of an extract: which must be there, what each may hold, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dedup.extract import cleaners
from dedup.extract.cleaners import Cleaner
from dedup.fields import CareProduct, EndReason, Role, Status


class Need(StrEnum):
    """Whether a column must be in the header; only a required column's empty fields are reported."""

    REQUIRED = "required"
    CONDITIONAL = "conditional"
    OPTIONAL = "optional"


class Fate(StrEnum):
    """What leaves the source of a column."""

    CLEAR = "clear"
    WEEK = "week"
    WEEK_OF_TRANSFER = "week-of-transfer"
    HOURS_BAND = "hours-band"
    HMAC = "hmac"
    SKETCH = "sketch"
    SKETCH_AND_REGION = "sketch-and-region"
    INITIAL = "initial"
    PREFIX = "prefix"
    NOTHING = "nothing"
    COUNT = "count"


# Dutch and English, as `dedup check` shows them.
FATES: dict[Fate, tuple[str, str]] = {
    Fate.CLEAR: ("leesbaar", "sent readable"),
    Fate.WEEK: ("alleen de ISO-week", "only the ISO week"),
    Fate.WEEK_OF_TRANSFER: (
        "alleen de ISO-week, en alleen van een overdracht zonder overdracht_datum",
        "only the ISO week, and only of a transfer without overdracht_datum",
    ),
    Fate.HOURS_BAND: ("alleen de band van 4 uur", "only the band of 4 hours"),
    Fate.HMAC: ("alleen een HMAC", "only an HMAC"),
    Fate.SKETCH: ("versleuteld in blokken en schetsen", "only in keyed block tokens and sketches"),
    Fate.SKETCH_AND_REGION: (
        "versleuteld in blokken en schetsen; leesbaar alleen de code van de KSV",
        "only in keyed block tokens and sketches; readable only the code of the KSV",
    ),
    Fate.INITIAL: (
        "versleuteld in schetsen: alleen de eerste letter",
        "only in keyed sketches: the first letter",
    ),
    Fate.PREFIX: (
        "gaat niet mee, tenzij er een deel van een achternaam staat",
        "not sent, unless it holds a part of a surname",
    ),
    Fate.NOTHING: ("gaat niet mee", "not sent"),
    Fate.COUNT: ("gaat niet mee; alleen geteld", "not sent; only counted"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `missing` is the fault of an empty field, "" where empty is fine."""

    name: str
    need: Need
    clean: Cleaner
    fate: Fate
    missing: str = ""


def _required(name: str, clean: Cleaner, fate: Fate, missing: str = "required.missing") -> Column:
    return Column(name, Need.REQUIRED, clean, fate, missing)


def _optional(name: str, clean: Cleaner, fate: Fate, need: Need = Need.OPTIONAL) -> Column:
    return Column(name, need, clean, fate)


COLUMNS: tuple[Column, ...] = (
    _required("schema_versie", cleaners.schema_version, Fate.CLEAR),
    _required("bronsysteem", cleaners.open_code, Fate.CLEAR),
    _required("registratie_id", cleaners.registration_id, Fate.CLEAR, "id.missing"),
    _required("aanbieder_agb", cleaners.provider_code, Fate.CLEAR, "provider.missing"),
    _required("zorgproduct", cleaners.one_of(CareProduct), Fate.CLEAR),
    _required("rol", cleaners.one_of(Role), Fate.CLEAR),
    _optional("relatie_agb", cleaners.agb_code, Fate.CLEAR, Need.CONDITIONAL),
    _required("status", cleaners.one_of(Status, "status.unknown"), Fate.CLEAR, "status.missing"),
    _required("inschrijf_datum", cleaners.past_date, Fate.WEEK),
    _required("status_datum", cleaners.past_date, Fate.WEEK_OF_TRANSFER),
    _optional("overdracht_datum", cleaners.any_date, Fate.WEEK, Need.CONDITIONAL),
    _optional("eind_reden", cleaners.one_of(EndReason), Fate.NOTHING),
    _optional("overdracht_agb", cleaners.agb_code, Fate.CLEAR, Need.CONDITIONAL),
    _optional("voorkeur_1_agb", cleaners.agb_code, Fate.NOTHING),
    _optional("voorkeur_2_agb", cleaners.agb_code, Fate.NOTHING),
    _optional("verdeling_id", cleaners.free_text, Fate.HMAC),
    _optional("gedeelde_zorg", cleaners.yes_no, Fate.CLEAR),
    _required("deelname", cleaners.free_text, Fate.COUNT, ""),
    _required("geboortedatum", cleaners.birth_date, Fate.SKETCH),
    _required("achternaam", cleaners.name_text, Fate.SKETCH),
    _optional("voorvoegsels", cleaners.name_text, Fate.PREFIX),
    _optional("achternaam_partner", cleaners.name_text, Fate.SKETCH),
    _optional("voorvoegsels_partner", cleaners.name_text, Fate.PREFIX),
    _optional("naamgebruik", cleaners.one_of(("nl1", "nl2", "nl3", "nl4")), Fate.NOTHING),
    _optional("voornamen", cleaners.name_text, Fate.SKETCH),
    _optional("roepnaam", cleaners.name_text, Fate.SKETCH),
    _optional("initialen", cleaners.name_text, Fate.INITIAL),
    _required("postcode", cleaners.postcode_text, Fate.SKETCH_AND_REGION),
    _required("huisnummer", cleaners.house_number_text, Fate.SKETCH),
    _optional("huisletter", cleaners.free_text, Fate.NOTHING),
    _optional("huisnummertoevoeging", cleaners.free_text, Fate.NOTHING),
    _optional("telefoon", cleaners.phone_text, Fate.SKETCH),
    _optional("email", cleaners.email_text, Fate.SKETCH),
    _required("a_terme_datum", cleaners.expected_delivery, Fate.WEEK),
    _optional("a_terme_definitief", cleaners.yes_no, Fate.NOTHING),
    _optional("uzovi", cleaners.insurer_text, Fate.SKETCH),
    _optional("verzekerdennummer", cleaners.insurance_text, Fate.SKETCH),
    _optional("indicatie_uren", cleaners.hours, Fate.HOURS_BAND),
    _optional("toegezegde_uren", cleaners.hours, Fate.HOURS_BAND),
)
COLUMN_NAMES: tuple[str, ...] = tuple(column.name for column in COLUMNS)
REQUIRED_NAMES: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.need is Need.REQUIRED)
FIRST_NAME_COLUMNS = ("voornamen", "roepnaam", "initialen")  # at least one of them must be there
NAME_COLUMNS = ("achternaam", "achternaam_partner", "voornamen", "roepnaam")

# Columns that vendors are known to have and that this format leaves out on purpose.
KNOWN_AND_IGNORED = frozenset(("pariteit", "meerling", "verloskundige_agb", "huisarts", "bsn"))
