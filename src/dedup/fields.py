"""The closed lists of the extract, and the attributes of a registration that leave the source in clear ("layer B").

Everything else in an extract is either turned into sketches and block tokens or never leaves the source.
"""

from __future__ import annotations

from enum import StrEnum


class CareProduct(StrEnum):
    """*Zorgproduct*: what kind of care the registration asks for."""

    KRAAMZORG = "kraamzorg"
    PARTUS = "partus"
    UITGESTELD = "uitgesteld"
    KRAAMHOTEL = "kraamhotel"
    ADOPTIE = "adoptie"


class Role(StrEnum):
    """*Rol*: the part that the provider plays in the care of this client."""

    ZELFSTANDIG = "zelfstandig"
    HOOFDAANNEMER = "hoofdaannemer"
    ONDERAANNEMER = "onderaannemer"
    BEMIDDELAAR = "bemiddelaar"


class Status(StrEnum):
    """*Status*: how far the registration is."""

    WACHTLIJST = "wachtlijst"
    AANGEMELD = "aangemeld"
    INGESCHREVEN = "ingeschreven"
    INTAKE = "intake"
    IN_ZORG = "in_zorg"
    OVERGEDRAGEN = "overgedragen"
    GEANNULEERD = "geannuleerd"
    AFGEROND = "afgerond"


class EndReason(StrEnum):
    """*Eindreden*: why the registration ended; never medical."""

    CLIENT = "client"
    AANBIEDER = "aanbieder"
    OVERDRACHT = "overdracht"
    VERHUIZING = "verhuizing"
    OVERIG = "overig"


class AttributeType(StrEnum):
    """How an attribute is written in a bundle and kept in the attribute store."""

    TEXT = "text"  # string, empty when missing
    WEEK = "week"  # week ordinal, -1 when missing
    NUMBER = "number"  # integer, -1 when missing
    YES_NO = "yes_no"  # 1 yes, 0 no, -1 missing


# In the order of the bundle; who reads each is told in docs/decisions/0017. `ksv` is looked up from the postcode at the
# source, hours come in bands of four (lower edge), `sharing` is the HMAC of verdeling_id as hex, and `status_week` is
# there only where `needs_status_week` says so.
ATTRIBUTES: dict[str, AttributeType] = {
    "registratie_id": AttributeType.TEXT,
    "schema_versie": AttributeType.TEXT,
    "bronsysteem": AttributeType.TEXT,
    "aanbieder_agb": AttributeType.TEXT,
    "zorgproduct": AttributeType.TEXT,
    "rol": AttributeType.TEXT,
    "relatie_agb": AttributeType.TEXT,
    "status": AttributeType.TEXT,
    "inschrijf_week": AttributeType.WEEK,
    "status_week": AttributeType.WEEK,
    "overdracht_week": AttributeType.WEEK,
    "overdracht_agb": AttributeType.TEXT,
    "sharing": AttributeType.TEXT,
    "gedeelde_zorg": AttributeType.YES_NO,
    "edd_week": AttributeType.WEEK,
    "indicatie_uren": AttributeType.NUMBER,
    "toegezegde_uren": AttributeType.NUMBER,
    "ksv": AttributeType.TEXT,
}


def needs_status_week(status: str, *, transfer_known: bool) -> bool:
    """Tell whether the week of a status is sent: only of a transfer, in place of a date of transfer that is missing."""
    return status == Status.OVERGEDRAGEN and not transfer_known
