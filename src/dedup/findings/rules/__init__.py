"""The rules of the sector, L0 to L10, in the order in which they are asked.

To add a rule: a module with a `judge` function and a `RULE`, a line below, and a table of examples in its test.
"""

from __future__ import annotations

from dedup.findings.rules import (
    internal,
    pregnancy,
    product,
    reflection,
    shared_care,
    stopping,
    subcontracting,
    transfer,
    waiting_list,
)
from dedup.findings.rules.rule import Rule, Text

# Rules that judge a pair; where several explain it, the first one counts.
JUDGING: tuple[Rule, ...] = (
    internal.RULE,
    pregnancy.RULE,
    transfer.RULE,
    subcontracting.RULE,
    shared_care.RULE,
    stopping.RULE,
    product.RULE,
    waiting_list.RULE,
)

# Codes of the rules that make a double a legitimate one, by number; not L0, which is its provider's own business.
EXPLAINING: tuple[str, ...] = tuple(
    sorted((rule.code for rule in JUDGING if rule is not internal.RULE), key=lambda code: int(code[1:]))
)

TWINS = Rule(
    code="L7",
    name=Text("Meerling", "Twins"),
    explanation=Text(
        "Er wordt op de moeder gezocht: een meerling is één zorgvraag.",
        "The mother is the key: twins are one demand.",
    ),
)
SURROGACY = Rule(
    code="L8",
    name=Text("Alleen adres of e-mail", "Only address or e-mail"),
    explanation=Text(
        "Alleen een gedeeld adres of e-mailadres is nooit genoeg; vraag na, bijvoorbeeld bij draagmoederschap.",
        "A shared address or e-mail alone is never enough; someone must ask, for instance with surrogacy.",
    ),
)
FIRST_NAME = Rule(
    code="E1",
    name=Text("Andere voornaam", "Other first name"),
    explanation=Text(
        "De voornamen verschillen duidelijk; het kan een zus of huisgenoot zijn.",
        "The first names clearly differ; it may be a sister or someone in the same house.",
    ),
)
TOO_LITTLE = Rule(
    code="E2",
    name=Text("Te weinig overeenkomst", "Too little agreement"),
    explanation=Text(
        "Er komt te weinig overeen om zonder navraag van een dubbele inschrijving te spreken.",
        "Too little agrees to speak of a double without asking.",
    ),
)

BY_CODE: dict[str, Rule] = {
    rule.code: rule for rule in (*JUDGING, TWINS, SURROGACY, reflection.RULE, FIRST_NAME, TOO_LITTLE)
}
