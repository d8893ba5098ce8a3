"""Hostile tables: CSV as broken exports, spreadsheets and strangers make it, for each table that somebody hands in."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable

from tests.hostile.cases import PLANTED, TAKEN, Case, Spoil, after, before, cut_at, in_encoding, is_instead, put

NOTHING = is_instead(b"")
BYTE_ORDER_MARK_ALONE = is_instead(b"\xef\xbb\xbf")
NUL_BYTES = is_instead(bytes(5_000))
OVERLONG = after(b"\xc0\xaf\xc0\xae\r\n")
HALF_A_PAIR = after(b"\xed\xa0\x80\r\n")
HALF_A_CHARACTER = after(b"\xe2\x82")
MIXED = after("Andr\xe9\r\n".encode("latin-1"))
UTF_16 = in_encoding("utf-16")
UTF_16_UNMARKED = in_encoding("utf-16-le")
UTF_32 = in_encoding("utf-32")
PAGE = is_instead(f"<!doctype html><html><body>{PLANTED}</body></html>")
JSON = is_instead(json.dumps([{"achternaam": PLANTED}]))
DEEP_JSON = is_instead("[" * 50_000)
GZIP_BOMB = is_instead(gzip.compress(bytes(16 << 20)))
LONG_FIELD = after(b"x" * 200_000 + b"\r\n")
MANY_FIELDS = after(b"x" + b";" * 100_000 + b"\r\n")
ENDLESS_QUOTE = after(b'"' + b"x;y\r\n" * 40_000)


def zipped(name: str, size: int = 16 << 20) -> Spoil:
    """Give a ZIP file with one member of so many NUL bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, bytes(size))
    return is_instead(file.getvalue())


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Spoil:
    """Change the lines of a table, the header being the first."""

    def changed(data: bytes) -> bytes:
        return b"\r\n".join(change(data.splitlines())) + b"\r\n"

    return changed


def header(old: str, new: str) -> Spoil:
    def renamed(table: list[bytes]) -> list[bytes]:
        assert old.encode() in table[0]
        return [table[0].replace(old.encode(), new.encode(), 1), *table[1:]]

    return lines(renamed)


def column(name: str, value: str, rows: slice = slice(None)) -> Spoil:
    """Give a column another value in these rows of an extract, which has no quotes."""

    def filled(table: list[bytes]) -> list[bytes]:
        at = table[0].split(b";").index(name.encode())
        split = [line.split(b";") for line in table[1:]]
        for row in split[rows]:
            row[at] = value.encode()
        return [table[0], *(b";".join(row) for row in split)]

    return lines(filled)


# An extract has some 40 rows; one that is only odd in a row or two is taken, and the rows are reported by number.
EXTRACTS = [
    Case("no bytes", "extract.empty", NOTHING),
    Case("a byte order mark alone", "extract.empty", BYTE_ORDER_MARK_ALONE),
    Case("white space alone", "extract.empty", is_instead(b" \r\n" * 2_000)),
    Case("NUL bytes alone", "extract.nul", NUL_BYTES),
    Case("a NUL byte in a name", "extract.nul", put("\r\n", f"\r\n{PLANTED}\0")),
    Case("UTF-16", "extract.encoding", UTF_16),
    Case("UTF-16 without its mark", "extract.encoding", UTF_16_UNMARKED),
    Case("UTF-16 the other way round", "extract.encoding", in_encoding("utf-16-be")),
    Case("UTF-32", "extract.encoding", UTF_32),
    Case("Latin-1 on its last line", "extract.encoding", MIXED),
    Case("Windows-1252 quotes", "extract.encoding", after(b"\x93" + PLANTED.encode() + b"\x94")),
    Case("overlong UTF-8", "extract.encoding", OVERLONG),
    Case("half of a pair of surrogates", "extract.encoding", HALF_A_PAIR),
    Case("half a character at its end", "extract.encoding", HALF_A_CHARACTER),
    Case("an Excel file", "extract.not-csv", zipped("xl/workbook.xml", 100)),
    Case("a ZIP bomb", "extract.not-csv", zipped("../../12345678.csv")),
    Case("an old Excel file", "extract.not-csv", before(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")),
    Case("a PDF", "extract.not-csv", before(b"%PDF-1.7\n")),
    Case("gzipped", "extract.not-csv", gzip.compress),
    Case("a gzip bomb", "extract.not-csv", GZIP_BOMB),
    Case("a web page", "extract.separator", PAGE),
    Case("JSON", "extract.separator", JSON),
    Case("JSON without end", "extract.separator", DEEP_JSON),
    Case("commas", "extract.separator", lambda data: data.replace(b";", b",")),
    Case("tabs", "extract.separator", lambda data: data.replace(b";", b"\t")),
    Case("a line that tells the separator", "extract.no-header", before(b"sep=;\r\n")),
    Case("nothing but a header", "extract.only-header", lines(lambda table: table[:1])),
    Case("no header", "extract.no-header", lambda data: column("achternaam", PLANTED)(data).split(b"\r\n", 1)[1]),
    Case("a header that is quoted as one", "extract.separator", lines(lambda table: [b'"%b"' % table[0], *table[1:]])),
    Case("a column twice", "extract.duplicate-columns", header("roepnaam", "achternaam")),
    Case("a column twice, once in capitals", "extract.duplicate-columns", header("roepnaam", "ACHTERNAAM")),
    Case("a required column missing", "extract.missing-columns", header("geboortedatum", "opmerking")),
    Case("a client's name for a column", "extract.missing-columns", header("geboortedatum", PLANTED)),
    Case("a column's name turned round", "extract.missing-columns", header("geboortedatum", "\u202egeboortedatum")),
    Case("a column's name that steers a terminal", "extract.missing-columns", header("geboorte", "\x1b[8mgeboorte")),
    Case("a column's name with a byte order mark", "extract.missing-columns", header("status;", "\ufeffstatus;")),
    Case("a quote that is not closed", "extract.quotes", after(f'"{PLANTED}'.encode())),
    Case("more text behind a quote", "extract.quotes", after(f'"{PLANTED}"x;y\r\n'.encode())),
    Case("a quote over all that follows", "extract.quotes", ENDLESS_QUOTE),
    Case("a field of 200,000 letters", "extract.quotes", LONG_FIELD),
    Case("rows of one field", "extract.too-many-refused", lines(lambda table: [table[0], *[PLANTED.encode()] * 40])),
    Case("a field less in each row", "extract.too-many-refused",
         lines(lambda table: [table[0], *(line.rpartition(b";")[0] for line in table[1:])])),
    Case("a header of 20,000 more columns", "extract.too-many-refused",
         lines(lambda table: [table[0] + b";" * 20_000, *table[1:]])),
    Case("one id in all rows", "extract.too-many-refused", column("registratie_id", PLANTED)),
    Case("a BSN for an id", "extract.too-many-refused", column("registratie_id", "123456782")),
    Case("a client's name for a status", "extract.too-many-refused", column("status", PLANTED)),
    Case("two providers", "extract.several-providers", column("aanbieder_agb", "41999999", slice(1, 2))),
    Case("a path for a provider", "extract.too-many-refused", column("aanbieder_agb", "../../etc")),
    Case("two packages", "encode.several-systems", column("bronsysteem", "other", slice(1, 2))),
    Case("a path for a package", TAKEN, column("bronsysteem", "../../etc/passwd", slice(1, 2))),
    Case("a row with 100,000 fields", TAKEN, MANY_FIELDS),
    Case("a name of 100,000 letters", TAKEN, column("achternaam", PLANTED * 7_000, slice(1, 2))),
    Case("a name that is a formula", TAKEN, column("achternaam", f"=cmd|' /C {PLANTED}'!A1", slice(1, 2))),
    Case("a name that steers a terminal", TAKEN, column("achternaam", f"\x1b[8m{PLANTED}\x07", slice(1, 2))),
    Case("a name of combining marks", TAKEN, column("achternaam", "Z" + "\u0301" * 20_000, slice(1, 2))),
    Case("a name of one ligature that grows", TAKEN, column("achternaam", "\ufdfa" * 5_000, slice(1, 2))),
    Case("a day of the year 0", TAKEN, column("geboortedatum", "0000-00-00", slice(1, 2))),
    Case("a day of the year 99999", TAKEN, column("a_terme_datum", "99999-12-31", slice(1, 2))),
    Case("a house number of 5,000 digits", TAKEN, column("huisnummer", "9" * 5_000, slice(1, 2))),
    Case("negative hours", TAKEN, column("indicatie_uren", "-1", slice(1, 2))),
    Case("hours without end", TAKEN, column("indicatie_uren", "1e999", slice(1, 2))),
    Case("digits of another script", TAKEN, column("telefoon", "\u0660\u0666" * 5, slice(1, 2))),
    Case("an address of 70,000 letters", TAKEN, column("email", "a" * 35_000 + "@" + "b" * 35_000, slice(1, 2))),
    Case("two byte order marks", "extract.missing-columns", before(b"\xef\xbb\xbf\xef\xbb\xbf")),
    Case("lines that end in CR alone", TAKEN, lambda data: data.replace(b"\r\n", b"\r")),
    Case("blank lines between all lines", TAKEN, lambda data: data.replace(b"\r\n", b"\r\n" * 50)),
]  # fmt: skip

CONTRACTS_SAMPLE = f"ksv;aanbieder_agb;naam;verzekeraar;van;tot\nKSV01;12345678;{PLANTED};Z;2026-01-01;2026-12-31\n"
MALFORMED = "contracts.malformed"
CONTRACTS = [
    Case("no bytes", "contracts.columns", NOTHING),
    Case("a byte order mark alone", "contracts.columns", BYTE_ORDER_MARK_ALONE),
    Case("NUL bytes alone", "contracts.columns", NUL_BYTES),
    Case("UTF-16", "contracts.encoding", UTF_16),
    Case("UTF-16 without its mark", "contracts.columns", UTF_16_UNMARKED),
    Case("Latin-1 on its last line", "contracts.encoding", MIXED),
    Case("overlong UTF-8", "contracts.encoding", OVERLONG),
    Case("half of a pair of surrogates", "contracts.encoding", HALF_A_PAIR),
    Case("half a character at its end", "contracts.encoding", HALF_A_CHARACTER),
    Case("a ZIP bomb", "contracts.encoding", zipped("contracts.csv")),
    Case("a gzip bomb", "contracts.encoding", GZIP_BOMB),
    Case("a web page", "contracts.columns", PAGE),
    Case("JSON without end", "contracts.columns", DEEP_JSON),
    Case("commas", "contracts.columns", lambda data: data.replace(b";", b",")),
    Case("no header", "contracts.columns", lines(lambda table: table[1:])),
    Case("nothing but a header", "contracts.empty", lines(lambda table: table[:1])),
    Case("a column twice", "contracts.columns", header("verzekeraar", "naam")),
    Case("a quote that is not closed", MALFORMED, after(b'"KSV01;x')),
    Case("a quote over all that follows", MALFORMED, ENDLESS_QUOTE),
    Case("a field of 200,000 letters", MALFORMED, LONG_FIELD),
    Case("a line with 100,000 fields", MALFORMED, MANY_FIELDS),
    Case("a line of one field", MALFORMED, after(PLANTED.encode())),
    Case("a client's name for a provider", MALFORMED, put("12345678", PLANTED)),
    Case("a provider in other digits", MALFORMED, put("12345678", "\u0661" * 8)),
    Case("a negative provider", MALFORMED, put("12345678", "-1234567")),
    Case("no region", MALFORMED, put("KSV01", "")),
    Case("a day that is none", MALFORMED, put("2026-12-31", "2026-02-30")),
    Case("a week for a day", MALFORMED, put("2026-12-31", "2026-W53-4")),
    Case("a day of the year 0", MALFORMED, put("2026-01-01", "0000-00-00")),
    Case("a day of the year 99999", MALFORMED, put("2026-12-31", "99999-12-31")),
    Case("a name of 100,000 letters", TAKEN, put(PLANTED, PLANTED * 7_000)),
]

REGIONS = [
    Case("no bytes", "regions.columns", NOTHING),
    Case("UTF-16", "regions.encoding", UTF_16),
    Case("Latin-1 on its last line", "regions.encoding", MIXED),
    Case("a ZIP bomb", "regions.encoding", zipped("regions.csv")),
    Case("a web page", "regions.columns", PAGE),
    Case("nothing but a header", "regions.empty", lambda data: data.splitlines()[0]),
    Case("a field of 200,000 letters", "regions.malformed", LONG_FIELD),
    Case("a line with 100,000 fields", "regions.malformed", MANY_FIELDS),
    Case("a quote over all that follows", "regions.malformed", ENDLESS_QUOTE),
    Case("a client's name for a postcode", "regions.malformed", after(f"{PLANTED};9999;KSV01;x\n".encode())),
    Case("a postcode in other digits", "regions.malformed", after("\u0661\u0662\u0663\u0664;9999;KSV99;x\n".encode())),
    Case("a range the wrong way round", "regions.malformed", after(b"9999;9998;KSV99;x\n")),
    Case("a range over all others", "regions.overlap", after(b"0000;9999;KSV99;x\n")),
    Case("a region of two names", "regions.malformed", after(f"0001;0002;KSV01;{PLANTED}\n".encode())),
]

PROVIDERS = [
    Case("no bytes", "config.providers", NOTHING),
    Case("UTF-16", "config.providers", UTF_16),
    Case("Latin-1 on its last line", "config.providers", MIXED),
    Case("a ZIP bomb", "config.providers", zipped("providers.csv")),
    Case("a web page", "config.providers", PAGE),
    Case("other columns", "config.providers", header("naam", PLANTED)),
    Case("a field of 200,000 letters", "config.providers", LONG_FIELD),
    Case("a quote over all that follows", "config.providers", ENDLESS_QUOTE),
    Case("a line of one field", TAKEN, after(PLANTED.encode())),
    Case("a line with 100,000 fields", TAKEN, MANY_FIELDS),
    Case("a name of 100,000 letters", TAKEN, after(b"41999998;" + PLANTED.encode() * 7_000 + b"\n")),
]

# Answers to findings: a whole file is refused with its code; a line by itself, with a number, and the others are taken.
ANSWERS = [
    Case("no bytes", "feedback.columns", NOTHING),
    Case("a byte order mark alone", "feedback.columns", BYTE_ORDER_MARK_ALONE),
    Case("NUL bytes alone", "feedback.columns", NUL_BYTES),
    Case("UTF-16", "feedback.unreadable", UTF_16),
    Case("UTF-16 without its mark", "feedback.columns", UTF_16_UNMARKED),
    Case("Latin-1 on its last line", "feedback.unreadable", MIXED),
    Case("overlong UTF-8", "feedback.unreadable", OVERLONG),
    Case("half a character at its end", "feedback.unreadable", HALF_A_CHARACTER),
    Case("a gzip bomb", "feedback.unreadable", GZIP_BOMB),
    Case("a web page", "feedback.columns", PAGE),
    Case("JSON without end", "feedback.columns", DEEP_JSON),
    Case("commas", "feedback.columns", lambda data: data.replace(b";", b",")),
    Case("no header", "feedback.columns", lines(lambda table: table[1:])),
    Case("a column missing", "feedback.columns", header("registratie_id", PLANTED)),
    Case("a field of 200,000 letters", "feedback.unreadable", LONG_FIELD),
    Case("a quote over all that follows", "feedback.unreadable", ENDLESS_QUOTE),
    Case("nothing but a header", TAKEN, lines(lambda table: table[:1])),
    Case("cut within its last line", TAKEN, cut_at(-6)),
]
ANSWERED_LINES = [
    Case("a client's name for a code", "feedback.code", put("geen_dubbel", PLANTED)),
    Case("a code in capitals", "feedback.code", put("geen_dubbel", "GEEN_DUBBEL")),
    Case("a code with a NUL", "feedback.code", put("geen_dubbel", "ons\0")),
    Case("a code of 70,000 letters", "feedback.code", put("geen_dubbel", "ons" * 23_000)),
    Case("a formula for a code", "feedback.code", put("geen_dubbel", f"=HYPERLINK({PLANTED})")),
    Case("a rule that is none", "feedback.rule", put("geen_dubbel", f"terecht:{PLANTED}")),
    Case("a rule where none belongs", "feedback.rule", put("geen_dubbel", "ons:L4")),
    Case("no rule where one belongs", "feedback.rule", put("geen_dubbel", "terecht")),
    Case("a finding that is none", "feedback.finding", after(f"{PLANTED};x;41000001;ons\r\n".encode())),
    Case("a path for a finding", "feedback.finding", after(b"../../etc/passwd;x;41000001;ons\r\n")),
    Case("a line with 100,000 fields", "feedback.finding", after(b"x;x;x;ons" + b";" * 100_000)),
]
