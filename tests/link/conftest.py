"""A small linkage model and a slow, plain encoder: the law of the sketches without keys, to test the engine alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pytest

from dedup.encode.tokens import value_tokens
from dedup.model.linkage import (
    Attribute,
    Comparison,
    ComparisonKind,
    Field,
    LinkageModel,
    Pass,
    TokenRule,
)
from dedup.model.records import EncodedRecords, PassEntries

Person = dict[str, tuple[str, ...]]


def small_model() -> LinkageModel:
    """Four fields with odd widths, two passes that omit what they fix and one that omits nothing."""
    chance = {"name": 0.004, "birth_date": 0.0002, "phone": 0.0001}
    return LinkageModel(
        name="small",
        version=1,
        digest="",
        table=None,
        attributes=tuple(
            Attribute(name, "text") for name in ("name", "initial", "birth_date", "pc6", "number", "phone")
        ),
        fields=(
            Field(1, "name", "name", TokenRule.BIGRAMS, 136),
            Field(2, "initial", "initial", TokenRule.WHOLE, 16),
            Field(3, "birth_date", "birth_date", TokenRule.DATE, 88),
            Field(4, "pc6", "pc6", TokenRule.POSITIONS, 64),
            Field(5, "number", "number", TokenRule.POSITIONS, 32),
            Field(6, "phone", "phone", TokenRule.WHOLE, 32),
        ),
        passes=(
            Pass(1, ("birth_date",), ("birth_date",)),
            Pass(2, ("pc6", "number"), ("pc6", "number")),
            Pass(3, ("name",), ()),
            Pass(4, ("phone",), ("phone",)),
        ),
        comparisons=(
            Comparison(
                "name",
                ComparisonKind.SKETCH,
                ("name",),
                (0.3, 0.9),
                "initial",
                ((0.8, 0.1, 0.096, chance["name"]),) * 3,
            ),
            Comparison(
                "birth_date",
                ComparisonKind.SKETCH,
                ("birth_date",),
                (0.35, 0.9),
                "",
                ((0.8, 0.2 - chance["birth_date"], chance["birth_date"]),) * 3,
            ),
            Comparison(
                "address",
                ComparisonKind.ADDRESS,
                ("pc6", "number"),
                (0.3, 0.6, 0.93),
                "",
                ((0.9, 0.08, 0.0149, 0.004, 0.001, 0.0001),) * 3,
            ),
            Comparison(
                "phone", ComparisonKind.SKETCH, ("phone",), (0.6,), "", ((1 - chance["phone"], chance["phone"]),) * 3
            ),
            Comparison("edd", ComparisonKind.WEEKS, (), (0, 2), "", ((0.9, 0.08, 0.02),) * 3),
        ),
    )


def plain_encode(people: Sequence[Person], edd_weeks: Sequence[int], model: LinkageModel) -> EncodedRecords:
    """Encode people as `dedup.encode` does, with SHAKE-128 in the place of every keyed function."""
    presence = [
        sum(1 << position for position, field in enumerate(model.fields) if person.get(field.attribute))
        for person in people
    ]
    passes = []
    for linkage_pass in model.passes:
        entries = set()
        for row, person in enumerate(people):
            for values in product(*(person.get(name, ()) for name in linkage_pass.attributes)):
                token = hashlib.shake_128(repr((linkage_pass.number, values)).encode()).digest(16)
                entries.add((token, row))
        ordered = sorted(entries)
        sketches = [
            b"".join(
                _sketch(token, field, people[row].get(field.attribute, ())) for field in model.pass_fields(linkage_pass)
            )
            for token, row in ordered
        ]
        passes.append(
            PassEntries(
                number=linkage_pass.number,
                row=np.array([row for _, row in ordered], dtype=np.uint32),
                token=np.frombuffer(b"".join(token for token, _ in ordered), dtype=np.uint8).reshape(-1, 16),
                sketch=np.frombuffer(b"".join(sketches), dtype=np.uint8).reshape(
                    len(ordered), model.sketch_bytes(linkage_pass)
                ),
            )
        )
    return EncodedRecords(
        presence=np.array(presence, dtype=np.uint32), edd_week=np.array(edd_weeks, dtype=np.int32), passes=tuple(passes)
    )


def _sketch(block: bytes, field: Field, values: tuple[str, ...]) -> bytes:
    tokens = sorted({token for value in values for token in value_tokens(field.tokens, value)})
    if not tokens:
        return bytes(field.bits // 8)
    numbers = [hashlib.shake_128(block + bytes([field.number]) + token).digest(2 * field.bits) for token in tokens]
    smallest = np.stack([np.frombuffer(n, dtype=">u2") for n in numbers]).min(axis=0)
    return np.packbits(smallest & 1).tobytes()


def reordered(records: EncodedRecords, new_place: np.ndarray, seed: int) -> EncodedRecords:
    """Move record i to `new_place[i]` and shuffle the entries of every pass."""
    rng = np.random.default_rng(seed)
    presence, edd_week = np.empty_like(records.presence), np.empty_like(records.edd_week)
    presence[new_place], edd_week[new_place] = records.presence, records.edd_week
    passes = []
    for entries in records.passes:
        order = rng.permutation(len(entries.row))
        passes.append(
            PassEntries(
                number=entries.number,
                row=new_place[entries.row[order]].astype(np.uint32),
                token=entries.token[order],
                sketch=entries.sketch[order],
            )
        )
    return EncodedRecords(presence, edd_week, tuple(passes))


def made_up_people(count: int, seed: int) -> tuple[list[Person], list[int], list[int]]:
    """Return people, EDD weeks and who they are: a tenth stand twice, with a typo, a move or a missing phone."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnoprstuvw"))
    people: list[Person] = []
    weeks: list[int] = []
    who: list[int] = []
    for number in range(count):
        name = "".join(rng.choice(letters, rng.integers(4, 9)))
        person: Person = {
            "name": (name,),
            "initial": (name[0],),
            "birth_date": (f"{rng.integers(1980, 2006)}{rng.integers(1, 13):02d}{rng.integers(1, 29):02d}",),
            "pc6": (f"{rng.integers(1000, 9999)}" + "".join(rng.choice(letters, 2)),),
            "number": (str(rng.integers(1, 200)),),
            "phone": (f"6{rng.integers(10**7, 10**8)}",),
        }
        week = int(rng.integers(105_000, 105_040))
        people.append(person)
        weeks.append(week)
        who.append(number)
        if number % 10 == 0:
            changes: list[Person] = [
                {"name": (name[:2] + "x" + name[3:],)},
                {"pc6": ("1234ab",), "number": (str(number),)},
                {"phone": ()},
            ]
            people.append({**person, **changes[int(rng.integers(3))]})
            weeks.append(week + int(rng.integers(0, 2)))
            who.append(number)
    return people, weeks, who


@pytest.fixture(scope="session")
def model() -> LinkageModel:
    return small_model()


@pytest.fixture(scope="session")
def encode() -> Callable[[Sequence[Person], Sequence[int], LinkageModel], EncodedRecords]:
    return plain_encode


@pytest.fixture(scope="session")
def reorder() -> Callable[[EncodedRecords, np.ndarray, int], EncodedRecords]:
    return reordered


@pytest.fixture(scope="session")
def crowd(model: LinkageModel) -> tuple[EncodedRecords, np.ndarray]:
    """Some 660 encoded records and the person that each is."""
    people, weeks, who = made_up_people(600, seed=1)
    return plain_encode(people, weeks, model), np.array(who)
