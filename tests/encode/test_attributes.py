"""The attribute columns of a batch are written as canonical JSON, by the short way too."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.bundle.canonical import canonical_json
from dedup.bundle.columns import ID
from dedup.bundle.payload import columns_json
from dedup.encode.attributes import shared
from dedup.encode.reference import hmac_sha256
from dedup.encode.subkeys import derive_subkeys
from dedup.fields import ATTRIBUTES, AttributeType

SUBKEYS = derive_subkeys(bytes(32))
# What the rules of `dedup.bundle.columns` let pass.
PLAIN = st.text("0123456789ABCabcxyz._ -", max_size=8)


@given(st.data(), st.integers(1, 5))
def test_columns_are_canonical_json(data, rows) -> None:
    cells = {kind: PLAIN if kind is AttributeType.TEXT else st.integers(-1, 150_000) for kind in AttributeType}
    columns = {
        name: data.draw(st.lists(cells[kind], min_size=rows, max_size=rows)) for name, kind in ATTRIBUTES.items()
    }
    assert columns_json(columns, generic=False) == canonical_json(columns)


def test_the_ids_of_a_generic_table_are_escaped() -> None:
    columns = {ID: ['a "quoted" id', "back\\slash", "é"]}
    assert columns_json(columns, generic=True) == canonical_json(columns)


@given(st.lists(st.text(max_size=5).filter(str.isprintable), max_size=6))
@settings(deadline=None)  # the first call compiles
def test_every_verdeling_id_is_hashed_and_a_missing_one_stays_empty(values) -> None:
    expected = [hmac_sha256(SUBKEYS.sharing, value.encode()).hex() if value else "" for value in values]
    assert shared(values, SUBKEYS) == expected
