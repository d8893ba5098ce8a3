"""Levels and candidates against a plain reading of the rules: every pair, every entry, in Python."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.link.engine import LinkOptions, link


def plain_levels(records, model, a, b):
    """What docs/linking.md says, for one pair; None when the two share no block."""
    differ = {f.name: 0 for f in model.fields}
    bits = {f.name: 0 for f in model.fields}
    shared = 0
    for entries, linkage_pass in zip(records.passes, model.passes, strict=True):
        for i in np.flatnonzero(entries.row == a):
            for j in np.flatnonzero(entries.row == b):
                if entries.token[i].tobytes() != entries.token[j].tobytes():
                    continue
                shared += 1
                at = 0
                for field in model.pass_fields(linkage_pass):
                    one, other = (entries.sketch[e, at : at + field.bits // 8].tobytes() for e in (i, j))
                    differ[field.name] += (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()
                    bits[field.name] += field.bits
                    at += field.bits // 8
    if not shared:
        return None
    known = {f.name: bool((records.presence[a] & records.presence[b]) >> i & 1) for i, f in enumerate(model.fields)}
    like = {n: 1.0 if not bits[n] else 1 - 2 * differ[n] / bits[n] for n in bits}
    levels = []
    if not known["name"]:
        levels.append(-1)
    elif like["name"] < 0.3:
        levels.append(0 if known["initial"] and like["initial"] < 0.6 else 1)
    else:
        levels.append(2 if like["name"] < 0.9 else 3)
    for name, (*limits, exact) in {"birth_date": (0.35, 0.9, 3)}.items():
        reached = sum(like[name] >= limit for limit in limits)
        levels.append(-1 if not known[name] else exact if not bits[name] else reached)
    number = known["number"] and like["number"] >= 0.93
    if not known["pc6"]:
        levels.append(-1)
    elif not bits["pc6"] and not bits["number"]:
        levels.append(6)
    elif like["pc6"] >= 0.93:
        levels.append(5 if number else 3)
    elif like["pc6"] >= 0.6:
        levels.append(4 if number else 2)
    else:
        levels.append(1 if like["pc6"] >= 0.3 else 0)
    levels.append(-1 if not known["phone"] else 2 if not bits["phone"] else int(like["phone"] >= 0.6))
    apart = abs(int(records.edd_week[a]) - int(records.edd_week[b]))
    missing = min(records.edd_week[a], records.edd_week[b]) < 0
    levels.append(-1 if missing else 2 if apart == 0 else 1 if apart <= 2 else 0)
    return levels, -1 if missing else apart


NAMES = ("anna", "anne", "hannah", "bo", "noor", "eleonora")
PEOPLE = st.fixed_dictionaries(
    {
        "name": st.sets(st.sampled_from(NAMES), max_size=2).map(lambda s: tuple(sorted(s))),
        "initial": st.sampled_from([("a",), ("b",), ()]),
        "birth_date": st.sampled_from([("19900203",), ("19900302",), ("20010101",), ()]),
        "pc6": st.sampled_from([("1234ab",), ("1234ac",), ("1234xy",), ("9999zz",), ()]),
        "number": st.sampled_from([("1",), ("12",), ()]),
        "phone": st.sampled_from([("612345678",), ("687654321",), ()]),
    }
)


@settings(max_examples=40, deadline=None)
@given(people=st.lists(st.tuples(PEOPLE, st.sampled_from([-1, 100, 101, 150])), min_size=2, max_size=7))
def test_levels_and_weeks_are_those_of_the_plain_rules(people, model, encode):
    """Pairs found by several entries add their distances; fields that a block fixes are exact; missing is -1."""
    records = encode([person for person, _ in people], [week for _, week in people], model)
    expected = {}
    for a, b in combinations(range(len(people)), 2):
        plain = plain_levels(records, model, a, b)
        if plain is not None:
            expected[a, b] = plain
    pairs = link(records, model, threshold=0.5, options=LinkOptions(max_hits=5)).pairs
    actual = {
        (int(a), int(b)): (levels.tolist(), int(weeks))
        for a, b, levels, weeks in zip(pairs.left, pairs.right, pairs.levels, pairs.edd_weeks_apart, strict=True)
    }
    assert expected == actual


@pytest.mark.parametrize("alike", [0.0, 1 / 3, 1.0])
def test_similarity_is_unbiased(model, encode, alike):
    """With many phones as blocks the mean of 1 - 2d/m is the Jaccard similarity of the names' bigrams."""
    others = {0.0: "xyz", 1 / 3: "abd", 1.0: "abc"}  # _a ab bc c_ against _a ab bd d_: two of six
    people = []
    for i in range(150):
        people += [{"name": ("abc",), "phone": (str(i),)}, {"name": (others[alike],), "phone": (str(i),)}]
    records = encode(people, [-1] * len(people), model)
    phones = records.passes[3]
    assert (np.diff(phones.token[::2], axis=0) != 0).any(axis=1).all()
    differ = np.unpackbits(phones.sketch[::2, :17] ^ phones.sketch[1::2, :17], axis=1).mean()
    assert 1 - 2 * differ == pytest.approx(alike, abs=0.03)
