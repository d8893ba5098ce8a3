"""The normalisation rules that a linkage model names: from what people typed to values that two packages agree on.

`normalise` in `rules` applies a whole model; the other modules hold the rules, each a function of one string. Every
normalised value is lower-case ASCII, and no library decides a byte of it.
"""

from __future__ import annotations

from dedup.extract.normalise.rules import RULES, normalise

__all__ = ["RULES", "normalise"]
