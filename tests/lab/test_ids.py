"""Ids as bytes are ordered, chosen and compared as Python's text is."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dedup.lab.ids import Ids, join_ids

# Few letters and long common beginnings, so that ids agree in one word of eight bytes, in two, or altogether.
TEXTS = st.lists(
    st.one_of(
        st.text(st.sampled_from("ab-é漢"), min_size=1, max_size=20),
        st.integers(0, 30).map(lambda number: f"12345678-1234-5678-{number}"),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(texts=TEXTS)
@example(texts=["12345678", "1234567", "123456789", "12345678"])
def test_the_order_is_that_of_text_and_equal_ids_stay_in_their_order(texts):
    ids = Ids.of(texts)
    assert ids.order().tolist() == sorted(range(len(texts)), key=texts.__getitem__)
    ordered = ids.take(ids.order())
    assert [ordered.text(i) for i in range(len(ordered))] == sorted(texts)
    twice = sorted(texts)
    expected = next((i for i in range(1, len(twice)) if twice[i] == twice[i - 1]), -1)
    assert ordered.first_double() == expected


@settings(deadline=None)
@given(texts=TEXTS, cut=st.integers(0, 40))
def test_parts_are_joined_and_cut_as_lists_are(texts, cut):
    ids = join_ids([Ids.of(texts[:cut]), Ids.of(texts[cut:])])
    assert ids == Ids.of(texts)
    assert ids.to_arrow().to_pylist() == texts
    assert ids[cut:].to_arrow().to_pylist() == texts[cut:]
    assert ids.take(np.arange(len(texts))[::-1]).to_arrow().to_pylist() == texts[::-1]


def test_other_ids_are_not_equal():
    assert Ids.of(["ab", "c"]) != Ids.of(["a", "bc"])
    assert Ids.of(["ab"]) != "ab"
