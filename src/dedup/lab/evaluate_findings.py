"""Scores findings against the truth: which kind of pair got which class, and whether that is what was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dedup.lab.simulate.kinds import BY_CODE, DOUBLE, Tie
from dedup.lab.truth import EvaluationError, TruePairs, is_in, kind_of_pairs, not_in, true_pairs

NO_CLASS = "none"
NOT_ONE_WOMAN = "not_the_same"
FOUND = ("certain", "likely")


def confusion(truth: pd.DataFrame, findings: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Count pairs by kind in the truth and class in the findings.

    A true pair (one woman) that no finding holds counts as class `none`; a pair in a finding that is not one woman
    counts under its kind with ` (not_the_same)` behind it, so that mistakes are never mixed with the right ones.
    """
    ids = truth["registratie_id"]
    member = findings.merge(
        pd.DataFrame({"registratie_id": ids, "position": np.arange(len(ids))}), on="registratie_id", how="left"
    )
    if member["position"].isna().any():
        raise EvaluationError("evaluate.unknown-id", "The findings name a registration that the truth does not know.")
    found = true_pairs(member["finding"].astype(str))
    position = member["position"].to_numpy(dtype=np.int64)
    a, b = position[found.left], position[found.right]
    left, right = np.minimum(a, b), np.maximum(a, b)
    classes = member["class"].to_numpy(dtype=object)[found.left]
    wanted = true_pairs(truth["vrouw"])
    is_true = is_in(left, right, wanted, len(truth))
    missed = not_in(wanted, left, right, len(truth))
    return _counted(
        truth, TruePairs(left, right), classes, is_true, TruePairs(wanted.left[missed], wanted.right[missed])
    )


def _counted(
    truth: pd.DataFrame,
    found: TruePairs,
    classes: NDArray[np.object_],
    is_true: NDArray[np.bool_],
    missed: TruePairs,
) -> dict[str, dict[str, int]]:
    kinds = truth["soort"].to_numpy(dtype=object)
    found_kinds = kind_of_pairs(kinds, found.left, found.right)
    found_kinds = np.where(is_true, found_kinds, found_kinds + f" ({NOT_ONE_WOMAN})")
    table = pd.DataFrame(
        {
            "kind": np.concatenate([found_kinds, kind_of_pairs(kinds, missed.left, missed.right)]),
            "class": np.concatenate([classes, np.full(len(missed), NO_CLASS, dtype=object)]),
        }
    )
    result: dict[str, dict[str, int]] = {}
    counts = table.groupby(["kind", "class"], as_index=False).size()
    for kind, name, count in zip(counts["kind"], counts["class"], counts["size"], strict=True):
        result.setdefault(str(kind), {})[str(name)] = int(count)
    return result


def score_findings(truth: pd.DataFrame, findings: pd.DataFrame) -> dict[str, Any]:
    """Return `confusion`, and for a truth of the simulator's kinds `rules`: how many pairs got the class they should.

    `legitimate`: pairs of legitimate kinds, how many have their own code, how many are certain or likely. `doubles`:
    real doubles, how many are certain or likely. `look_alikes`: registrations of other women who look like one, and
    pairs of two women that are certain or likely. A pair that no finding holds is a wrong one.
    """
    table = confusion(truth, findings)
    return {"confusion": table, "rules": _rules(truth, table)}


def _rules(truth: pd.DataFrame, table: dict[str, dict[str, int]]) -> dict[str, dict[str, float | int | None]]:
    legitimate = [kind for kind in BY_CODE.values() if kind.outcome.startswith("legitimate") and kind.code in table]
    pairs = sum(sum(table[kind.code].values()) for kind in legitimate)
    right = sum(table[kind.code].get(kind.outcome, 0) for kind in legitimate)
    doubles = table.get(DOUBLE, {})
    look_alikes = int(truth["soort"].isin([k.code for k in BY_CODE.values() if k.tie is Tie.ANOTHER_WOMAN]).sum())
    wrong = [counts for kind, counts in table.items() if kind.endswith(f"({NOT_ONE_WOMAN})")]
    likely = sum(counts.get("likely", 0) for counts in wrong)
    return {
        "legitimate": {
            "pairs": pairs,
            "right": right,
            "share": _share(right, pairs),
            "certain": sum(table[kind.code].get("certain", 0) for kind in legitimate),
            "likely": sum(table[kind.code].get("likely", 0) for kind in legitimate),
        },
        "doubles": {
            "pairs": sum(doubles.values()),
            "certain_or_likely": sum(doubles.get(name, 0) for name in FOUND),
            "share": _share(sum(doubles.get(name, 0) for name in FOUND), sum(doubles.values())),
        },
        "look_alikes": {
            "registrations": look_alikes,
            "certain": sum(counts.get("certain", 0) for counts in wrong),
            "likely": likely,
            "share_likely": _share(likely, look_alikes),
        },
    }


def sent_registrations(folder: Path) -> pd.Series[str]:
    """Return the ids that the extracts under `folder` send: those whose woman did not object to taking part.

    Reads every CSV in a folder `extracts` under it, else the CSVs in it. Raises `EvaluationError`
    (`evaluate.extracts`) when there are none, or one without the columns registratie_id and deelname.
    """
    paths = sorted(folder.rglob("extracts/*.csv")) or sorted(folder.glob("*.csv"))
    if not paths:
        raise EvaluationError("evaluate.extracts", f"There are no extracts (CSV) under {folder}.")
    parts = []
    for path in paths:
        try:
            rows = pd.read_csv(path, sep=";", dtype=str, usecols=["registratie_id", "deelname"], encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            message = f"The extract {path} cannot be read, or has no registratie_id or deelname."
            raise EvaluationError("evaluate.extracts", message) from error
        parts.append(rows.loc[rows["deelname"] == "ja", "registratie_id"])
    sent: pd.Series[str] = pd.concat(parts)
    return sent


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
