"""Ground truth of a simulation or a benchmark: who every registration is, and the true pairs that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dedup.errors import DedupError

BASE_KIND = "basis"
COLUMNS = ("registratie_id", "vrouw", "zwangerschap", "soort", "groep", "fouten")
SEPARATOR = "+"  # between the fields of a registration that an error befell, in `fouten`


class EvaluationError(DedupError):
    """Files that cannot be scored against one another."""


@dataclass(frozen=True, slots=True)
class TruePairs:
    """Pairs of registrations of one woman (or pregnancy), `left` < `right`: int64 positions in a list of ids."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.left)


def read_truth(path: Path) -> pd.DataFrame:
    """Read a truth file as strings: `registratie_id` and `vrouw`, and the other `COLUMNS` where given.

    Sorted by registratie_id; columns that the file leaves out are empty. Raises `EvaluationError`
    (`evaluate.truth-unreadable`, `evaluate.truth-columns`, `evaluate.truth-twice`).
    """
    try:
        truth = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise EvaluationError("evaluate.truth-unreadable", f"The truth {path} cannot be read as CSV.") from error
    missing = [column for column in COLUMNS[:2] if column not in truth.columns]
    if missing:
        raise EvaluationError("evaluate.truth-columns", f"The truth {path} has no column {missing[0]}.")
    if truth["registratie_id"].duplicated().any():
        raise EvaluationError("evaluate.truth-twice", f"The truth {path} names a registratie_id twice.")
    truth = truth.reindex(columns=list(COLUMNS), fill_value="")
    return truth.sort_values("registratie_id", ignore_index=True)


def true_pairs(who: pd.Series[str]) -> TruePairs:
    """Return all pairs of positions with the same non-empty value."""
    names = who.to_numpy(dtype=object)
    order = np.argsort(names, kind="stable")
    order = order[names[order] != ""]
    _, start, length = np.unique(names[order].astype(str), return_index=True, return_counts=True)
    left, right = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for size in np.unique(length[length > 1]):
        members = order[start[length == size][:, None] + np.arange(size)]
        one, other = np.triu_indices(size, 1)
        left.append(members[:, one].ravel())
        right.append(members[:, other].ravel())
    a, b = np.concatenate(left), np.concatenate(right)
    low, high = np.minimum(a, b), np.maximum(a, b)
    order = np.lexsort((high, low))
    return TruePairs(left=low[order], right=high[order])


def is_in(left: NDArray[np.int64], right: NDArray[np.int64], wanted: TruePairs, records: int) -> NDArray[np.bool_]:
    """Tell for each pair whether it is one of the wanted ones."""
    return np.isin(_key(left, right, records), _key(wanted.left, wanted.right, records))


def not_in(wanted: TruePairs, left: NDArray[np.int64], right: NDArray[np.int64], records: int) -> NDArray[np.bool_]:
    """Tell for each wanted pair whether it is missing among the pairs."""
    return ~np.isin(_key(wanted.left, wanted.right, records), _key(left, right, records))


def _key(left: NDArray[np.int64], right: NDArray[np.int64], records: int) -> NDArray[np.int64]:
    return left * np.int64(records) + right


def kind_of_pairs(kinds: NDArray[np.object_], left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.object_]:
    """Return each pair's kind: that of the registration that is not the base one; the later in the alphabet of two."""
    one, other = kinds[left], kinds[right]
    both = np.where(one.astype(str) > other.astype(str), one, other)
    return np.where(one == BASE_KIND, other, np.where(other == BASE_KIND, one, both))
