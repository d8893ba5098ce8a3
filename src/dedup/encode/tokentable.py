"""The token sets of a batch, every token hashed under the field key: once per token, not once per record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.encode import kernels
from dedup.encode.hmacs import HmacSha256, Messages
from dedup.encode.subkeys import Subkeys
from dedup.encode.tokenkeys import KeyNumbers, keys_of, token_of_key
from dedup.encode.tokens import whole_token
from dedup.extract.values import NormalisedTable
from dedup.model.linkage import Field, LinkageModel, TokenRule

# More tokens than this are not remembered from one table to the next; a vendor's extracts have a few thousand.
MAX_REMEMBERED = 1 << 18


@dataclass(frozen=True, slots=True)
class TokenTable:
    """The hashed tokens of n records and all fields of a model.

    Record r's token set of the model's f-th field is `token[start[k] : start[k + 1]]`, k = r * fields + f, each token
    once (int32); token t's HMAC(field key, f‖t), cut to 16 bytes, is `hashed[t]` as two native words. `presence` is
    uint32[n].
    """

    fields: int
    start: NDArray[np.int32]
    token: NDArray[np.int32]
    hashed: NDArray[np.uint64]
    presence: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class _Values:
    """The tokens of all fields' distinct values, one field behind another.

    `of` are the values themselves, `first` int64[fields] where each field's begin. Value v has the tokens
    `number[start[v] : start[v + 1]]`; token t is hashed in `hashed[t]`.
    """

    of: tuple[tuple[str, ...], ...]
    first: NDArray[np.int64]
    start: NDArray[np.int64]
    number: NDArray[np.int32]
    hashed: NDArray[np.uint64]


class TokenHasher:
    """Hashes tokens under one field key for one model, and remembers those of names, dates and codes: they come back.

    Values that are compared whole (phone numbers, addresses) are hashed anew, as few of them come back, unless a table
    comes with the very same distinct values as the one before it.
    """

    def __init__(self, subkeys: Subkeys) -> None:
        self._hmac = HmacSha256(subkeys.field)
        self._numbers = KeyNumbers()
        self._hashed = np.empty((0, kernels.IV_WORDS), dtype=np.uint64)
        self._last: tuple[tuple[Field, ...], _Values] | None = None

    def table(self, table: NormalisedTable, model: LinkageModel) -> TokenTable:
        """Return the token sets of every record of the table and every field of the model."""
        sets = [table.attributes[field.attribute] for field in model.fields]
        values = self._values(model.fields, tuple(part.values for part in sets))
        offsets = np.stack([part.offsets for part in sets])
        sizes = [len(part.codes) for part in sets]
        value_of = np.concatenate([part.codes for part in sets]) + np.repeat(values.first, sizes).astype(np.int32)
        start = np.empty(offsets.shape[0] * (offsets.shape[1] - 1) + 1, dtype=np.int32)
        token = np.empty(int((values.start[value_of + 1] - values.start[value_of]).sum()), dtype=np.int32)
        seen = np.full(len(values.hashed), -1, dtype=np.int32)
        field_start = offsets + _starts(sizes)[:, None]
        kernels.gather_sets(field_start, value_of, values.start, values.number, seen, start, token)
        bits = np.arange(len(model.fields), dtype=np.uint32)[:, None]
        presence = np.bitwise_or.reduce((np.diff(offsets, axis=1) > 0).astype(np.uint32) << bits, axis=0)
        return TokenTable(len(model.fields), start, token, values.hashed, presence)

    def _values(self, fields: tuple[Field, ...], of: tuple[tuple[str, ...], ...]) -> _Values:
        if self._last is not None:
            known_fields, known = self._last
            if known_fields is fields and all(one is other for one, other in zip(known.of, of, strict=True)):
                return known
        if len(self._numbers) > MAX_REMEMBERED:
            self._numbers, self._hashed = KeyNumbers(), self._hashed[:0]
        number, counts, hashed = self._numbered(list(zip(fields, of, strict=True)))
        values = _Values(
            of=of,
            first=_starts([len(part) for part in of]),
            start=np.concatenate([[0], np.cumsum(counts)]),
            number=number,
            hashed=hashed,
        )
        self._last = fields, values
        return values

    def _numbered(
        self, fields: list[tuple[Field, tuple[str, ...]]]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.uint64]]:
        """Return the numbers of all values' tokens, how many each value has, and the hashed token of each number.

        Remembered tokens have the lower numbers; whole values follow them, field by field.
        """
        keyed = [keys_of(field.tokens, field.number, v) for field, v in fields if field.tokens is not TokenRule.WHOLE]
        known, new = self._numbers.number(np.concatenate([np.empty(0, dtype=np.uint64), *(keys for keys, _ in keyed)]))
        self._hashed = np.concatenate([self._hashed, self._digests(map(token_of_key, new.tolist()))])
        numbers, counts, hashed, at = [], [], [self._hashed], 0
        whole = len(self._hashed)
        for field, values in fields:
            if field.tokens is TokenRule.WHOLE:
                hashed.append(self._digests(map(str.encode, values), behind=bytes([field.number]) + whole_token("")))
                numbers.append(np.arange(whole, whole + len(values), dtype=np.int32))
                counts.append(np.ones(len(values), dtype=np.int64))
                whole += len(values)
            else:
                keys, many = keyed.pop(0)
                numbers.append(known[at : at + len(keys)])
                counts.append(many)
                at += len(keys)
        return np.concatenate(numbers), np.concatenate(counts), np.concatenate(hashed)

    def _digests(self, messages: Iterable[bytes], *, behind: bytes = b"") -> NDArray[np.uint64]:
        digests = self._hmac.digests(Messages.of(messages), behind=behind)
        return digests.view(np.uint64)[:, : kernels.IV_WORDS]


def hash_tokens(table: NormalisedTable, model: LinkageModel, subkeys: Subkeys) -> TokenTable:
    """Return the table's token sets without remembering anything."""
    return TokenHasher(subkeys).table(table, model)


def _starts(sizes: list[int]) -> NDArray[np.int64]:
    return np.cumsum([0, *sizes[:-1]], dtype=np.int64)
