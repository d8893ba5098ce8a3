"""What who knows one record in a hundred can learn of the others: a classifier is trained on those that are known.

It predicts whether a woman's first name begins with a letter of the first half of the alphabet, for records of
connected components of which nobody is known. The control is the same classifier on Bloom filters of the same records.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from dedup.extract.values import NormalisedTable
from dedup.lab.attack import AttackError
from dedup.lab.attack.bloom import bigram_sets, bloom_filters
from dedup.lab.attack.chance import Auc, auc
from dedup.lab.attack.entries import NameEntries, components, name_entries
from dedup.lab.attack.forms import KEY_BYTES, Form, encode
from dedup.lab.attack.people import draw_people, normalised
from dedup.model.linkage import LinkageModel
from dedup.model.records import EncodedRecords

KNOWN_SHARE = 0.01
CONTROL_AUC = 0.6
PENALTY = 1.0
FIRST_NAME = "main_first_name"

Features = NDArray[np.float64]
Labels = NDArray[np.bool_]


def attack_by_known_plaintext(
    model: LinkageModel, *, people: int, seed: int, day: date, config: Path, tell: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Return one result per form: AUC from the bits of the sketches, and from what lies beside them.

    Raises `AttackError` (`attack.control-failed`) when the classifier learns nothing from Bloom filters.
    """
    rng = np.random.default_rng((seed, 2))
    drawn = draw_people(people, seed=seed, day=day, config=config)
    table = normalised(drawn[drawn["voornamen"] != ""].reset_index(drop=True), model)
    label = begins_early(table)
    known = rng.random(len(label)) < KNOWN_SHARE
    filters = bloom_filters(bigram_sets(table), rng.bytes(KEY_BYTES)).astype(np.float64)
    results = []
    for form in Form:
        records = encode(table, model, form, rng)
        component = components(records)
        others = ~np.isin(component, component[known])
        control = learnt(filters, label, known, others)
        if control.low <= CONTROL_AUC:
            raise AttackError("attack.control-failed", "Nothing was learnt of Bloom filters; ask for more people.")
        sketches = learnt(sketch_bits(name_entries(records, model), len(label)), label, known, others)
        beside = learnt(structure(records), label, known, others)
        tell(f"  {form}: from Bloom filters {control.value:.3f}, from sketches {sketches.value:.3f}.")
        results.append(
            {
                "form": form.value,
                "people": len(label),
                "known": int(known.sum()),
                "of": int(others.sum()),
                "auc": sketches.value,
                "auc_interval": [sketches.low, sketches.high],
                "control_auc": control.value,
                "control_auc_interval": [control.low, control.high],
                "presence_and_number_of_entries": {"auc": beside.value, "auc_interval": [beside.low, beside.high]},
            }
        )
    return results


def begins_early(table: NormalisedTable) -> Labels:
    """Return for each record whether its main first name is among the earlier half by alphabet."""
    letters = np.array([(*table.attributes[FIRST_NAME].of(row), "_")[0][0] for row in range(len(table.ids))])
    return np.asarray(letters < np.sort(letters)[len(letters) // 2])


def sketch_bits(entries: NameEntries, count: int) -> Features:
    """Return [n, passes * bits]: the names' bits of each record's first entry of every pass, as -1 and 1, else 0."""
    width = entries.bits.shape[1]
    features = np.zeros((count, (int(entries.position.max()) + 1) * width), np.float64)
    for position in range(int(entries.position.max()) + 1):
        here = np.flatnonzero(entries.position == position)
        rows, first = np.unique(entries.row[here], return_index=True)
        features[rows, position * width : (position + 1) * width] = entries.bits[here[first]] * 2.0 - 1
    return features


def structure(records: EncodedRecords) -> Features:
    """Return [n, 32 + passes]: presence bits and the number of entries in each pass, which any holder can count."""
    presence = (records.presence[:, None] >> np.arange(32, dtype=np.uint32)) & 1
    counts = np.stack([np.bincount(entries.row, minlength=len(records)) for entries in records.passes], axis=1)
    return np.concatenate([presence, counts], axis=1).astype(np.float64)


def learnt(features: Features, label: Labels, known: Labels, others: Labels) -> Auc:
    """Train on the known records and return how well the others' labels are told apart."""
    mean = features[known].mean(axis=0)
    weights = train(features[known] - mean, label[known])
    scores = (features[others] - mean) @ weights
    return auc(scores[label[others]], scores[~label[others]])


def train(features: Features, label: Labels) -> NDArray[np.float64]:
    """Return the weights of a logistic regression with an intercept, its weights kept small (ridge)."""
    sign = np.where(label, 1.0, -1.0)
    scale = np.sqrt(max(features.shape[1], 1))

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (features @ weights[:-1] / scale + weights[-1])
        slope = -sign / (1 + np.exp(np.clip(margin, -500, 500)))
        gradient = np.append(features.T @ slope / scale + 2 * PENALTY * weights[:-1], slope.sum())
        return float(np.logaddexp(0, -margin).sum() + PENALTY * weights[:-1] @ weights[:-1]), gradient

    found = minimize(loss, np.zeros(features.shape[1] + 1), jac=True, method="L-BFGS-B")
    weights: NDArray[np.float64] = found.x[:-1]
    return weights
