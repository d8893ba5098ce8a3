"""Disclosure control: which counts of a publication may be shown, so that no hidden one can be worked out.

A publication is a list of counts that are sums of the same unseen parts (*atoms*): cells, their totals, and measures
that overlap. A count is hidden for its own sake when it is small, comes from too few providers or is dominated by
one (primary suppression). More are hidden (secondary suppression) until whoever knows all that is shown, how it is
rounded, and that no count is negative, can narrow no hidden count down to its protection interval. That is tested by
the linear programs that an attacker would solve (M. Fischetti and J.J. Salazar, Mathematical Programming 84, 1999),
and what is hidden next is read from their dual values: the counts that the inference leans on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]
_MANY = 10**6  # more than anyone would believe a count to be
_NOTHING = 1e-7


@dataclass(frozen=True, slots=True)
class DisclosureRules:
    """When a count is hidden, and how far off an attacker must stay.

    A count is shown when it is at least `smallest`, comes from at least `providers` providers, the largest of which has
    at most `largest_share` and the two largest together at most `two_largest_share`; it is rounded to `rounding`, which
    is odd. Of a hidden count x the possible values must span at least `smallest`, and reach past x on either side by
    half the rounding and by `margin` times x (below, zero is far enough).
    """

    smallest: int = 10
    providers: int = 3
    largest_share: float = 0.75
    two_largest_share: float = 0.9
    rounding: int = 5
    margin: float = 0.1


def rounded(counts: Counts, rules: DisclosureRules) -> Counts:
    """Return counts rounded to the nearest multiple of `rounding`."""
    half = rules.rounding // 2
    return (counts + half) // rules.rounding * rules.rounding


def too_telling(by_provider: NDArray[np.int64], rules: DisclosureRules) -> bool:
    """Tell whether a count must be hidden for its own sake, given how many of it each provider has."""
    shares = np.sort(by_provider[by_provider > 0])[::-1]
    total = int(shares.sum())
    if total < rules.smallest or len(shares) < rules.providers:
        return True
    return bool(shares[0] > rules.largest_share * total or shares[:2].sum() > rules.two_largest_share * total)


def choose_shown(sums: csr_array, atoms: Counts, telling: Flags, rules: DisclosureRules) -> Flags:
    """Return which counts of a publication may be shown.

    `sums` (counts x atoms, 0 or 1) says of which atoms each count is the sum; also a count that is 0 has atoms, all
    that could have made it more. `atoms` holds how many of each there are, `telling` marks what `too_telling` hides.
    """
    attack = _Attack(sums.astype(np.float64), np.asarray(sums @ atoms, dtype=np.int64), rules)
    shown = ~telling
    while leaned_on := attack.weakest(shown):
        shown[leaned_on] = False
    return shown


class _Attack:
    """What can be worked out from the counts that are shown."""

    def __init__(self, sums: csr_array, counts: Counts, rules: DisclosureRules) -> None:
        self._sums, self._counts = sums, counts
        reach = np.maximum(rules.rounding // 2 + 1, np.ceil(rules.margin * counts))
        self._low_enough = np.maximum(counts - reach, 0)
        self._high_enough = counts + reach
        self._span = rules.smallest
        # The least and the most of each count in the tables met so far that an attacker cannot exclude. Each is a
        # witness for all counts, and stays one when more is hidden; so most counts need no program of their own.
        self._low, self._high = counts.astype(np.float64), counts.astype(np.float64)
        about, half = rounded(counts, rules), rules.rounding // 2
        self._shown_low = np.maximum(about - half, rules.smallest).astype(np.float64)
        self._shown_high = (about + half).astype(np.float64)

    def weakest(self, shown: Flags) -> list[int]:
        """Return shown counts to hide next, one for each hidden count that can be worked out too precisely."""
        known = np.flatnonzero(shown)
        leaned_on: set[int] = set()
        for count in np.flatnonzero(~shown).tolist():
            holding: set[int] = set()
            for sign in (1, -1):
                if not self._is_safe(count):
                    table, binding = self._extreme(count, sign, known)
                    possible = self._sums @ table
                    self._low, self._high = np.minimum(self._low, possible), np.maximum(self._high, possible)
                    holding.update(binding)
            if not self._is_safe(count):
                candidates = holding or set(known.tolist())
                leaned_on.add(min(candidates, key=lambda number: (self._counts[number], number)))
        return sorted(leaned_on)

    def _is_safe(self, count: int) -> bool:
        low, high = self._low[count], self._high[count]
        return bool(
            low <= self._low_enough[count] + _NOTHING
            and high >= self._high_enough[count] - _NOTHING
            and high - low >= self._span - _NOTHING
        )

    def _extreme(self, count: int, sign: int, known: Counts) -> tuple[NDArray[np.float64], list[int]]:
        """Return the table with the least (sign 1) or most (-1) of a count, and the shown counts that hold it back."""
        goal = sign * np.asarray(self._sums[[count]].todense()).ravel()
        options: dict[str, Any] = {}
        if len(known):
            rows = self._sums[known]
            limits = np.concatenate([self._shown_high[known], -self._shown_low[known]])
            options = {"A_ub": vstack([rows, -rows], format="csr"), "b_ub": limits}
        solved = linprog(goal, bounds=(0, _MANY), method="highs", **options)
        if solved.x is None:
            raise ArithmeticError(f"no table fits the counts that are shown (status {solved.status})")
        if not len(known):
            return solved.x, []
        holds = np.abs(solved.ineqlin.marginals).reshape(2, -1).sum(axis=0) > _NOTHING
        return solved.x, known[holds].tolist()
