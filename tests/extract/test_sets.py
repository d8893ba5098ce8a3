"""Building value sets over distinct values gives what working row by row gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from dedup.extract.coded import CodedColumn, coded_column, column_of, columns_of, plain_strings, recode
from dedup.extract.normalise.sets import combined, derived, first_of, single, union

CELLS = st.text(alphabet="ab c", max_size=4).map(str.strip)
TABLES = st.lists(st.tuples(CELLS, CELLS), max_size=12)


def words(value: str) -> tuple[str, ...]:
    return tuple(value.split())


def longest(value: str) -> str:
    """The longest word without b: often none, and often the same for two values."""
    return max(value.replace("b", "").split(), key=len, default="")


def columns(rows: list[tuple[str, str]]) -> list[CodedColumn]:
    return [column_of([row[i] for row in rows]) for i in (0, 1)]


@given(TABLES)
def test_a_union_holds_each_value_once_and_in_order(rows: list[tuple[str, str]]) -> None:
    sets = union(columns(rows), [words, words])
    assert [sets.of(i) for i in range(len(sets))] == [tuple(sorted({*words(a), *words(b)})) for a, b in rows]


@given(TABLES)
def test_the_first_column_that_gives_anything_wins(rows: list[tuple[str, str]]) -> None:
    sets = first_of(columns(rows), [longest, str.upper])
    expected = [longest(a) or b.upper() for a, b in rows]
    assert [sets.of(i) for i in range(len(sets))] == [(value,) if value else () for value in expected]


@given(TABLES)
def test_a_single_value_is_what_the_rule_makes(rows: list[tuple[str, str]]) -> None:
    sets = single(columns(rows)[0], longest)
    assert [sets.of(i) for i in range(len(sets))] == [(longest(a),) if longest(a) else () for a, _ in rows]
    assert len(set(sets.values)) == len(sets.values)


@given(TABLES)
def test_combined_columns_are_worked_on_together(rows: list[tuple[str, str]]) -> None:
    sets = combined(columns(rows), lambda a, b: a + "|" + b if a and b else "")
    assert [sets.of(i) for i in range(len(sets))] == [(a + "|" + b,) if a and b else () for a, b in rows]


@given(TABLES)
def test_derived_values_that_become_equal_are_one(rows: list[tuple[str, str]]) -> None:
    sets = derived(union(columns(rows), [words, words]), lambda value: value.replace("b", "")[:1])
    expected = [
        tuple(sorted({short for word in (*words(a), *words(b)) if (short := word.replace("b", "")[:1])}))
        for a, b in rows
    ]
    assert [sets.of(i) for i in range(len(sets))] == expected


@given(TABLES)
def test_only_values_that_occur_are_in_the_vocabulary_and_they_are_sorted(rows: list[tuple[str, str]]) -> None:
    sets = union(columns(rows), [words, words])
    assert list(sets.values) == sorted({word for a, b in rows for word in (*words(a), *words(b))})


def test_a_coded_column_merges_equal_values_and_knows_missing() -> None:
    column = coded_column(np.array([0, 1, 2, -1], dtype=np.int32), ["x", "x", ""])
    assert (column.codes.tolist(), list(column.values)) == ([0, 0, -1, -1], ["x"])
    assert plain_strings(recode(column, str.upper)).tolist() == ["X", "X", "", ""]


@given(st.lists(CELLS, max_size=12))
def test_cells_that_are_coded_are_the_same_cells(cells: list[str]) -> None:
    column = column_of(cells)
    assert plain_strings(column).tolist() == cells
    assert list(column.values) == list(dict.fromkeys(cell for cell in cells if cell))


def test_what_a_rule_made_goes_with_the_rows_of_a_column() -> None:
    """A column that is cut, reordered or emptied in places keeps what was worked out for its values."""
    asked: list[str] = []

    def rule(value: str) -> str:
        asked.append(value)
        return value.upper()

    column = column_of(["b", "a", "b", "", "c"])
    assert column.under(rule) == ["B", "A", "C"]
    cut = column.at(np.array([4, 3, 0])).without([True, False, False])
    assert cut.spread(cut.under(rule), "-", object).tolist() == ["C", "-", "-"]
    assert asked == ["b", "a", "c"]


def test_a_frame_of_text_becomes_columns_and_none_is_missing() -> None:
    columns = columns_of(pd.DataFrame({"a": ["x", None, ""], "b": ["y", "y", "z"]}))
    assert {name: plain_strings(column).tolist() for name, column in columns.items()} == {
        "a": ["x", "", ""],
        "b": ["y", "y", "z"],
    }


def test_a_columns_values_are_not_shown() -> None:
    """Identifiers stay out of tracebacks and logs."""
    assert "Jansen" not in repr(column_of(["Jansen"]))
