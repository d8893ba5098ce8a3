"""The public table of postcode ranges and KSVs (`pc4_from;pc4_to;ksv;ksv_naam`): which KSV a PC4 belongs to."""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from dedup.errors import ConfigError

COLUMNS = ("pc4_from", "pc4_to", "ksv", "ksv_naam")


@dataclass(frozen=True, slots=True)
class Regions:
    """Postcode ranges in ascending order, both ends included, without overlap; `names` maps KSV codes to names."""

    first: tuple[int, ...]
    last: tuple[int, ...]
    ksv: tuple[str, ...]
    names: Mapping[str, str]

    def ksv_of(self, pc4: str) -> str:
        """Return the code of the KSV of a PC4 (four digits), or "" where no range holds it."""
        if len(pc4) != 4 or not (pc4.isascii() and pc4.isdigit()):
            return ""
        position = bisect_right(self.first, int(pc4)) - 1
        return self.ksv[position] if position >= 0 and int(pc4) <= self.last[position] else ""


def read_regions(path: Path) -> Regions:
    """Read the table (UTF-8, semicolons, header); raises `ConfigError` with one sentence for the first fault.

    Codes: `regions.missing`, `.encoding`, `.columns`, `.empty`, `.malformed` (with the line), `.overlap`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, delimiter=";"))
    except OSError as error:
        raise ConfigError("regions.missing", f"The region table {path} cannot be read.") from error
    except UnicodeDecodeError as error:
        raise ConfigError("regions.encoding", f"The region table {path} is not UTF-8.") from error
    except csv.Error as error:
        raise ConfigError("regions.malformed", f"The region table {path} cannot be read as CSV.") from error
    if not rows or tuple(name.strip() for name in rows[0]) != COLUMNS:
        raise ConfigError("regions.columns", f"The region table {path} must have the columns {';'.join(COLUMNS)}.")
    ranges: list[tuple[int, int, str, int]] = []
    names: dict[str, str] = {}
    for line, row in enumerate(rows[1:], start=2):
        if not any(row):
            continue
        first, last, ksv, name = _range(path, line, row)
        if names.setdefault(ksv, name) != name:
            raise ConfigError("regions.malformed", f"Line {line} of {path} names its KSV otherwise than a line above.")
        ranges.append((first, last, ksv, line))
    if not ranges:
        raise ConfigError("regions.empty", f"The region table {path} holds no ranges.")
    ranges.sort()
    for before, after in pairwise(ranges):
        if after[0] <= before[1]:
            raise ConfigError("regions.overlap", f"Lines {before[3]} and {after[3]} of {path} overlap.")
    return Regions(
        first=tuple(r[0] for r in ranges),
        last=tuple(r[1] for r in ranges),
        ksv=tuple(r[2] for r in ranges),
        names=names,
    )


def _range(path: Path, line: int, row: list[str]) -> tuple[int, int, str, str]:
    fields = [field.strip() for field in row]
    if len(fields) == len(COLUMNS) and all(fields[:3]):
        first, last, ksv, name = fields
        if all(len(pc4) == 4 and pc4.isascii() and pc4.isdigit() for pc4 in (first, last)) and first <= last:
            return int(first), int(last), ksv, name
    raise ConfigError(
        "regions.malformed",
        f"Line {line} of {path} must hold two PC4s of four digits in order, a KSV code and its name.",
    )
