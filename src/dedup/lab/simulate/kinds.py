"""The kinds of second registration: real doubles, legitimate ones, and women who only look alike."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

BASE = "basis"
DOUBLE = "dubbel"


class Tie(Enum):
    """What the second registration has in common with the first."""

    SAME_PREGNANCY = "same pregnancy"
    SAME_WOMAN = "same woman, another pregnancy"
    ANOTHER_WOMAN = "another woman"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: `code` is the `soort` in the truth, `share` that of all registrations (of second ones, that is).

    `same_provider`: the second registration is with the first one's provider; `outcome`: the class that the rules
    should give where the records are recognised, `none` where they should not be.
    """

    code: str
    tie: Tie
    share: float
    outcome: str
    meaning: str
    same_provider: bool = False


WOMAN, NEXT, OTHER = Tie.SAME_PREGNANCY, Tie.SAME_WOMAN, Tie.ANOTHER_WOMAN

# `dubbel` stands apart: its share is what the simulation was asked for.
KINDS: tuple[Kind, ...] = (
    Kind("zelfde_aanbieder", WOMAN, 0.0040, "internal", "L0: entered twice by one provider", same_provider=True),
    Kind("L1_onderaanneming", WOMAN, 0.0060, "legitimate:L1", "main and subcontractor point at each other"),
    Kind("L1_eenzijdig", WOMAN, 0.0020, "to_review", "only the main contractor points at the other"),
    Kind("L2_overdracht", WOMAN, 0.0060, "legitimate:L2", "handed over at most 10 days ago"),
    Kind("L2_overdracht_oud", WOMAN, 0.0030, "clean_up", "handed over 30 to 80 days ago, still in the books"),
    Kind("L3_wachtlijst", WOMAN, 0.0060, "legitimate:L3", "waiting list beside a registration of at most 10 days ago"),
    Kind("L3_wachtlijst_oud", WOMAN, 0.0040, "clean_up", "waiting list beside a registration of over 30 days ago"),
    Kind("L3_twee_wachtlijsten", WOMAN, 0.0030, "legitimate:L3", "on two waiting lists: one demand"),
    Kind("L4_gedeeld", WOMAN, 0.0040, "legitimate:L4", "two providers share the hours under one verdeling_id"),
    Kind(
        "L5_ander_product", WOMAN, 0.0040, "legitimate:L5", "partus, delayed care or a maternity hotel beside home care"
    ),
    Kind("L6_volgende_zwangerschap", NEXT, 0.0040, "legitimate:L6", "the next pregnancy, the older registration ended"),
    Kind("L6_verouderd", NEXT, 0.0020, "clean_up", "the next pregnancy, the older registration open past its time"),
    Kind("tweeling_kind", WOMAN, 0.0015, "internal", "L7: a registration for the second child", same_provider=True),
    Kind("draagmoeder", OTHER, 0.0005, "none", "L8: a surrogate with the parents' address and e-mail"),
    Kind("verse", WOMAN, 0.0040, "certain", "L9: a double that was registered in the last week"),
    Kind("L10_stoppend", WOMAN, 0.0030, "legitimate:L10", "from a provider that stops to another"),
    Kind("zus", OTHER, 0.0060, "none", "a sister: the same maiden name, sometimes the same address"),
    Kind("tweelingzus", OTHER, 0.0010, "none", "a twin sister: the same maiden name and birth date, often the initial"),
    Kind("huisgenoot", OTHER, 0.0030, "none", "another woman at the same address"),
    Kind("naamgenoot", OTHER, 0.0020, "none", "another woman with the same first name and surname nearby"),
)
BY_CODE = {kind.code: kind for kind in KINDS}
TIES = {DOUBLE: Tie.SAME_PREGNANCY} | {kind.code: kind.tie for kind in KINDS}
# How many further registrations a pregnancy with doubles has: mostly one, sometimes two or three.
EXTRA_REGISTRATIONS = ((1, 0.90), (2, 0.08), (3, 0.02))


def markdown_table() -> str:
    """Return the kinds as the table that stands in the documentation."""
    lines = ["| soort | second registration of | share | class it should get | meaning |", "|---|---|---:|---|---|"]
    lines += [
        f"| `{kind.code}` | {kind.tie.value} | {kind.share:.2%} | `{kind.outcome}` | {kind.meaning} |" for kind in KINDS
    ]
    return "\n".join(lines)
