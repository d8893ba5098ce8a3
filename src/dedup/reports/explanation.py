"""A pair's weights in words: `surname: very similar +6.1`, from what was counted before any comparison to the sum.

Nothing here knows a value of a record or how weights are made; words and bits come in, lines for people go out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from dedup.reports.texts import Texts, texts_in

# Probabilities nearer to 0 or 1 than this are told as `more than` and `less than`.
_SURE = 0.001
# A possible move or relative weighs next to nothing in most pairs; less than this would be written as 0.0.
_NOTICED = 0.05


@dataclass(frozen=True, slots=True)
class Weight:
    """One comparison of a pair: its name, what it says (`explanation_level` of the texts, its weeks), and its bits."""

    comparison: str
    says: str
    weeks: int
    bits: float


@dataclass(frozen=True, slots=True)
class PairWeights:
    """All weights of a pair, in bits: before any comparison, per comparison, and for what these do not tell apart.

    `together_bits` is for what changes together, as address and phone in a move, `relatives_bits` for a possible
    relative; 0 where a model knows no such thing.
    """

    prior_bits: float
    weights: tuple[Weight, ...]
    together_bits: float
    relatives_bits: float

    @property
    def total_bits(self) -> float:
        """Return the log2 odds that the pair is one person."""
        evidence = (weight.bits for weight in self.weights)
        return math.fsum((self.prior_bits, *evidence, self.together_bits, self.relatives_bits))


class Role(StrEnum):
    """What a line stands for."""

    PRIOR = "prior"
    EVIDENCE = "evidence"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Line:
    """One line in a language; `bits` is what it adds, for the total line the sum; `written` is that as text."""

    role: Role
    label: str
    says: str
    bits: float
    written: str

    def sentence(self) -> str:
        """Return the line for whoever hears it read: `surname: very similar, +6.1`."""
        return f"{self.label}: {self.says}, {self.written}"


def lines(pair: PairWeights, language: str) -> tuple[Line, ...]:
    """Return the lines of a pair from the prior to the total, without one for moves or relatives that weigh nothing."""
    texts = texts_in(language)
    found = [(Role.PRIOR, texts("explanation.prior"), texts("explanation.prior_says"), pair.prior_bits)]
    found += [
        (Role.EVIDENCE, _name(weight.comparison, texts), _says(weight, texts), weight.bits) for weight in pair.weights
    ]
    for name, bits in (("together", pair.together_bits), ("relatives", pair.relatives_bits)):
        if abs(bits) >= _NOTICED:
            found.append((Role.EVIDENCE, texts(f"explanation.{name}"), texts(f"explanation.{name}_says"), bits))
    total = texts("explanation.total_says", probability=_probability(pair.total_bits, texts))
    found.append((Role.TOTAL, texts("explanation.total"), total, pair.total_bits))
    return tuple(Line(role, label, says, bits, _signed(bits, texts)) for role, label, says, bits in found)


def _says(weight: Weight, texts: Texts) -> str:
    key = "within_week" if weight.says == "within_weeks" and weight.weeks == 1 else weight.says
    return texts(f"explanation_level.{key}", weeks=weight.weeks)


def _name(comparison: str, texts: Texts) -> str:
    """Return what the reports call an attribute; a comparison of another model stands for itself."""
    return texts(f"attribute.{comparison}") if texts.has("attribute", comparison) else comparison.replace("_", " ")


def _signed(bits: float, texts: Texts) -> str:
    size = texts.number(abs(bits), 1)
    if float(f"{bits:.1f}") == 0:
        return size
    return f"{'+' if bits > 0 else '−'}{size}"


def _probability(bits: float, texts: Texts) -> str:
    """Return the probability of log2 odds in per cent."""
    probability = 0.5 * (1.0 + math.tanh(0.5 * math.log(2.0) * bits))
    if probability > 1.0 - _SURE:
        return texts("explanation.more_than", probability=texts.percent(1.0 - _SURE))
    if probability < _SURE:
        return texts("explanation.less_than", probability=texts.percent(_SURE))
    return texts.percent(probability)
