"""The two forms in which our encodings can be stolen, and the similarities that a thief can read off them."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dedup.bundle.keys import IngestKey
from dedup.encode.blocks import SECRET_BYTES, blocks_of
from dedup.encode.records import encode_table
from dedup.encode.sketch import sketch_entries
from dedup.encode.subkeys import derive_subkeys
from dedup.encode.tokens import value_tokens
from dedup.encode.tokentable import hash_tokens
from dedup.extract.values import NormalisedTable
from dedup.ingest.rekey import rekey
from dedup.lab.agreement import expected_similarities
from dedup.model.linkage import Field, LinkageModel, TokenRule
from dedup.model.records import EncodedRecords, PassEntries

KEY_BYTES = 32
# Fields of which two people can have a little, much or all in common; of the others it is all or next to nothing.
TELLING = (TokenRule.BIGRAMS, TokenRule.DATE)
# Of the agreement of two unrelated entries, in standard deviations: beyond it lies one pair of entries in 10^9.
NOISE = 6.0
ROWS_AT_ONCE = 500  # of a matrix of similarities, whose combinations of sizes are counted


class Form(StrEnum):
    """What a thief holds."""

    BUNDLE = "bundle"  # as the source sends it, opened
    STORE = "store"  # as the server keeps it, under the ingest key


class Graph(StrEnum):
    """Which comparisons a thief's similarity graph is made of."""

    ALL = "all"  # every two records: the agreement of all their entries
    CLOSEST = "closest"  # only what stands out of the noise: the best agreement of any two entries


def encode(table: NormalisedTable, model: LinkageModel, form: Form, rng: np.random.Generator) -> EncodedRecords:
    """Return the table in one form, under fresh keys that `rng` draws; row i is the table's record i."""
    records = encode_table(table, model, derive_subkeys(rng.bytes(KEY_BYTES)))
    return rekey(records, model, IngestKey.of(rng.bytes(KEY_BYTES))) if form is Form.STORE else records


def encode_under_one_secret(table: NormalisedTable, model: LinkageModel, rng: np.random.Generator) -> EncodedRecords:
    """Return what our encoding would be if all blocks had one secret, as peers' have: a control."""
    subkeys = derive_subkeys(rng.bytes(KEY_BYTES))
    secret = np.frombuffer(rng.bytes(SECRET_BYTES), np.uint8)
    tokens = hash_tokens(table, model, subkeys)
    passes = []
    for linkage_pass in model.passes:
        blocks = blocks_of(table, linkage_pass, subkeys)
        blocks = replace(blocks, secret=np.tile(secret, (len(blocks.row), 1)))
        sketch = sketch_entries(blocks, tokens, model, model.pass_fields(linkage_pass), subkeys)
        passes.append(PassEntries(linkage_pass.number, blocks.row, blocks.token, sketch))
    return EncodedRecords(tokens.presence, table.edd_week, tuple(passes))


def entry_signs(sketch: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return float32[e, bits]: the bits of each entry as -1 and 1, so that a product counts agreement."""
    return np.unpackbits(sketch, axis=1).astype(np.float32) * 2 - 1


def similarities(records: EncodedRecords, model: LinkageModel, graph: Graph) -> NDArray[np.float32]:
    """Return float32[n, n]: how similar every two records look, their sketches laid on one another bit by bit."""
    found = agreement_of_all(records, model) if graph is Graph.ALL else agreement_of_closest(records)
    np.fill_diagonal(found, 0)
    return found


def agreement_of_all(records: EncodedRecords, model: LinkageModel) -> NDArray[np.float32]:
    """Return float32[n, n]: agreement of names and birth date, a field's sketches averaged over a record's entries."""
    total = np.zeros((len(records), len(records)), np.float32)
    fields = [field for field in model.fields if field.tokens in TELLING]
    for field in fields:
        means = field_means(records, model, field)
        total += means @ means.T  # bits count alike, so that a field weighs as much as it is precise
    return total / np.float32(sum(field.bits for field in fields))


def field_means(records: EncodedRecords, model: LinkageModel, field: Field) -> NDArray[np.float32]:
    """Return float32[n, bits]: a field's bits as -1 and 1, averaged over all entries that carry them; 0 without any."""
    total = np.zeros((len(records), field.bits), np.float32)
    count = np.zeros(len(records), np.float32)
    present = (records.presence >> np.uint32(model.fields.index(field))) & 1 == 1
    for linkage_pass, entries in zip(model.passes, records.passes, strict=True):
        fields = model.pass_fields(linkage_pass)
        if field not in fields:
            continue
        start = sum(one.bits // 8 for one in fields[: fields.index(field)])
        here = present[entries.row]
        np.add.at(total, entries.row[here], entry_signs(entries.sketch[here, start : start + field.bits // 8]))
        np.add.at(count, entries.row[here], 1)
    return np.asarray(total / np.maximum(count, 1)[:, None], np.float32)


def agreement_of_closest(records: EncodedRecords) -> NDArray[np.float32]:
    """Return float32[n, n]: the best agreement of any two entries of one pass, 0 where it may be noise.

    Agreement is counted in standard deviations of that of two random entries.
    """
    closest = np.zeros((len(records), len(records)), np.float32)
    for entries in records.passes:
        if not len(entries.row):
            continue
        order = np.argsort(entries.row, kind="stable")
        signs = entry_signs(entries.sketch[order])
        signs /= np.float32(np.sqrt(signs.shape[1]))
        rows, first = np.unique(entries.row[order], return_index=True)
        best = np.maximum.reduceat(np.maximum.reduceat(signs @ signs.T, first, axis=0), first, axis=1)
        place = np.ix_(rows, rows)
        closest[place] = np.maximum(closest[place], best - np.float32(NOISE))
    return closest


def clear_similarities(table: NormalisedTable, model: LinkageModel) -> NDArray[np.float32]:
    """Return float32[n, n]: what `agreement_of_all` measures if all blocks have one secret and sketches no noise."""
    n = len(table.ids)
    total = np.zeros((n, n), np.float32)
    fields = [field for field in model.fields if field.tokens in TELLING]
    for field in fields:
        matrix = token_matrix(table, field)
        for at in range(0, n, ROWS_AT_ONCE):
            total[at : at + ROWS_AT_ONCE] += field.bits * expected_agreement(matrix[at : at + ROWS_AT_ONCE], matrix)
    np.fill_diagonal(total, 0)
    return total / np.float32(sum(field.bits for field in fields))


def token_matrix(table: NormalisedTable, field: Field) -> NDArray[np.float32]:
    """Return float32[n, distinct tokens]: 1 where a record's field has the token."""
    values = table.attributes[field.attribute]
    column: dict[bytes, int] = {}
    tokens = [[column.setdefault(t, len(column)) for t in value_tokens(field.tokens, v)] for v in values.values]
    matrix = np.zeros((len(table.ids), len(column)), np.float32)
    for row in range(len(table.ids)):
        for code in values.codes[values.offsets[row] : values.offsets[row + 1]]:
            matrix[row, tokens[code]] = 1
    return matrix


def expected_agreement(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float32[rows of one, rows of other]: the mean similarity of the sketches of two rows of ones and noughts.

    It is 0 where either row has no ones.
    """
    common = (one @ other.T).astype(np.int64)
    sizes = (matrix.sum(axis=1).astype(np.int64) for matrix in (one, other))
    size_one, size_other = np.meshgrid(*sizes, indexing="ij")
    return expected_similarities(size_one, size_other, common).astype(np.float32)
