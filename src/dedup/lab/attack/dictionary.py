"""A dictionary of names, no people: made-up rows of every name on every day, encoded as a holder of keys would.

A party with the linkage key need not know anybody to compute what anybody's entry would be: it encodes every first name
of a dictionary with every birth date. What it finds equal in a stolen file, it has read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dedup.bundle.keys import IngestKey, LinkageKey
from dedup.encode.records import encode_table
from dedup.encode.subkeys import derive_subkeys
from dedup.extract.normalise.phonetic import phonetic_code
from dedup.extract.normalise.sets import derived
from dedup.extract.values import NormalisedTable, ValueSets
from dedup.ingest.rekey import rekey
from dedup.lab.attack.population import Population
from dedup.model.linkage import LinkageModel
from dedup.model.records import EncodedRecords, PassEntries
from dedup.weeks import MISSING_WEEK

U64 = NDArray[np.uint64]
DAYS_AT_ONCE = 10
NAMES = "first_names"
CODES = "first_name_codes"
BORN = "birth_date"
FIELD = "first_name"


@dataclass(frozen=True, slots=True)
class Dictionary:
    """First names as women bear them (one to four together), and how many women of the population bear each."""

    names: tuple[tuple[str, ...], ...]
    bearers: NDArray[np.int64]


def dictionary_of(population: Population) -> Dictionary:
    """Return every combination of first names that occurs: the best dictionary of names there can be."""
    values = population.table.attributes[NAMES]
    counts = Counter(values.of(row) for row in range(len(population)))
    counts.pop((), None)
    names = tuple(sorted(counts))
    return Dictionary(names, np.array([counts[name] for name in names], np.int64))


def days_of_year(year: int, count: int) -> tuple[str, ...]:
    """Return the first `count` days of a year as normalised birth dates."""
    return tuple(f"{date(year, 1, 1) + timedelta(days=day):%Y%m%d}" for day in range(count))


def name_model(model: LinkageModel, bits: int | None) -> LinkageModel:
    """Return the model with nothing but its pass of birth date and first name.

    With `bits` that pass carries the first name alone, cut to so many bits: a shorter sketch is the beginning of a
    longer one. Without, all of its fields stay, as undoing the second key needs them.
    """
    one = next(linkage_pass for linkage_pass in model.passes if linkage_pass.attributes == (BORN, CODES))
    if bits is None:
        return replace(model, passes=(one,), comparisons=())
    field = next(field for field in model.fields if field.name == FIELD)
    return replace(model, fields=(replace(field, bits=bits),), passes=(replace(one, omits=()),), comparisons=())


def made_up_entries(
    dictionary: Dictionary, days: Sequence[str], model: LinkageModel, key: LinkageKey, second: IngestKey | None = None
) -> Iterator[PassEntries]:
    """Yield, some days at a time, the entries of every name on every day under a `name_model`, sorted by token.

    The row of an entry, modulo the size of the dictionary, is the name's number. With `second` the entries are keyed
    again, as at ingest.
    """
    subkeys = derive_subkeys(key.secret)
    for first in range(0, len(days), DAYS_AT_ONCE):
        records = encode_table(_made_up(dictionary, days[first : first + DAYS_AT_ONCE], model), model, subkeys)
        yield (records if second is None else rekey(records, model, second)).passes[0]


def read_entries(stolen: PassEntries, made_up: PassEntries, names: int, width: int) -> dict[int, set[int]]:
    """Return, for rows of the stolen entries, the numbers of the names whose made-up entry is the very same.

    An entry is the same when its token and the first `width` bytes of its sketch are.
    """
    if not len(np.intersect1d(_words(made_up.token), _words(stolen.token))):
        return {}
    wanted = {
        (token.tobytes(), sketch.tobytes()): int(row) % names
        for token, sketch, row in zip(made_up.token, made_up.sketch[:, :width], made_up.row, strict=True)
    }
    found: dict[int, set[int]] = {}
    for token, sketch, row in zip(stolen.token, stolen.sketch[:, :width], stolen.row, strict=True):
        name = wanted.get((token.tobytes(), sketch.tobytes()))
        if name is not None:
            found.setdefault(int(row), set()).add(name)
    return found


def differences(made_up: PassEntries, wanted: U64) -> tuple[U64, NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of made-up entries of one block whose sketches (8 bytes) differ by a wanted number.

    `wanted` is sorted. Gives the difference, and the rows of both entries.
    """
    sketch = np.ascontiguousarray(made_up.sketch).view(np.uint64).ravel()
    token = _words(made_up.token)
    start = np.concatenate([[0], np.flatnonzero(token[1:] != token[:-1]) + 1, [len(token)]])
    filled = np.zeros(1 << 16, np.bool_)
    filled[(wanted & np.uint64(0xFFFF)).astype(np.int64)] = True
    one, other = _search(sketch, start, wanted, filled)
    return sketch[one] ^ sketch[other], made_up.row[one].astype(np.int64), made_up.row[other].astype(np.int64)


def only_names(records: EncodedRecords, model: LinkageModel, width: int) -> PassEntries:
    """Return the entries of the pass of birth date and first name, cut to the first `width` bytes of the first name."""
    position = [linkage_pass.attributes for linkage_pass in model.passes].index((BORN, CODES))
    entries = records.passes[position]
    at = 0
    for field in model.pass_fields(model.passes[position]):
        if field.name == FIELD:
            break
        at += field.bits // 8
    return replace(entries, sketch=np.ascontiguousarray(entries.sketch[:, at : at + width]))


def _words(token: NDArray[np.uint8]) -> U64:
    """Return the first half of each token as a number: enough to tell millions apart."""
    return np.ascontiguousarray(np.ascontiguousarray(token).view(np.uint64)[:, 0])


def _made_up(dictionary: Dictionary, days: Sequence[str], model: LinkageModel) -> NormalisedTable:
    rows = len(days) * len(dictionary.names)
    distinct = sorted({name for names in dictionary.names for name in names})
    number = {name: position for position, name in enumerate(distinct)}
    codes = np.array([number[name] for names in dictionary.names for name in names], np.int32)
    sizes = np.array([len(names) for names in dictionary.names], np.int64)
    first_names = ValueSets(
        tuple(distinct), np.concatenate([[0], np.cumsum(np.tile(sizes, len(days)))]), np.tile(codes, len(days))
    )
    born = ValueSets(
        tuple(days), np.arange(rows + 1), np.repeat(np.arange(len(days), dtype=np.int32), len(dictionary.names))
    )
    nothing = ValueSets((), np.zeros(rows + 1, np.int64), np.empty(0, np.int32))
    attributes = {attribute.name: nothing for attribute in model.attributes}
    attributes |= {NAMES: first_names, CODES: derived(first_names, phonetic_code), BORN: born}
    weeks = np.full(rows, MISSING_WEEK, np.int32)
    return NormalisedTable(("",) * rows, attributes, weeks, None)


@njit(cache=True)
def _search(
    sketch: U64, start: NDArray[np.int64], wanted: U64, filled: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    size, found = 64, 0
    one, other = np.empty(size, np.int64), np.empty(size, np.int64)
    for block in range(len(start) - 1):
        for i in range(start[block], start[block + 1]):
            for j in range(i + 1, start[block + 1]):
                difference = sketch[i] ^ sketch[j]
                if not filled[difference & np.uint64(0xFFFF)]:
                    continue
                at = np.searchsorted(wanted, difference)
                if at < len(wanted) and wanted[at] == difference:
                    if found == size:
                        size *= 2
                        one, other = np.append(one, one), np.append(other, other)
                    one[found], other[found] = i, j
                    found += 1
    return one[:found], other[:found]
