"""The closed table of normalisation rules that a model may name, and what the model's checks must know of each.

The rules themselves are code of the source side (`dedup.extract.normalise`); a test holds the two lists together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RuleTraits:
    """What a model may ask of a normalisation rule.

    `columns` is the least and greatest number of columns that it reads, (0, 0) for a rule that is applied to another
    attribute. `single` says that a record has at most one value under it, `each` that it has one per column. `lossy`
    says that values which differ can become equal, so that an equal value is never taken for an exact agreement.
    """

    columns: tuple[int, int]
    single: bool
    lossy: bool = False
    each: bool = False

    @property
    def derived(self) -> bool:
        """Whether the rule is applied to another attribute rather than to columns."""
        return self.columns == (0, 0)

    def fixes(self, columns: int) -> bool:
        """Whether records with an equal value, of this many columns, are equal in all that the attribute holds."""
        return self.single and not self.lossy and (columns == 1 or not self.each)


_ANY = 16

RULES: Mapping[str, RuleTraits] = {
    "date": RuleTraits((1, 1), single=True),
    "surnames": RuleTraits((1, 4), single=False),
    "first_names": RuleTraits((1, 2), single=False),
    "main_first_name": RuleTraits((1, 2), single=True),
    "initial": RuleTraits((1, 3), single=True),
    "postcode": RuleTraits((1, 1), single=True),
    "house_number": RuleTraits((1, 1), single=True),
    "phone": RuleTraits((1, 1), single=True),
    "email": RuleTraits((1, 1), single=True),
    "insurance": RuleTraits((2, 2), single=True),
    "text": RuleTraits((1, _ANY), single=True, each=True),
    "words": RuleTraits((1, _ANY), single=False),
    "digits": RuleTraits((1, _ANY), single=True, each=True),
    "phonetic": RuleTraits((0, 0), single=True, lossy=True),
    "pc4": RuleTraits((0, 0), single=True, lossy=True),
}
