"""A batch is read back as it was written, and any batch that breaks a rule is refused with one code."""

from __future__ import annotations

import contextlib
import json
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.bundle.payload import MAX_ENTRIES_PER_ROW, BundleBatch, read_batch, write_batch
from dedup.errors import BundleError
from dedup.model.linkage import LinkageModel, TableFormat
from dedup.model.records import PassEntries

Make = Callable[..., Any]


def assert_equal(expected: BundleBatch, actual: BundleBatch) -> None:
    assert expected.attributes == actual.attributes
    np.testing.assert_array_equal(expected.records.presence, actual.records.presence)
    np.testing.assert_array_equal(expected.records.edd_week, actual.records.edd_week)
    for one, other in zip(expected.records.passes, actual.records.passes, strict=True):
        assert one.number == other.number
        np.testing.assert_array_equal(one.row, other.row)
        np.testing.assert_array_equal(one.token, other.token)
        np.testing.assert_array_equal(one.sketch, other.sketch)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 40), seed=st.integers(0, 1000), generic=st.booleans())
def test_reading_gives_back_what_was_written(
    make_model: Make, make_batch: Make, n: int, seed: int, generic: bool
) -> None:
    model = make_model(table=TableFormat("id") if generic else None)
    batch = make_batch(model, n, seed=seed)
    data = write_batch(batch, model)
    assert_equal(batch, read_batch(data, model))
    assert data == write_batch(read_batch(data, model), model)


def test_the_layout_is_the_one_of_the_specification(model: LinkageModel, make_batch: Make) -> None:
    batch = make_batch(model, 1)
    data = write_batch(batch, model)
    n, length = struct.unpack_from(">II", data)
    at = 8 + length
    assert n == 1
    assert json.loads(data[8:at]) == batch.attributes
    assert struct.unpack_from(">Ii", data, at) == (batch.records.presence[0], batch.records.edd_week[0])
    at += 8
    for entries in batch.records.passes:
        assert struct.unpack_from(">II", data, at) == (1, 0)
        assert data[at + 8 : at + 24] == entries.token.tobytes()
        assert data[at + 24 : at + 24 + entries.sketch.shape[1]] == entries.sketch.tobytes()
        at += 24 + entries.sketch.shape[1]
    assert at == len(data)


def with_column(batch: BundleBatch, name: str, value: Any) -> BundleBatch:
    """Return the batch with one value changed in its second row."""
    values = list(batch.attributes[name])
    values[1] = value
    return replace(batch, attributes={**batch.attributes, name: values})


def test_the_week_of_a_status_is_taken_only_of_a_transfer_without_its_own_week(
    model: LinkageModel, make_batch: Make
) -> None:
    undated = with_column(with_column(make_batch(model, 3), "status", "overgedragen"), "status_week", 105_700)
    assert read_batch(write_batch(undated, model), model).attributes == undated.attributes
    with pytest.raises(BundleError) as caught:
        write_batch(with_column(undated, "overdracht_week", 105_701), model)
    assert "status_week" in caught.value.message


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("registratie_id", ""),
        ("registratie_id", "00000000-0000-4000-8000-000000000000"),  # stands twice
        ("registratie_id", "zzz"),  # out of order
        ("registratie_id", "Jansen, M."),
        ("registratie_id", 7),
        ("aanbieder_agb", "4123456"),
        ("aanbieder_agb", "41234568"),  # another provider
        ("status", "geboren"),
        ("status", ""),
        ("zorgproduct", "thuiszorg"),
        ("rol", None),
        ("relatie_agb", "١٢٣٤٥٦٧٨"),
        ("sharing", "gezin 12"),
        ("ksv", "Den Haag; drop"),
        ("ksv", ".."),
        ("inschrijf_week", 1),
        ("status_week", 105_700),  # of no transfer
        ("inschrijf_week", 10**9),
        ("inschrijf_week", 10**30),
        ("inschrijf_week", 105_700.0),
        ("gedeelde_zorg", True),
        ("gedeelde_zorg", 2),
        ("indicatie_uren", -2),
        ("edd_week", 105_600),  # not the one of the records
    ],
)
def test_a_column_that_breaks_its_rule_is_refused(
    model: LinkageModel, make_batch: Make, column: str, value: Any
) -> None:
    batch = with_column(make_batch(model, 3), column, value)
    with pytest.raises(BundleError) as caught:
        write_batch(batch, model, provider="41234567")
    assert caught.value.code == "bundle.batch-malformed"
    assert str(value) == "" or f"{value}" not in caught.value.message


def test_a_column_too_few_or_too_many_is_refused(model: LinkageModel, make_batch: Make) -> None:
    batch = make_batch(model, 3)
    for columns in ({**batch.attributes, "bsn": [""] * 3}, {k: v for k, v in batch.attributes.items() if k != "ksv"}):
        with pytest.raises(BundleError, match="columns are not those"):
            write_batch(replace(batch, attributes=columns), model)


def changed_pass(batch: BundleBatch, **arrays: Any) -> BundleBatch:
    """Return the batch with arrays of its first pass replaced."""
    first, second = batch.records.passes
    records = replace(batch.records, passes=(replace(first, **arrays), second))
    return replace(batch, records=records)


def test_entries_out_of_order_or_twice_are_refused(model: LinkageModel, make_batch: Make) -> None:
    batch = make_batch(model, 6)
    entries: PassEntries = batch.records.passes[0]
    for order in ([1, 0, 2, 3, 4, 5], [0, 0, 1, 2, 3, 4, 5]):
        twisted = changed_pass(batch, row=entries.row[order], token=entries.token[order], sketch=entries.sketch[order])
        with pytest.raises(BundleError, match="not sorted"):
            write_batch(twisted, model)


def test_an_entry_of_a_row_that_is_not_there_is_refused(model: LinkageModel, make_batch: Make) -> None:
    batch = make_batch(model, 6)
    row = batch.records.passes[0].row.copy()
    row[np.argmax(row)] = 6
    with pytest.raises(BundleError, match="row that is not there"):
        write_batch(changed_pass(batch, row=row), model)


def test_a_row_with_very_many_entries_is_refused(model: LinkageModel, make_batch: Make) -> None:
    batch = make_batch(model, 1)
    count = MAX_ENTRIES_PER_ROW + 1
    token = np.zeros((count, 16), np.uint8)
    token[:, 0] = np.arange(count)
    flooded = changed_pass(batch, row=np.zeros(count, np.uint32), token=token, sketch=np.zeros((count, 10), np.uint8))
    with pytest.raises(BundleError, match="more than 64 entries"):
        write_batch(flooded, model)


def test_a_sketch_of_a_missing_field_is_refused(model: LinkageModel, make_batch: Make) -> None:
    batch = make_batch(model, 4)
    hidden = replace(batch.records, presence=np.zeros(4, np.uint32))
    with pytest.raises(BundleError, match="a missing field has a sketch"):
        write_batch(replace(batch, records=hidden), model)


def test_a_presence_bit_of_no_field_is_refused(model: LinkageModel, make_batch: Make) -> None:
    batch = make_batch(model, 4)
    extra = replace(batch.records, presence=batch.records.presence | np.uint32(4))
    with pytest.raises(BundleError, match="presence bit"):
        write_batch(replace(batch, records=extra), model)


@pytest.mark.parametrize("claim", [0, 4, 2**32 - 1])
def test_a_number_of_rows_that_is_not_true_is_refused(model: LinkageModel, make_batch: Make, claim: int) -> None:
    data = write_batch(make_batch(model, 3), model)
    with pytest.raises(BundleError):
        read_batch(struct.pack(">I", claim) + data[4:], model)


@pytest.mark.parametrize(
    "columns",
    [
        b'{"registratie_id":["a"],"registratie_id":["a"]}',
        b'{"registratie_id":[NaN]}',
        b'{"registratie_id":[1e999]}',
        b'{"registratie_id":["\\ud800"]}',
        b'{"registratie_id":["\xff"]}',
        b"[" * 100_000,
        b"",
        b"null",
        b"\xef\xbb\xbf{}",
    ],
)
def test_json_with_two_meanings_is_refused(make_model: Make, columns: bytes) -> None:
    model = make_model(table=TableFormat("id"))
    data = struct.pack(">II", 1, len(columns)) + columns + bytes(8) + bytes(8)
    with pytest.raises(BundleError) as caught:
        read_batch(data, model)
    assert caught.value.code == "bundle.batch-malformed"


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_changed_batch_is_read_or_refused_and_nothing_else(
    model: LinkageModel, make_batch: Make, data: st.DataObject
) -> None:
    """Past the seal a vendor's own mistake can hold anything; it must never be a crash of the server."""
    original = write_batch(make_batch(model, 4), model)
    changed = bytearray(original)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del changed[data.draw(st.integers(0, len(changed) - 1)) :]
    with contextlib.suppress(BundleError):
        batch = read_batch(bytes(changed), model)
        # What is taken can be written again: every rule holds for it.
        assert_equal(batch, read_batch(write_batch(batch, model), model))
