"""Counts missed and false pairs by what was wrong in their registrations, where the truth tells."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dedup.lab.truth import SEPARATOR, TruePairs

NOTHING_WRONG = "none"


def missed_by_errors(
    errors: NDArray[np.object_], wanted: TruePairs, found: NDArray[np.bool_], blocked: NDArray[np.bool_]
) -> dict[str, dict[str, int]]:
    """Count, for each set of errors of which a true pair was missed, `pairs`, and of them those missed.

    `errors` is the truth's `fouten` of each registration; `found` and `blocked` tell of each wanted pair whether it was
    found, and whether it was a candidate at all. Missed pairs are `no_block`, or `compared` and held to be two women.
    The set of which most were missed comes first; where the truth tells of no errors there is none.
    """
    if not (errors != "").any():
        return {}
    counted = pd.DataFrame(
        {
            "errors": errors_of_pairs(errors, wanted.left, wanted.right),
            "pairs": 1,
            "no_block": ~blocked,
            "compared": blocked & ~found,
        }
    )
    sums = counted.groupby("errors").sum()
    missed = sums["no_block"] + sums["compared"]
    order = missed[missed > 0].sort_values(ascending=False, kind="stable").index
    return {str(name): {str(key): int(count) for key, count in sums.loc[name].items()} for name in order}


def false_by_errors(errors: NDArray[np.object_], left: NDArray[np.int64], right: NDArray[np.int64]) -> dict[str, int]:
    """Count the pairs that are two women by the errors in their registrations, the commonest set first."""
    if not (errors != "").any():
        return {}
    counts = pd.Series(errors_of_pairs(errors, left, right)).value_counts()
    return {str(name): int(count) for name, count in counts.items()}


def errors_of_pairs(
    errors: NDArray[np.object_], left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.object_]:
    """Return what was wrong in either registration of each pair, every word once, in the order of the alphabet."""
    united: dict[tuple[str, str], str] = {}
    return np.array(
        [
            united.setdefault(both, SEPARATOR.join(sorted(set(SEPARATOR.join(filter(None, both)).split(SEPARATOR)))))
            or NOTHING_WRONG
            for both in zip(errors[left].tolist(), errors[right].tolist(), strict=True)
        ],
        dtype=object,
    )
