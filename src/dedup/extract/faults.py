"""Every fault that the check can find in a row, in one table: code, severity, and what to do about it in two languages.

A finding names a code from here, a row and a column: never the value.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a finding does to its row."""

    ERROR = "error"  # the row is refused and not sent
    WARNING = "warning"  # the row is sent, the field counts as missing
    NOTE = "note"  # the row is sent as it stands; counted only


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of finding with its hints; `code` is stable."""

    code: str
    severity: Severity
    dutch: str
    english: str


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

FAULTS: dict[str, Fault] = {
    fault.code: fault
    for fault in (
        Fault(
            "row.fields",
            _E,
            "De rij heeft meer of minder velden dan de kopregel; zet een waarde met ; of een regeleinde tussen quotes.",
            "The row has more or fewer fields than the header; quote a value that holds ; or a line break.",
        ),
        Fault(
            "id.missing",
            _E,
            "registratie_id ontbreekt; geef elke inschrijving een eigen willekeurige UUID.",
            "registratie_id is missing; give every registration a random UUID of its own.",
        ),
        Fault(
            "id.malformed",
            _E,
            "registratie_id is geen UUID; gebruik een willekeurige UUID, nooit het cliëntnummer.",
            "registratie_id is no UUID; use a random UUID, never the client number.",
        ),
        Fault(
            "id.bsn",
            _E,
            "registratie_id heeft de vorm van een BSN; een BSN mag hier nooit staan. Gebruik een willekeurige UUID.",
            "registratie_id has the form of a BSN, which must never stand here; use a random UUID.",
        ),
        Fault(
            "id.duplicate",
            _E,
            "Deze registratie_id staat al op een eerdere rij; elke inschrijving komt één keer voor.",
            "This registratie_id stands on an earlier row too; every registration occurs once.",
        ),
        Fault(
            "provider.missing",
            _E,
            "aanbieder_agb ontbreekt.",
            "aanbieder_agb is missing.",
        ),
        Fault(
            "provider.malformed",
            _E,
            "aanbieder_agb is geen AGB-code van acht cijfers; let op voorloopnullen die een spreadsheet weglaat.",
            "aanbieder_agb is no AGB code of eight digits; mind leading zeros that a spreadsheet drops.",
        ),
        Fault("status.missing", _E, "status ontbreekt.", "status is missing."),
        Fault(
            "status.unknown",
            _E,
            "status staat niet in de lijst; zie de lijst met codes in docs/extract.md.",
            "status is not in the list; see the codes in docs/extract.md.",
        ),
        Fault(
            "identity.missing",
            _E,
            "Er is geen bruikbare geboortedatum en geen bruikbare naam; minstens één van beide is nodig.",
            "There is neither a usable birth date nor a usable name; at least one of them is needed.",
        ),
        Fault(
            "required.missing",
            _W,
            "Dit verplichte veld is leeg; vul het waar het bekend is.",
            "This required field is empty; fill it where it is known.",
        ),
        Fault(
            "conditional.missing",
            _W,
            "Dit veld hoort gevuld te zijn bij deze rol of status.",
            "This field should be filled with this role or status.",
        ),
        Fault(
            "participation.unknown",
            _W,
            "deelname is niet ja of bezwaar; de rij gaat niet mee totdat er ja staat.",
            "deelname is neither ja nor bezwaar; the row is held back until it says ja.",
        ),
        Fault(
            "schema.unknown",
            _W,
            "schema_versie is niet 1.0.",
            "schema_versie is not 1.0.",
        ),
        Fault(
            "code.unknown",
            _W,
            "De waarde staat niet in de lijst van dit veld; zie de lijst met codes in docs/extract.md.",
            "The value is not in this field's list; see the codes in docs/extract.md.",
        ),
        Fault(
            "agb.malformed",
            _W,
            "Geen AGB-code van acht cijfers; let op voorloopnullen die een spreadsheet weglaat.",
            "No AGB code of eight digits; mind leading zeros that a spreadsheet drops.",
        ),
        Fault(
            "date.malformed",
            _W,
            "Geen bestaande datum JJJJ-MM-DD, zoals 1994-05-31; of (behalve geboorte) vóór 2000 of na 2099.",
            "No existing date YYYY-MM-DD, such as 1994-05-31; or (birth dates apart) before 2000 or after 2099.",
        ),
        Fault(
            "date.future",
            _W,
            "De datum ligt na de controledatum.",
            "The date lies after the day of the check.",
        ),
        Fault(
            "birth_date.age",
            _W,
            "De moeder zou jonger dan 12 of ouder dan 60 zijn; is dit de geboortedatum van de moeder?",
            "The mother would be younger than 12 or older than 60; is this the mother's birth date?",
        ),
        Fault(
            "birth_date.weak",
            _N,
            "1 januari en 1 juli staan vaak voor een onbekende geboortedag; vraag de echte datum na waar dat kan.",
            "1 January and 1 July often stand for an unknown birth day; ask for the real date where you can.",
        ),
        Fault(
            "edd.range",
            _W,
            "De a-termedatum ligt meer dan 60 dagen terug of meer dan 300 dagen vooruit.",
            "The expected date of delivery is over 60 days ago or over 300 days ahead.",
        ),
        Fault(
            "name.no-letters",
            _W,
            "De naam bevat geen letters van het Latijnse alfabet of alleen een invulwoord zoals onbekend.",
            "The name holds no letter of the Latin alphabet, or only a filler such as onbekend.",
        ),
        Fault(
            "name.garbled",
            _W,
            "De naam bevat tekens van een verkeerde tekenset (zoals Ã gevolgd door ©); exporteer opnieuw als UTF-8.",
            "The name holds characters of a wrong encoding (such as Ã followed by ©); export again as UTF-8.",
        ),
        Fault(
            "text.malformed",
            _W,
            "De waarde is langer dan 200 tekens of bevat andere tekens dan dit veld toelaat.",
            "The value is longer than 200 characters or holds characters that this field does not allow.",
        ),
        Fault(
            "postcode.malformed",
            _W,
            "Geen Nederlandse postcode van vier cijfers en twee letters.",
            "No Dutch postcode of four digits and two letters.",
        ),
        Fault(
            "postcode.no-region",
            _N,
            "De postcode ligt in geen van de regio's; de inschrijving telt waar de aanbieder de meeste heeft.",
            "The postcode lies in none of the regions; the registration counts in the KSV where the provider has most.",
        ),
        Fault(
            "house_number.malformed",
            _W,
            "Geen huisnummer; de toevoeging hoort in huisletter of huisnummertoevoeging.",
            "No house number; a suffix belongs in huisletter or huisnummertoevoeging.",
        ),
        Fault(
            "phone.malformed",
            _W,
            "Geen geldig telefoonnummer, of een invulnummer zoals 0600000000; één nummer per veld.",
            "No valid phone number, or a filler such as 0600000000; one number per field.",
        ),
        Fault(
            "email.malformed",
            _W,
            "Geen geldig e-mailadres; één adres per veld.",
            "No valid e-mail address; one address per field.",
        ),
        Fault(
            "insurance.malformed",
            _W,
            "Geen UZOVI-code van vier cijfers of geen bruikbaar verzekerdennummer.",
            "No UZOVI code of four digits, or no usable insurance number.",
        ),
        Fault(
            "insurance.incomplete",
            _W,
            "uzovi en verzekerdennummer horen bij elkaar; één van beide ontbreekt.",
            "uzovi and verzekerdennummer belong together; one of them is missing.",
        ),
        Fault(
            "hours.malformed",
            _W,
            "Geen geheel aantal uren van 0 tot en met 400.",
            "No whole number of hours from 0 to 400.",
        ),
    )
}
