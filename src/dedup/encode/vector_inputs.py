"""What the published test vectors of the encoding are made of: keys, values, sizes, a model, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

KEYS = (
    bytes(range(32)),
    sha256(b"a second linkage key, for test vectors only").digest(),
    bytes(32),
    b"\xff" * 32,
)

# In a component, {"repeat": x, "times": n} stands for x written n times.
Component = str | dict[str, str | int]

BLOCK_VALUES: tuple[tuple[int, tuple[Component, ...]], ...] = (
    (1, ("19900203", "an")),
    (1, ("1990020", "3an")),
    (2, ("19900203", "an")),
    (1, ("an", "19900203")),
    (1, ("19900203", "mr")),
    (3, ("1234ab", "7")),
    (3, ("1234ab", "17")),
    (4, ("612345678",)),
    (4, ("+4915123456789",)),
    (5, ("3311123456789",)),
    (6, ("frs", "mr", "1234")),
    (6, ("frs", "mr", "1235")),
    (255, ("ünïcode", "a")),
    (255, ("ü", "nïcodea")),
    (7, ("\U0001f476",)),
    (8, ("a", "b", "c", "d", "e", "f", "g", "h")),
    (8, ("ab", "c", "d", "e", "f", "g", "h")),
    (1, ({"repeat": "a", "times": 55}, "b")),
    (1, ({"repeat": "a", "times": 56}, "b")),
    (1, ({"repeat": "a", "times": 64}, "b")),
    (1, ({"repeat": "a", "times": 255}, "b")),
    (1, ({"repeat": "a", "times": 256}, "b")),
    (1, ({"repeat": "a", "times": 65_535}, "b")),
    (1, ({"repeat": "a", "times": 65_536}, "b")),
    (1, ({"repeat": "a", "times": 70_000}, "b")),
    (1, ({"repeat": "é", "times": 40_000}, "b")),
)

TOKEN_SETS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("bigrams", ("anna",)),
    ("bigrams", ("maria",)),
    ("bigrams", ("x",)),
    ("bigrams", ("xx",)),
    ("bigrams", ("aaaa",)),
    ("bigrams", ("jong", "vries")),
    ("bigrams", ("jansen", "janssen")),
    ("bigrams", ("ab", "ba")),
    ("bigrams", ("_",)),
    ("bigrams", ("émile", "de wit")),
    ("bigrams", ("\U0001f476a",)),
    ("bigrams", ("e\u0301",)),
    ("bigrams", ("o'neil",)),
    ("bigrams", ()),
    ("date", ("19900203",)),
    ("date", ("19900302",)),
    ("date", ("20001111",)),
    ("date", ("19991231",)),
    ("date", ("10010101",)),
    ("date", ("19900203", "19900204")),
    ("date", ()),
    ("positions", ("1234ab",)),
    ("positions", ("7",)),
    ("positions", ("11",)),
    ("positions", ("0123456789",)),
    ("positions", ("é1",)),
    ("positions", ("\U0001f4761",)),
    ("positions", ("9" * 255,)),
    ("positions", ("9" * 256,)),
    ("positions", ("9" * 258,)),
    ("positions", ("9" * 256 + "18",)),
    ("positions", ("12", "21")),
    ("positions", ()),
    ("whole", ("612345678",)),
    ("whole", ("a@example.org", "b@example.org")),
    ("whole", ("é",)),
    ("whole", ("b",)),
    ("whole", ()),
)

# Field, rule, values and bits; the first blocks' secrets take turns.
SKETCHES: tuple[tuple[int, str, tuple[str, ...], int], ...] = (
    *((2, "bigrams", ("jong", "vries"), bits) for bits in (8, 16, 24, 32, 64, 96, 120, 128, 136, 192, 256, 4096)),
    *((2, "bigrams", ("jansen",), bits) for bits in (8, 64, 256, 264)),
    *((2, "bigrams", ("maria",), bits) for bits in (8, 64, 256, 264, 4096)),
    *((2, "bigrams", ("abcdefghijklmnopqrstuvwxyz"[:n],), 64) for n in range(1, 27)),
    (1, "bigrams", ("jansen",), 256),
    (255, "bigrams", ("jansen",), 256),
    (2, "bigrams", ("jansen", "janssen"), 64),
    (2, "bigrams", ("aaaa",), 64),
    (2, "bigrams", ("émile", "de wit"), 64),
    (2, "date", ("19900203",), 96),
    (2, "date", ("20001111",), 96),
    (2, "positions", ("1234ab",), 64),
    (2, "positions", ("9" * 300,), 128),
    (2, "whole", ("612345678",), 32),
    (2, "whole", ("17",), 16),
    (2, "whole", ("a@example.org", "b@example.org"), 32),
    (2, "whole", (), 32),
    (2, "bigrams", (), 256),
)

VOTES = (
    (1, "bigrams", ("x",)),
    (2, "bigrams", ("jong",)),
    (2, "bigrams", ("maria",)),
    (3, "date", ("19900203",)),
    (5, "positions", ("1234ab",)),
    (9, "whole", ("612345678",)),
)

MODEL: Mapping[str, Any] = {
    "model": {"name": "vectors", "version": 1, "min_block_bits": 16},
    "table": {"id_column": "id", "separator": ","},
    "attributes": {
        "born": {"rule": "date", "columns": ["born"], "bits": 13},
        "surnames": {"rule": "words", "columns": ["surname", "other_surname"], "bits": 11},
        "surname_codes": {"rule": "phonetic", "of": "surnames", "bits": 9},
        "postcode": {"rule": "postcode", "columns": ["postcode"], "bits": 18},
        "phone": {"rule": "phone", "columns": ["phone"], "bits": 26},
    },
    "fields": [
        {"number": 1, "name": "surname", "attribute": "surnames", "tokens": "bigrams", "bits": 64},
        {"number": 2, "name": "born", "attribute": "born", "tokens": "date", "bits": 32},
        {"number": 5, "name": "postcode", "attribute": "postcode", "tokens": "positions", "bits": 24},
        {"number": 7, "name": "phone", "attribute": "phone", "tokens": "whole", "bits": 8},
    ],
    "passes": [
        {"number": 1, "attributes": ["born", "surname_codes"], "omits": ["born"]},
        {"number": 4, "attributes": ["phone"], "omits": ["phone"]},
        {"number": 9, "attributes": ["surname_codes", "postcode"]},
    ],
    "comparisons": [{"name": "surname", "kind": "sketch", "fields": ["surname"], "thresholds": [0.5]}],
}

NOTHING: Mapping[str, tuple[str, ...]] = {"born": (), "surnames": (), "surname_codes": (), "postcode": (), "phone": ()}
WHOLE: Mapping[str, tuple[str, ...]] = {
    "born": ("19900203",),
    "surnames": ("jong", "vries"),
    "surname_codes": ("frs", "jng"),
    "postcode": ("1234ab",),
    "phone": ("612345678",),
}
MANY: Mapping[str, tuple[str, ...]] = {
    "born": ("20001111",),
    "surnames": tuple(f"name{letter}" for letter in "abcdefghijklmnopqr"),
    "surname_codes": tuple(f"nm{letter}" for letter in "abcdefghijklmnopqr"),
    "postcode": ("9999zz",),
    "phone": ("+4915123456789",),
}
# Two values of both attributes of the first pass.
MIXED: Mapping[str, tuple[str, ...]] = {**MANY, "born": ("20001111", "20011111")}

RECORDS: tuple[Mapping[str, tuple[str, ...]], ...] = (
    WHOLE,
    {**NOTHING, "born": ("19900203",), "surnames": ("fries",), "surname_codes": ("frs",)},
    {**NOTHING, "postcode": ("1234ab",)},
    MANY,
    NOTHING,
    {**WHOLE, "phone": ()},
    {**WHOLE, "born": ()},
    {**WHOLE, "surname_codes": ()},
    {**WHOLE, "surnames": ("vries",), "surname_codes": ("frs",)},
    {**MANY, "surname_codes": MANY["surname_codes"][:16]},
    MIXED,
)

# What no encoder may take: the model above with one part changed, and the code of the fault.
REFUSED_MODELS: tuple[tuple[str, str, tuple[str | int, ...], Any], ...] = (
    ("bits that are no multiple of 8", "model.bad-bits", ("fields", 0, "bits"), 60),
    ("no bits", "model.bad-bits", ("fields", 0, "bits"), 0),
    ("more than 4,096 bits", "model.bad-bits", ("fields", 0, "bits"), 4104),
    ("field number 0", "model.bad-number", ("fields", 0, "number"), 0),
    ("field number 256", "model.bad-number", ("fields", 0, "number"), 256),
    ("two fields of one number", "model.duplicate-number", ("fields", 0, "number"), 2),
    ("two fields of one name", "model.duplicate-name", ("fields", 0, "name"), "born"),
    ("pass number 0", "model.bad-number", ("passes", 0, "number"), 0),
    ("pass number 256", "model.bad-number", ("passes", 0, "number"), 256),
    ("two passes of one number", "model.duplicate-number", ("passes", 0, "number"), 4),
    ("a pass of nothing", "model.empty-pass", ("passes", 1, "attributes"), []),
    ("a pass of what is no attribute", "model.unknown-attribute", ("passes", 1, "attributes"), ["telephone"]),
    ("a lossy attribute's field omitted", "model.omission-not-fixed", ("passes", 2, "omits"), ["surname"]),
    ("a field omitted that the pass does not fix", "model.omission-not-fixed", ("passes", 1, "omits"), ["born"]),
    ("a pass that omits what is no field", "model.unknown-field", ("passes", 1, "omits"), ["telephone"]),
    ("an unknown token rule", "model.unknown-tokens", ("fields", 0, "tokens"), "trigrams"),
    ("the token rule date of what is no date", "model.tokens-need-date", ("fields", 0, "tokens"), "date"),
    ("an unknown rule", "model.unknown-rule", ("attributes", "born", "rule"), "day"),
    ("a separator of two characters", "model.bad-separator", ("table", "separator"), ";;"),
)
REFUSED_KEYS = (b"", bytes(16), bytes(31), bytes(33), bytes(64))
