"""A linkage model is read, and each of its faults is one sentence with a stable code."""

from __future__ import annotations

import copy
import math
import tomllib
from pathlib import Path

import pytest

from dedup.errors import ModelError
from dedup.model.faults import InvalidModelError
from dedup.model.load import load_model, parse_model

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "config/linkage").glob("*.toml"))

SOUND = """
[model]
name = "people"
version = 1
min_block_bits = 20

[table]
id_column = "id"

[attributes]
born = { rule = "date", columns = ["born"], bits = 13 }
name = { rule = "text", columns = ["name"], bits = 10 }
names = { rule = "words", columns = ["name"], bits = 10 }
code = { rule = "phonetic", of = "name", bits = 9 }
town = { rule = "text", columns = ["town"], bits = 9 }

[[fields]]
number = 1
name = "name"
attribute = "name"
tokens = "bigrams"
bits = 64

[[fields]]
number = 2
name = "born"
attribute = "born"
tokens = "date"
bits = 32

[[passes]]
number = 1
attributes = ["born", "code"]
omits = ["born"]

[[comparisons]]
name = "name"
kind = "sketch"
fields = ["name"]
thresholds = [0.4, 0.8]
split_lowest_by = "born"
u = [[0.4, 0.3, 0.2, 0.1], [0.5, 0.3, 0.1, 0.1], [0.7, 0.1, 0.1, 0.1]]
"""


def sound() -> dict:
    return tomllib.loads(SOUND)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_model_loads(path) -> None:
    model = load_model(path)
    assert model.name == path.stem
    assert len(bytes.fromhex(model.digest)) == 32


def test_a_sound_model_is_read_as_it_is_written() -> None:
    model = parse_model(sound())
    assert (model.name, model.version, model.table.id_column, model.table.separator) == ("people", 1, "id", ",")
    assert [(a.name, a.rule, a.columns, a.of, a.bits) for a in model.attributes][3] == (
        "code",
        "phonetic",
        (),
        "name",
        9,
    )
    assert [(f.number, f.name, f.tokens, f.bits) for f in model.fields][1] == (2, "born", "date", 32)
    assert model.passes[0].omits == ("born",)
    assert model.comparisons[0].thresholds == (0.4, 0.8)
    assert model.comparisons[0].u[2] == (0.7, 0.1, 0.1, 0.1)


# Each case: the stable code, what it changes in the sound model, and words of the sentence.
FAULTS = {
    "unknown-section": ("model.unknown-key", lambda d: d.update(colour={}), "[colour] is not a known section"),
    "unknown-key": ("model.unknown-key", lambda d: d["fields"][0].update(bit=64), "In field name, bit is not a known"),
    "missing-key": ("model.missing-key", lambda d: d["model"].pop("name"), "In [model], name is missing."),
    "empty-value": ("model.empty-value", lambda d: d["model"].update(name=""), "In [model], name is empty."),
    "wrong-type": ("model.wrong-type", lambda d: d["passes"][0].update(attributes="born"), "must be a list of texts"),
    "true-is-no-number": ("model.wrong-type", lambda d: d["model"].update(version=True), "must be a whole number"),
    "list-of-tables": ("model.wrong-type", lambda d: d.update(comparisons={"a": 1}), "written as [[comparisons]]"),
    "no-passes": ("model.empty-section", lambda d: d.update(passes=[]), "no [[passes]]"),
    "min-block-bits": ("model.bad-bits", lambda d: d["model"].update(min_block_bits=0), "must be above zero"),
    "separator": ("model.bad-separator", lambda d: d["table"].update(separator="||"), "must be one character"),
    "rule": (
        "model.unknown-rule",
        lambda d: d["attributes"]["town"].update(rule="soundex"),
        "'soundex' does not exist",
    ),
    "rule-columns": (
        "model.rule-needs-columns",
        lambda d: d["attributes"]["town"].update(columns=[]),
        "the rule text works on 1 to",
    ),
    "rule-of": (
        "model.rule-needs-attribute",
        lambda d: d["attributes"].update(x={"rule": "phonetic", "columns": ["name"], "bits": 1}),
        "works on another attribute",
    ),
    "of-unknown": (
        "model.unknown-attribute",
        lambda d: d["attributes"].update(x={"rule": "phonetic", "of": "nobody", "bits": 1}),
        "`of` names 'nobody'",
    ),
    "of-itself": (
        "model.attribute-order",
        lambda d: d["attributes"].update(x={"rule": "phonetic", "of": "x", "bits": 1}),
        "must be defined above it",
    ),
    "attribute-bits": ("model.bad-bits", lambda d: d["attributes"]["town"].update(bits=-1), "must be zero or more"),
    "number-range": ("model.bad-number", lambda d: d["fields"][0].update(number=256), "256 is not from 1 to 255"),
    "field-twice": (
        "model.duplicate-number",
        lambda d: d["fields"][1].update(number=1),
        "field number 1 is given twice",
    ),
    "pass-twice": (
        "model.duplicate-number",
        lambda d: d["passes"].append(d["passes"][0]),
        "pass number 1 is given twice",
    ),
    "name-twice": (
        "model.duplicate-name",
        lambda d: d["comparisons"].append(d["comparisons"][0]),
        "comparison name 'name' is given twice",
    ),
    "bits-not-of-8": ("model.bad-bits", lambda d: d["fields"][0].update(bits=60), "a multiple of 8"),
    "bits-too-many": ("model.bad-bits", lambda d: d["fields"][0].update(bits=8192), "from 8 to 4096"),
    "tokens": ("model.unknown-tokens", lambda d: d["fields"][0].update(tokens="trigrams"), "'trigrams'; known are"),
    "date-tokens": ("model.tokens-need-date", lambda d: d["fields"][0].update(tokens="date"), "needs an attribute of"),
    "field-attribute": ("model.unknown-attribute", lambda d: d["fields"][0].update(attribute="nom"), "'nom', which is"),
    "pass-empty": ("model.empty-pass", lambda d: d["passes"][0].update(attributes=[], omits=[]), "no attributes"),
    "pass-attribute": (
        "model.unknown-attribute",
        lambda d: d["passes"].append({"number": 2, "attributes": ["nobody"]}),
        "In pass 2, attributes names 'nobody'",
    ),
    "pass-attribute-twice": (
        "model.duplicate-name",
        lambda d: d["passes"][0].update(attributes=["born", "code", "code"]),
        "'code' is named twice",
    ),
    "too-coarse": (
        "model.pass-too-coarse",
        lambda d: d["passes"].append({"number": 2, "attributes": ["town"]}),
        "In pass 2, the block value has 9 bits",
    ),
    "coarse-by-one-column": (
        "model.pass-too-coarse",
        lambda d: d["passes"].append({"number": 2, "attributes": ["name", "names", "code"]}),
        "has 10 bits",
    ),
    "omits-unknown": ("model.unknown-field", lambda d: d["passes"][0].update(omits=["x"]), "'x', which is no field"),
    "omits-outside": (
        "model.omission-not-fixed",
        lambda d: d["passes"][0].update(omits=["name"]),
        "field name may not",
    ),
    "omits-all": (
        "model.pass-omits-all",
        lambda d: d["passes"].append({"number": 2, "attributes": ["born", "name"], "omits": ["born", "name"]}),
        "every field is omitted",
    ),
    "kind": ("model.unknown-kind", lambda d: d["comparisons"][0].update(kind="jaro"), "'jaro'; known are sketch"),
    "comparison-field": (
        "model.unknown-field",
        lambda d: d["comparisons"][0].update(fields=["x"]),
        "fields names 'x', which",
    ),
    "split-field": (
        "model.unknown-field",
        lambda d: d["comparisons"][0].update(split_lowest_by="x"),
        "split_lowest_by names 'x', which is no field",
    ),
    "fields-count": ("model.comparison-fields", lambda d: d["comparisons"][0].update(fields=[]), "compares 1 field"),
    "descending": ("model.bad-thresholds", lambda d: d["comparisons"][0].update(thresholds=[0.8, 0.4]), "ascending"),
    "above-one": ("model.bad-thresholds", lambda d: d["comparisons"][0].update(thresholds=[0.4, 1.5]), "at most 1"),
    "special-relatives": (
        "model.special-relatives",
        lambda d: d["comparisons"][0].update(shared_by_some_relatives=True),
        "another comparison must have",
    ),
    "changes-alone": (
        "model.changes-alone",
        lambda d: d["comparisons"][0].update(changes_together="home"),
        "no other comparison changes with it",
    ),
    "u-rows": ("model.bad-u", lambda d: d["comparisons"][0].update(u=[[0.5, 0.5]]), "three rows"),
    "u-levels": ("model.bad-u", lambda d: d["comparisons"][0].update(u=[[0.5, 0.5]] * 3), "must have 4 probabilities"),
    "u-sum": ("model.bad-u", lambda d: d["comparisons"][0].update(u=[[0.1, 0.1, 0.1, 0.1]] * 3), "add up to 1"),
    "weeks": (
        "model.weeks-without-extract",
        lambda d: d["comparisons"].append({"name": "w", "kind": "weeks", "fields": [], "thresholds": [0, 1]}),
        "only the maternity-care extract has weeks",
    ),
}


@pytest.mark.parametrize("case", FAULTS, ids=str)
def test_each_fault_has_its_code_and_one_sentence(case) -> None:
    code, change, words = FAULTS[case]
    document = copy.deepcopy(sound())
    change(document)
    with pytest.raises(InvalidModelError) as caught:
        parse_model(document)
    found = [fault for fault in caught.value.faults if fault.code == code]
    assert found, caught.value.faults
    assert any(words in fault.sentence for fault in found), found
    assert all(fault.sentence.endswith((".", "?")) and "\n" not in fault.sentence for fault in caught.value.faults)


def test_all_faults_are_raised_at_once() -> None:
    document = sound()
    document["fields"][0]["bits"] = 63
    document["passes"].append({"number": 1, "attributes": ["town"]})
    with pytest.raises(InvalidModelError) as caught:
        parse_model(document, source="people.toml")
    assert caught.value.code == "model.faults"
    assert [fault.code for fault in caught.value.faults] == [
        "model.duplicate-number",
        "model.bad-bits",
        "model.pass-too-coarse",
    ]
    assert caught.value.message.startswith("people.toml has 3 faults:\n")


def test_a_single_fault_is_raised_under_its_own_code() -> None:
    document = sound()
    document["fields"][0]["bits"] = 63
    with pytest.raises(ModelError) as caught:
        parse_model(document)
    assert caught.value.code == "model.bad-bits"


@pytest.mark.parametrize(
    ("rule", "columns", "allowed"),
    [
        ("text", ["name"], True),
        ("text", ["name", "town"], False),
        ("words", ["name"], False),
        ("surnames", ["name", "town"], False),
    ],
)
def test_a_field_may_be_omitted_only_where_the_block_fixes_its_whole_value(rule, columns, allowed) -> None:
    document = sound()
    document["attributes"]["town"] = {"rule": rule, "columns": columns, "bits": 12}
    document["fields"].append({"number": 3, "name": "town", "attribute": "town", "tokens": "bigrams", "bits": 32})
    document["passes"].append({"number": 2, "attributes": ["born", "town"], "omits": ["town"]})
    if allowed:
        assert parse_model(document).passes[1].omits == ("town",)
    else:
        with pytest.raises(ModelError) as caught:
            parse_model(document)
        assert caught.value.code == "model.omission-not-fixed"


def test_a_lossy_attribute_is_never_taken_for_exact() -> None:
    document = sound()
    document["fields"].append({"number": 3, "name": "code", "attribute": "code", "tokens": "whole", "bits": 32})
    document["passes"][0]["omits"] = ["code"]
    with pytest.raises(ModelError) as caught:
        parse_model(document)
    assert caught.value.code == "model.omission-not-fixed"


@pytest.mark.parametrize(("content", "code"), [(b"[model", "model.malformed"), (b"\xff\xfe", "model.malformed")])
def test_a_file_that_is_no_toml_is_one_sentence(tmp_path, content, code) -> None:
    path = tmp_path / "m.toml"
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        load_model(path)
    assert caught.value.code == code


def test_a_missing_file_is_one_sentence(tmp_path) -> None:
    with pytest.raises(ModelError) as caught:
        load_model(tmp_path / "none.toml")
    assert caught.value.code == "model.missing-file"


UNCHANGED = {
    "name and version": lambda d: d["model"].update(name="other", version=2),
    "thresholds": lambda d: d["comparisons"][0].update(thresholds=[0.5, 0.9]),
    "u": lambda d: d["comparisons"][0].pop("u"),
    "declared entropy": lambda d: d["attributes"]["town"].update(bits=12),
    "order of attributes": lambda d: d["attributes"].update(born=d["attributes"].pop("born")),
}
CHANGED = {
    "bits of a field": lambda d: d["fields"][0].update(bits=72),
    "token rule": lambda d: d["fields"][0].update(tokens="whole"),
    "order of fields": lambda d: d["fields"].reverse(),
    "a rule": lambda d: d["attributes"]["town"].update(rule="words"),
    "columns": lambda d: d["attributes"]["town"].update(columns=["city"]),
    "an omission": lambda d: d["passes"][0].update(omits=[]),
    "a pass's number": lambda d: d["passes"][0].update(number=2),
    "the id column": lambda d: d["table"].update(id_column="key"),
}


@pytest.mark.parametrize("change", UNCHANGED.values(), ids=UNCHANGED)
def test_the_digest_does_not_cover_what_changes_no_byte(change) -> None:
    document = sound()
    change(document)
    assert parse_model(document).digest == parse_model(sound()).digest


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_the_digest_covers_what_changes_bytes(change) -> None:
    document = sound()
    change(document)
    assert parse_model(document).digest != parse_model(sound()).digest


def test_infinite_numbers_are_no_entropy() -> None:
    document = sound()
    document["attributes"]["town"]["bits"] = math.inf
    with pytest.raises(ModelError) as caught:
        parse_model(document)
    assert caught.value.code == "model.wrong-type"


def test_a_misspelt_name_is_answered_with_the_one_that_was_meant() -> None:
    document = sound()
    document["field"] = document.pop("fields")
    document["passes"][0]["attributes"] = ["born", "cod"]
    document["attributes"]["town"]["rule"] = "txt"
    document["comparisons"][0]["threshold"] = [0.5]
    with pytest.raises(InvalidModelError) as caught:
        parse_model(document)
    told = "\n".join(fault.sentence for fault in caught.value.faults)
    for meant in ("fields", "code", "text", "thresholds"):
        assert f"; did you mean {meant!r}?" in told


# What one slip of the pen changes in the text of a model, and the one sentence that it gets.
SLIPS = {
    'columns = ["born"]': ('columns = "born"', "In attribute born, columns must be a list of texts."),
    "thresholds = [0.4, 0.8]": ("thresholds = 0.4", "In comparison name, thresholds must be a list of numbers."),
    'town = { rule = "text", columns = ["town"], bits = 9 }': (
        'town = "town"',
        "In attribute town, a table of keys and values is expected.",
    ),
    'rule = "date", ': ("", "In attribute born, rule is missing."),
    'attributes = ["born", "code"]': (
        'attributes = ["born", "sound"]',
        "In pass 1, attributes names 'sound', which is no attribute.",
    ),
    'fields = ["name"]': ('fields = "name"', "In comparison name, fields must be a list of texts."),
}


@pytest.mark.parametrize("written", SLIPS, ids=str)
def test_one_slip_is_one_fault(written) -> None:
    """What follows from a fault is not told as faults of its own."""
    changed, sentence = SLIPS[written]
    assert SOUND.count(written) == 1
    with pytest.raises(InvalidModelError) as caught:
        parse_model(tomllib.loads(SOUND.replace(written, changed)))
    assert [fault.sentence for fault in caught.value.faults] == [sentence]


@pytest.mark.parametrize("section", ["fields", "attributes"])
def test_a_whole_section_that_is_wrong_is_one_fault(section) -> None:
    document = sound()
    document[section] = {"number": 1} if section == "fields" else [{"name": "born"}]
    with pytest.raises(InvalidModelError) as caught:
        parse_model(document)
    assert [fault.code for fault in caught.value.faults] == ["model.wrong-type"]


def test_toml_that_cannot_be_read_is_told_by_its_line_and_a_byte_order_mark_is_no_fault(tmp_path) -> None:
    path = tmp_path / "m.toml"
    path.write_text(SOUND.replace('name = "people"', "name = “people”"), "utf-8")
    with pytest.raises(ModelError, match=r"is not valid TOML: .*line 3.*\.$"):
        load_model(path)
    path.write_text(SOUND, "utf-8-sig")
    assert load_model(path).digest == parse_model(sound()).digest
