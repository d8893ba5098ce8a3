"""The person tables: the same bytes for the same seed, the truth of each row, and errors that are really there."""

from __future__ import annotations

import pandas as pd
import pytest

from dedup.lab.simulate.persons import make_members, make_patients, make_tenants

MAKERS = {"patients": make_patients, "tenants": make_tenants, "members": make_members}
BORN = {"patients": "birth_date", "tenants": "birth_date", "members": "dob"}


@pytest.fixture(scope="module", params=MAKERS)
def made(request):
    return request.param, MAKERS[request.param](300, seed=5)


def test_the_same_seed_gives_the_same_table_and_another_seed_another(made):
    name, table = made
    again, other = (MAKERS[name](300, seed=seed) for seed in (5, 6))
    pd.testing.assert_frame_equal(again.rows, table.rows)
    pd.testing.assert_frame_equal(again.truth, table.truth)
    assert not other.rows.equals(table.rows)


def test_everybody_has_about_ten_rows_and_the_truth_names_each_row_once(made):
    _, table = made
    assert table.truth["registratie_id"].tolist() == table.rows["id"].tolist()
    assert table.rows["id"].is_unique
    assert table.truth["vrouw"].nunique() == 300
    assert 2_500 < len(table.rows) < 3_500


def test_ids_and_row_order_say_nothing_of_the_person(made):
    _, table = made
    following = (table.truth["vrouw"] == table.truth["vrouw"].shift()).mean()
    assert following < 0.02


def test_the_errors_are_harsh_but_leave_something_to_find(made):
    """Of the pairs of one person a quarter to three quarters agree in the birth date; no field is always there."""
    name, table = made
    rows = table.rows.merge(table.truth, left_on="id", right_on="registratie_id")
    known = rows[rows[BORN[name]] != ""]
    pairs = known.merge(known, on="vrouw")
    pairs = pairs[pairs["id_x"] < pairs["id_y"]]
    assert 0.25 < (pairs[f"{BORN[name]}_x"] == pairs[f"{BORN[name]}_y"]).mean() < 0.75
    fields = [column for column in table.rows if column != "id"]
    assert (rows[fields] == "").any().all()


def test_members_have_twins_and_fathers_with_sons_of_one_name():
    table = make_members(600, seed=5)
    kinds = table.truth.drop_duplicates("vrouw")["soort"].value_counts()
    assert {"basis", "new_name", "twin", "father_son"} == set(kinds.index)
    assert kinds["father_son"] > 10
    assert kinds["twin"] > 10


def test_tenants_are_families_with_twins_and_with_sons_named_after_their_fathers():
    table = make_tenants(600, seed=5)
    kinds = table.truth.drop_duplicates("vrouw")["soort"].value_counts()
    assert {"basis", "new_surname", "twin", "namesake"} == set(kinds.index)
    assert kinds["twin"] > 10
    assert kinds["namesake"] > 30
    rows = table.rows.merge(table.truth, left_on="id", right_on="registratie_id")
    twins = rows[(rows["soort"] == "twin") & (rows["birth_date"] != "")]
    siblings = twins.merge(twins, on=["birth_date", "surname"])
    siblings = siblings[siblings["vrouw_x"] < siblings["vrouw_y"]]
    assert siblings[["vrouw_x", "vrouw_y"]].drop_duplicates().shape[0] >= 3
