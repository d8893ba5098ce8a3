"""The linkage model as typed values: attributes, fields, passes and comparisons of one kind of person table.

The model says what is encoded and how pairs are weighed. Its digest covers what changes bytes (attributes, fields,
passes), so two parties with the same digest make the same encodings; thresholds and u-probabilities may differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TokenRule(StrEnum):
    """How a normalised value becomes a set of tokens."""

    BIGRAMS = "bigrams"  # bigrams of _x_, the union over all values of the attribute
    DATE = "date"  # components, digit positions, day and month swapped
    POSITIONS = "positions"  # characters with their positions
    WHOLE = "whole"  # one token per value


class ComparisonKind(StrEnum):
    """How a comparison turns what two records have in common into a level."""

    SKETCH = "sketch"  # estimated similarity of one field against ordered thresholds
    ADDRESS = "address"  # postcode and house number together
    WEEKS = "weeks"  # weeks between two EDDs


@dataclass(frozen=True, slots=True)
class Attribute:
    """A normalised value set of a record: `rule` applied to `columns`, or to the attribute `of`.

    `bits` is the entropy that the attribute adds to a block value, as declared by the model's author.
    """

    name: str
    rule: str
    columns: tuple[str, ...] = ()
    of: str = ""
    bits: float = 0.0


@dataclass(frozen=True, slots=True)
class Field:
    """A sketched field: one attribute's tokens in `bits` bits (a multiple of 8); `number` is its byte in hashes."""

    number: int
    name: str
    attribute: str
    tokens: TokenRule
    bits: int


@dataclass(frozen=True, slots=True)
class Pass:
    """Records that share the values of all `attributes` are compared; `omits` names fields that the block fixes."""

    number: int
    attributes: tuple[str, ...]
    omits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line of the weight table: its levels are numbered from 0 (worst) upwards, -1 is missing.

    `thresholds` are ascending: similarities for a sketch, weeks for weeks (where smaller is better). With
    `split_lowest_by`, the lowest level is split by whether that field agrees. `u` holds P(level | not the same woman)
    for pairs with 1, 2 and 3 or more entries; empty until fitted. `shared_by_relatives` marks what two relatives or
    housemates often have in common although they are two people, `shared_by_some_relatives` what only special ones
    have in common besides (twins, namesakes). `changes_together` names what happens to several comparisons at one
    stroke (a move), so that the changes are one piece of evidence and not several. See `dedup.link.kinds`.
    """

    name: str
    kind: ComparisonKind
    fields: tuple[str, ...]
    thresholds: tuple[float, ...]
    split_lowest_by: str = ""
    u: tuple[tuple[float, ...], ...] = ()
    shared_by_relatives: bool = False
    shared_by_some_relatives: bool = False
    changes_together: str = ""


@dataclass(frozen=True, slots=True)
class TableFormat:
    """How a generic person table is written: its id column and separator."""

    id_column: str
    separator: str = ","


@dataclass(frozen=True, slots=True)
class LinkageModel:
    """A whole linkage model; `table` is None for the maternity-care extract, whose format is fixed."""

    name: str
    version: int
    digest: str
    table: TableFormat | None
    attributes: tuple[Attribute, ...]
    fields: tuple[Field, ...]
    passes: tuple[Pass, ...]
    comparisons: tuple[Comparison, ...]

    def pass_fields(self, linkage_pass: Pass) -> tuple[Field, ...]:
        """Return the fields that an entry of this pass carries, in order."""
        return tuple(field for field in self.fields if field.name not in linkage_pass.omits)

    def sketch_bytes(self, linkage_pass: Pass) -> int:
        """Return the width in bytes of an entry's sketches in this pass."""
        return sum(field.bits // 8 for field in self.pass_fields(linkage_pass))
