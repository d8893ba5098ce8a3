"""How a linkage model fits a table: what its rules make of the columns, and how fine its passes are on these rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.encode.blocks import blocks_of
from dedup.encode.subkeys import Subkeys
from dedup.extract.values import NormalisedTable, ValueSets
from dedup.link.engine import LinkOptions
from dedup.model.linkage import Attribute, LinkageModel, Pass

# A share of rows with a value under which a column or its rule is more likely wrong than the data poor.
FEW = 0.05
# Bits that an attribute may declare above what the table shows before it is said.
SLACK_BITS = 1.0
WANTS = {
    "date": "a date written year first, as 1990-04-12",
    "postcode": "a Dutch postcode",
    "house_number": "a number with at most an addition",
    "phone": "a telephone number, in the Netherlands or with its country's code",
    "email": "an e-mail address",
    "insurance": "an insurer's code and an insurance number",
    "digits": "digits",
}


@dataclass(frozen=True, slots=True)
class AttributeFit:
    """What a rule makes of n rows: the share with a value, distinct values, and the bits that two rows' agreement has.

    `common` says that more pairs of rows agree than there are rows: then it is chance that agrees and not doubles.
    """

    attribute: Attribute
    filled: float
    distinct: int
    bits: float
    common: bool

    def hint(self) -> str:
        """Return what is probably wrong, "" where nothing is."""
        name, rule = self.attribute.name, self.attribute.rule
        if self.filled < FEW:
            wants = f"; the rule {rule} takes {WANTS[rule]}" if rule in WANTS else ""
            rows = "No row has" if not self.filled else f"Only {self.filled:.1%} of the rows have"
            return f"{rows} a value for the attribute {name}{wants}."
        if self.common and self.attribute.bits > self.bits + SLACK_BITS:
            return f"The attribute {name} declares {self.attribute.bits:g} bits, these rows show {self.bits:.1f}."
        return ""


@dataclass(frozen=True, slots=True)
class PassFit:
    """What a pass makes of n rows: the share with an entry, blocks of two or more, the largest, the pairs in them."""

    linkage_pass: Pass
    reached: float
    blocks: int
    largest: int
    pairs: int

    def hint(self) -> str:
        """Return what is probably wrong, "" where nothing is."""
        number = self.linkage_pass.number
        if self.largest > LinkOptions().max_block:
            return (
                f"Pass {number} puts {self.largest} rows into one block; blocks of more than {LinkOptions().max_block} "
                "are not compared, and large ones protect nobody."
            )
        return "" if self.reached >= FEW else f"Pass {number} reaches only {self.reached:.1%} of the rows."


@dataclass(frozen=True, slots=True)
class ModelFit:
    """How a model fits n rows; `unreached` is the share that no pass compares with anything."""

    rows: int
    attributes: tuple[AttributeFit, ...]
    passes: tuple[PassFit, ...]
    unreached: float

    def hints(self) -> list[str]:
        """Return every hint, a sentence each."""
        found = [fit.hint() for fit in self.attributes] + [fit.hint() for fit in self.passes]
        if self.unreached >= FEW:
            found.append(f"{self.unreached:.1%} of the rows are in no pass at all and cannot be found.")
        return [hint for hint in found if hint]

    def to_json(self) -> dict[str, Any]:
        """Return everything for machines."""
        return {
            "rows": self.rows,
            "attributes": {
                fit.attribute.name: {
                    "filled": fit.filled,
                    "distinct": fit.distinct,
                    "bits": fit.bits,
                    "declared_bits": fit.attribute.bits,
                }
                for fit in self.attributes
            },
            "passes": {
                fit.linkage_pass.number: {
                    "reached": fit.reached,
                    "blocks": fit.blocks,
                    "largest": fit.largest,
                    "pairs": fit.pairs,
                }
                for fit in self.passes
            },
            "unreached": self.unreached,
            "hints": self.hints(),
        }


def fit_of(tables: Sequence[NormalisedTable], model: LinkageModel, subkeys: Subkeys) -> ModelFit:
    """Measure a model on clear tables; `subkeys` are of any key, for nothing that is made with them is kept."""
    rows = sum(len(table.ids) for table in tables)
    passes, reached = [], np.zeros(rows, dtype=np.bool_)
    for linkage_pass in model.passes:
        fit, here = _pass_fit(tables, linkage_pass, subkeys)
        passes.append(fit)
        reached |= here
    attributes = tuple(_attribute_fit([t.attributes[a.name] for t in tables], a, rows) for a in model.attributes)
    return ModelFit(rows, attributes, tuple(passes), float(1.0 - reached.mean()) if rows else 0.0)


def _attribute_fit(parts: Sequence[ValueSets], attribute: Attribute, rows: int) -> AttributeFit:
    counts: dict[str, int] = {}
    filled = 0
    for part in parts:
        filled += int((np.diff(part.offsets) > 0).sum())
        for code, count in enumerate(np.bincount(part.codes, minlength=len(part.values)).tolist()):
            counts[part.values[code]] = counts.get(part.values[code], 0) + count
    agreeing = sum(count * (count - 1) for count in counts.values())
    # Where no two rows agree, the bits are those of fewer than one agreeing pair.
    bits = math.log2(max(filled * (filled - 1), 1) / max(agreeing, 1))
    distinct = sum(1 for count in counts.values() if count)
    return AttributeFit(attribute, filled / max(rows, 1), distinct, bits, common=agreeing > 2 * rows)


def _pass_fit(
    tables: Sequence[NormalisedTable], linkage_pass: Pass, subkeys: Subkeys
) -> tuple[PassFit, NDArray[np.bool_]]:
    tokens, reached = [], []
    for table in tables:
        found = blocks_of(table, linkage_pass, subkeys)
        tokens.append(found.token)
        here = np.zeros(len(table.ids), dtype=np.bool_)
        here[found.row] = True
        reached.append(here)
    whole = np.ascontiguousarray(np.concatenate(tokens)).view("V16").ravel()
    sizes = np.unique(whole, return_counts=True)[1].astype(np.int64) if len(whole) else np.zeros(1, dtype=np.int64)
    everywhere = np.concatenate(reached)
    fit = PassFit(
        linkage_pass=linkage_pass,
        reached=float(everywhere.mean()) if len(everywhere) else 0.0,
        blocks=int((sizes > 1).sum()),
        largest=int(sizes.max()),
        pairs=int((sizes * (sizes - 1) // 2).sum()),
    )
    return fit, everywhere
