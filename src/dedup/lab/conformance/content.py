"""What follows every rule and still looks like a mistake: counts, days, and encodings that are not random.

An encoder that forgets the block in a sketch, or hashes a postcode that it never filled, makes bundles that every
reader takes and that match nothing. These checks are statistics of the bundle alone; they see no identifier.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.bundle.payload import BundleBatch
from dedup.lab.conformance.finding import Finding, failed, judged, passed, warning
from dedup.model.linkage import LinkageModel, Pass
from dedup.model.records import EncodedRecords, PassEntries
from dedup.weeks import MISSING_WEEK, week_of

ENOUGH_ROWS = 20  # below this nothing can be said of shares
GOOD_BATCH_ROWS = 8_192
ENOUGH_BITS = 4_000
SHARE_OF_BITS = (0.4, 0.6)  # of hashes and sketches, which are random to whoever has no key; 0.5 is expected
LONGEST_AHEAD = 45  # weeks from registration to the expected date of delivery
LONGEST_PAST = 12
COUNTS = ("rows", "accepted", "refused", "withheld")


@dataclass(slots=True)
class Content:
    """What is gathered of a bundle's batches, so that no batch need be held."""

    model: LinkageModel
    rows: list[int] = field(default_factory=list)
    present: NDArray[np.int64] = field(init=False)
    entries: NDArray[np.int64] = field(init=False)
    without_entries: int = 0
    token_bits: list[int] = field(default_factory=lambda: [0, 0])
    sketch_bits: list[int] = field(default_factory=lambda: [0, 0])
    compared: int = 0
    equal: int = 0
    columns: dict[str, Counter[Any]] = field(default_factory=dict)
    ids_of_digits: int = 0

    def __post_init__(self) -> None:
        self.present = np.zeros(len(self.model.fields), np.int64)
        self.entries = np.zeros(len(self.model.passes), np.int64)

    def add(self, batch: BundleBatch) -> None:
        """Take a batch into account."""
        records, n = batch.records, len(batch.records)
        self.rows.append(n)
        bits = np.arange(len(self.model.fields), dtype=np.uint32)
        self.present += ((records.presence[:, None] >> bits) & 1).sum(axis=0).astype(np.int64)
        reached = np.zeros(n, bool)
        for index, entries in enumerate(records.passes):
            self.entries[index] += len(entries.row)
            reached[entries.row] = True
            self._count_bits(self.model.passes[index], entries, records)
        self.without_entries += int((~reached).sum())
        self._compare_blocks(records)
        for name, values in batch.attributes.items():
            if name != "registratie_id":
                self.columns.setdefault(name, Counter()).update(values)
        self.ids_of_digits += sum(value.isdigit() for value in batch.attributes["registratie_id"])

    def _count_bits(self, linkage_pass: Pass, entries: PassEntries, records: EncodedRecords) -> None:
        _add_bits(self.token_bits, entries.token)
        for sketch, has_value in _sketches(self.model, linkage_pass, entries, records):
            _add_bits(self.sketch_bits, sketch[has_value])

    def _compare_blocks(self, records: EncodedRecords) -> None:
        """Count how often a field's sketch is the same in two blocks of one row; sketches of 32 bits or more."""
        first_of: dict[str, tuple[NDArray[np.int64], NDArray[np.uint8]]] = {}
        for linkage_pass, entries in zip(self.model.passes, records.passes, strict=True):
            rows, at = np.unique(entries.row, return_index=True)
            fields = self.model.pass_fields(linkage_pass)
            for one, (sketch, has_value) in zip(
                fields, _sketches(self.model, linkage_pass, entries, records), strict=True
            ):
                if one.bits < 32:
                    continue
                kept = has_value[at]
                mine = rows[kept].astype(np.int64), sketch[at[kept]]
                if one.name in first_of:
                    _, left, right = np.intersect1d(first_of[one.name][0], mine[0], return_indices=True)
                    self.compared += len(left)
                    self.equal += int((first_of[one.name][1][left] == mine[1][right]).all(axis=1).sum())
                else:
                    first_of[one.name] = mine


def judge_content(content: Content, statistics: Mapping[str, Any], snapshot: date) -> Iterator[Finding]:
    """Yield what is right, wrong and odd about a bundle's content; `snapshot` is the day that it is of."""
    total = sum(content.rows)
    yield from _judge_statistics(statistics, total)
    if any(n > GOOD_BATCH_ROWS for n in content.rows) or (len(content.rows) > 1 and min(content.rows[:-1]) < 1_000):
        yield warning(
            "content.batch-size", f"Batches of {GOOD_BATCH_ROWS:,} rows are a good size; these are far from it."
        )
    yield from _judge_encodings(content, total)
    if total < ENOUGH_ROWS:
        yield warning("content.few-rows", f"With fewer than {ENOUGH_ROWS} rows nothing can be said of shares.")
        return
    yield from _judge_coverage(content, total)
    if content.model.table is None:
        yield from _judge_columns(content, total, snapshot)


def _judge_statistics(statistics: Mapping[str, Any], total: int) -> Iterator[Finding]:
    counts = [statistics.get(name) for name in COUNTS]
    if not all(type(count) is int for count in counts):
        yield warning(
            "content.statistics", f"The statistics lack {', '.join(COUNTS)}: your validation report stays empty."
        )
        return
    rows, accepted, refused, withheld = (int(count or 0) for count in counts)
    yield judged(
        "content.statistics",
        accepted == total and rows == accepted + refused + withheld,
        "The statistics add up, and count as many accepted rows as there are.",
        "The statistics do not add up: rows = accepted + refused + withheld; accepted rows are those in the bundle.",
    )


def _judge_encodings(content: Content, total: int) -> Iterator[Finding]:
    low, high = SHARE_OF_BITS
    for code, what, (ones, bits) in (
        ("content.tokens", "block tokens", content.token_bits),
        ("content.sketches", "sketches", content.sketch_bits),
    ):
        if bits >= ENOUGH_BITS:
            yield judged(
                code,
                low <= ones / bits <= high,
                f"Half of the bits of the {what} are set, as of what is random without the key.",
                f"The {what} are not random: {ones / bits:.0%} of their bits are set, not about half.",
            )
    if content.compared >= ENOUGH_ROWS:
        yield judged(
            "content.keyed-by-block",
            content.equal * 10 < content.compared,
            "A field's sketch differs from block to block.",
            "Sketches are the same in different blocks: they have to be keyed by the block (encoding-v1, section 5).",
        )
    if total and content.without_entries:
        share = content.without_entries / total
        sentence = f"{share:.0%} of the rows have no entry in any pass and can match nothing."
        yield warning("content.no-entries", sentence) if share > 0.02 else passed("content.no-entries", sentence)


def _judge_coverage(content: Content, total: int) -> Iterator[Finding]:
    never = [one.name for one, count in zip(content.model.fields, content.present, strict=True) if count == 0]
    if never:
        yield warning(
            "content.never-filled", f"No row has a value for {', '.join(never)}: is that column in the extract?"
        )
    else:
        yield passed("content.never-filled", "Each field has a value in some rows.")
    empty = [
        " and ".join(one.attributes)
        for one, count in zip(content.model.passes, content.entries, strict=True)
        if not count
    ]
    if empty:
        yield warning("content.empty-pass", f"No row has an entry in the pass over {'; '.join(empty)}.")
    if content.ids_of_digits > total / 2:
        yield warning(
            "content.readable-ids", "Most of registratie_id are digits: they must be random, never a client number."
        )


def _judge_columns(content: Content, total: int, snapshot: date) -> Iterator[Finding]:
    today = week_of(snapshot)
    weeks = content.columns["edd_week"]
    known = total - weeks[MISSING_WEEK]
    if known < 0.8 * total:
        yield warning("content.edd-missing", "More than a fifth of the rows have no expected date of delivery.")
    odd = sum(
        n for week, n in weeks.items() if week != MISSING_WEEK and not -LONGEST_PAST <= week - today <= LONGEST_AHEAD
    )
    if odd > 0.1 * max(1, known):
        yield warning(
            "content.edd-odd", "Many expected dates of delivery are long past or far ahead: are week ordinals right?"
        )
    later = sum(n for week, n in content.columns["inschrijf_week"].items() if week > today)
    if later:
        yield failed("content.registered-later", f"{later} rows were registered after the snapshot.")
    if content.columns["ksv"][""] > total / 2:
        yield warning("content.no-ksv", "Most rows have no KSV: was the table of regions given to the encoder?")
    if len(content.columns["status"]) == 1:
        yield warning("content.one-status", "All rows have the same status: deliver what each registration has now.")


def _sketches(
    model: LinkageModel, linkage_pass: Pass, entries: PassEntries, records: EncodedRecords
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.bool_]]]:
    """Yield each field's sketches in a pass, uint8[entries, bytes], and which of the entries have a value."""
    at = 0
    for one in model.pass_fields(linkage_pass):
        width = one.bits // 8
        bit = np.uint32(model.fields.index(one))
        has_value = ((records.presence[entries.row] >> bit) & 1).astype(bool)
        yield entries.sketch[:, at : at + width], has_value
        at += width


def _add_bits(count: list[int], data: NDArray[np.uint8]) -> None:
    count[0] += int(np.bitwise_count(data).sum())
    count[1] += 8 * data.size
