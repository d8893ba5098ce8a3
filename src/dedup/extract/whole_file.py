"""Looks at a whole file for faults that no row can be blamed for: empty, Excel, another encoding, NUL, size."""

from __future__ import annotations

import codecs
from pathlib import Path

from dedup.errors import ExtractError

BLOCK_BYTES = 1 << 20
_MAGIC = (
    (b"PK\x03\x04", "an Excel or other zipped file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzipped file"),
)
_UTF_16_AND_32 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_QUOTE = b'"'
# Python's csv module refuses a field of more than 131,072 characters: most often a quote was never closed. A line
# that long has at least half of it in one block.
_LONG_LINE_BYTES = 131_072 // 2 - 1


def inspect_bytes(path: Path, max_bytes: int) -> bool:
    """Look at a file in blocks and return whether it is plain: no quote anywhere, and no line that may be too long.

    Raises `ExtractError`: `extract.not-found`, `.empty`, `.too-large`, `.not-csv`, `.encoding` or `.nul`.
    """
    if not path.is_file():
        raise ExtractError("extract.not-found", f"There is no file {path}.")
    size = path.stat().st_size
    if size == 0:
        raise ExtractError("extract.empty", f"{path.name} is empty.")
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = 1
    seen = 0
    plain = True
    with path.open("rb") as file:
        for block in iter(lambda: file.read(BLOCK_BYTES), b""):
            if seen == 0:
                _check_first_bytes(path, block)
                if size > max_bytes:
                    raise _too_large(path, max_bytes)
            seen += len(block)
            if seen > max_bytes:
                raise _too_large(path, max_bytes)
            if b"\0" in block:
                line = lines + block[: block.index(b"\0")].count(b"\n")
                raise ExtractError("extract.nul", f"{path.name} holds a NUL byte on line {line}; it is damaged.")
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                # `object` is the block with what the decoder kept of the one before it: at most three bytes, no line.
                line = lines + bytes(error.object)[: error.start].count(b"\n")
                raise ExtractError(
                    "extract.encoding",
                    f"{path.name} is not UTF-8 (first seen on line {line}); it looks like Windows-1252 or Latin-1. "
                    "Export it as UTF-8.",
                ) from error
            lines += block.count(b"\n")
            plain = plain and _QUOTE not in block and not _has_long_line(block)
    if decoder.getstate()[0]:
        raise ExtractError("extract.encoding", f"{path.name} is not UTF-8: it breaks off inside a character.")
    return plain


def _has_long_line(block: bytes) -> bool:
    start = 0
    while len(block) - start > _LONG_LINE_BYTES:
        start = block.rfind(b"\n", start, start + _LONG_LINE_BYTES) + 1
        if not start:
            return True
    return False


def _too_large(path: Path, max_bytes: int) -> ExtractError:
    return ExtractError(
        "extract.too-large",
        f"{path.name} is larger than {max_bytes / 2**20:.0f} MiB; send one provider's open registrations, or raise "
        "max_bytes under [extract].",
    )


def _check_first_bytes(path: Path, block: bytes) -> None:
    for magic, what in _MAGIC:
        if block.startswith(magic):
            raise ExtractError("extract.not-csv", f"{path.name} is {what}; save it as CSV, UTF-8, with semicolons.")
    even, odd = block[0:400:2].count(0), block[1:400:2].count(0)
    if block.startswith(_UTF_16_AND_32) or (even + odd > 20 and min(even, odd) == 0):
        raise ExtractError("extract.encoding", f"{path.name} is UTF-16; export it as UTF-8.")
    if not block.removeprefix(codecs.BOM_UTF8).strip():
        raise ExtractError("extract.empty", f"{path.name} is empty.")
