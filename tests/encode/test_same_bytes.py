"""The fast encoder and the slow reference give the same bytes, whatever the records."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.bundle.keys import LinkageKey
from dedup.encode import reference, sketch
from dedup.encode.records import RecordEncoder
from dedup.extract.values import ValueSets

NAMES = st.text(st.sampled_from("abcdeéß 'ğ"), min_size=1, max_size=12)
DATES = st.dates().map(lambda day: day.strftime("%Y%m%d").zfill(8))
RECORD = st.fixed_dictionaries(
    {
        "born": st.lists(DATES, max_size=1),
        "names": st.lists(NAMES, max_size=5, unique=True),
        "code": st.lists(st.text("0123456789ab", min_size=1, max_size=300), max_size=1),
    }
)
KEYS = st.binary(min_size=32, max_size=32)


def entries_by_record(batch, model):
    """Per record and pass: token -> sketches, as the reference gives them."""
    result = [[{} for _ in model.passes] for _ in range(len(batch.records))]
    for position, entries in enumerate(batch.records.passes):
        for row, token, bits in zip(entries.row.tolist(), entries.token, entries.sketch, strict=True):
            result[row][position][token.tobytes()] = bits.tobytes()
    return result


@settings(max_examples=60, deadline=None)
@given(records=st.lists(RECORD, min_size=1, max_size=8), key=KEYS, batch_rows=st.integers(1, 9))
def test_the_fast_encoder_gives_the_bytes_of_the_reference(small_model, table_of, records, key, batch_rows) -> None:
    batches = RecordEncoder(small_model, LinkageKey.of(key)).batches(table_of(records), batch_rows=batch_rows)
    encoded = []
    for batch in batches:
        presence = batch.records.presence.tolist()
        encoded += list(zip(presence, entries_by_record(batch, small_model), strict=True))
    assert encoded == [reference.encode_record(key, small_model, record) for record in records]


def comparable(batch):
    """A batch as plain values."""
    records = batch.records
    passes = [(e.number, e.row.tolist(), e.token.tobytes(), e.sketch.tobytes()) for e in records.passes]
    return batch.attributes, records.presence.tolist(), records.edd_week.tolist(), passes


@settings(max_examples=60, deadline=None)
@given(
    records=st.lists(RECORD, min_size=1, max_size=12),
    cuts=st.sets(st.integers(1, 11)),
    other=st.lists(RECORD, min_size=1, max_size=3),
    batch_rows=st.integers(1, 12),
)
def test_tables_of_one_run_have_the_bytes_of_each_alone(
    small_model, table_of, records, cuts, other, batch_rows
) -> None:
    bounds = [0, *sorted(cut for cut in cuts if cut < len(records)), len(records)]
    whole = table_of(records)
    tables = [*(whole.part(first, last) for first, last in pairwise(bounds)), table_of(other)]
    key = LinkageKey.of(b"\x06" * 32)
    together = RecordEncoder(small_model, key).batches_of_each(tables, batch_rows=batch_rows)
    assert [[comparable(batch) for batch in batches] for batches in together] == [
        [comparable(batch) for batch in RecordEncoder(small_model, key).batches(table, batch_rows=batch_rows)]
        for table in tables
    ]


def test_a_chunk_smaller_than_a_record_changes_no_byte(small_model, table_of, monkeypatch) -> None:
    records = [{"born": ["19900203"], "names": ["anna", "maria"], "code": ["7" * 300]}] * 5
    key = LinkageKey.of(b"\x05" * 32)
    [whole] = RecordEncoder(small_model, key).batches(table_of(records))
    monkeypatch.setattr(sketch, "CHUNK_BLOCKS", 1)
    [small] = RecordEncoder(small_model, key).batches(table_of(records))
    assert [e.sketch.tobytes() for e in small.records.passes] == [e.sketch.tobytes() for e in whole.records.passes]


def test_more_than_sixteen_combinations_are_cut_in_the_order_of_the_spec(small_model, table_of) -> None:
    record = {"born": ["19900203"], "names": [f"name{chr(97 + i)}" for i in range(20)], "code": []}
    [batch] = RecordEncoder(small_model, LinkageKey.of(b"\x01" * 32)).batches(table_of([record]))
    [entries] = entries_by_record(batch, small_model)
    assert len(entries[0]) == 16
    assert entries == reference.encode_record(b"\x01" * 32, small_model, record)[1]


def test_entries_are_sorted_by_token_and_then_row(small_model, table_of) -> None:
    record = {"born": ["19900203"], "names": ["anna", "eva"], "code": ["12"]}
    other = {"born": ["19900203"], "names": ["eva"], "code": ["12"]}
    [batch] = RecordEncoder(small_model, LinkageKey.of(b"\x01" * 32)).batches(table_of([record, other, record]))
    for entries in batch.records.passes:
        order = [(token.tobytes(), row) for token, row in zip(entries.token, entries.row.tolist(), strict=True)]
        assert order == sorted(set(order))


def test_batches_count_rows_from_zero_and_keep_the_order_of_ids(small_model, table_of) -> None:
    records = [{"born": ["19900203"], "names": ["anna"], "code": [str(i)]} for i in range(7)]
    batches = list(RecordEncoder(small_model, LinkageKey.of(b"\x01" * 32)).batches(table_of(records), batch_rows=3))
    assert [b.attributes["registratie_id"] for b in batches] == [
        ["000000", "000001", "000002"],
        ["000003", "000004", "000005"],
        ["000006"],
    ]
    assert [int(b.records.passes[0].row.max()) for b in batches] == [2, 2, 0]


def test_records_without_any_value_have_no_entries(small_model, table_of) -> None:
    nothing = {"born": [], "names": [], "code": []}
    [batch] = RecordEncoder(small_model, LinkageKey.of(b"\x01" * 32)).batches(table_of([nothing, nothing]))
    assert batch.records.presence.tolist() == [0, 0]
    assert [entries.sketch.shape for entries in batch.records.passes] == [(0, 13), (0, 11)]


def test_a_table_without_records_gives_no_batches(small_model, table_of) -> None:
    record = {"born": [], "names": [], "code": []}
    table = table_of([record])
    empty = dataclasses.replace(
        table,
        ids=(),
        attributes={name: ValueSets((), values.offsets[:1], values.codes) for name, values in table.attributes.items()},
        edd_week=table.edd_week[:0],
    )
    assert list(RecordEncoder(small_model, LinkageKey.of(b"\x01" * 32)).batches(empty)) == []
