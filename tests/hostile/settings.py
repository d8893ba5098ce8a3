"""Hostile TOML: settings, rules, KSVs' choices and a linkage model, as a slip or a stranger leaves them."""

from __future__ import annotations

from tests.hostile.cases import PLANTED, TAKEN, Case, after, before, in_encoding, is_instead, put

DEEP = "x = " + "[" * 20_000
DEEP_TABLES = "[" + ".".join("a" * 20_000) + "]\n"
NINES = "9" * 5_000
LONG_NAME = "naam" * 10_000


def written_badly(code: str) -> list[Case]:
    """What is not TOML, or not in full: the same for every file."""
    return [
        Case("NUL bytes alone", code, is_instead(bytes(5_000))),
        Case("UTF-16", code, in_encoding("utf-16")),
        Case("Latin-1 in a comment", code, after("# Andr\xe9\n".encode("latin-1"))),
        Case("JSON", code, is_instead('{"a": 1}')),
        Case("a web page", code, is_instead(f"<html>{PLANTED}</html>")),
        Case("nesting without end", code, after(f"\n{DEEP}".encode())),
        Case("tables in tables without end", code, after(f"\n{DEEP_TABLES}".encode())),
        Case("a number of 5,000 digits", code, after(f"\n[x]\nx = {NINES}\n".encode())),
        Case("a number of 64 bits and one", code, after(f"\n[x]\nx = {2**63}\n".encode())),
        Case("a hexadecimal number without end", code, after(f"\n[x]\nx = 0x{'f' * 9_000}\n".encode())),
        Case("a key twice", code, before(b"[x]\nx = 1\nx = 2\n")),
        Case("a name without end twice", code, after(f"\n[{LONG_NAME}]\n[{LONG_NAME}]\n".encode())),
        Case("a day that is none", code, after(b"\n[x]\nx = 2026-02-30\n")),
        Case("a quote that is not closed", code, after(f'\n[x]\nx = "{PLANTED}'.encode())),
        Case("half a pair of surrogates", code, after(b'\n[x]\nx = "\\ud800"\n')),
    ]


SETTINGS = [
    *written_badly("config.malformed"),
    Case("a setting outside its section", "config.malformed", before(f'x = "{PLANTED}"\n'.encode())),
    Case("a byte order mark in front", TAKEN, before(b"\xef\xbb\xbf")),
    Case("a NUL in a folder's name", "config.setting", put('home = "server"', 'home = "ser\\u0000ver"')),
    Case("a list for a folder", "config.setting", put('home = "server"', "home = []")),
    Case("a NUL in a table's name", "config.setting", put('"providers.csv"', '"\\u0000"')),
    Case("a number for a table", "config.setting", put('"providers.csv"', "5")),
]
# What `dedup encode` reads of the same file.
ENCODERS_SETTINGS = [
    Case("a list for a share", "config.setting", put("max_refused_share = 0.2", "max_refused_share = []")),
    Case("no number for a share", "config.setting", put("max_refused_share = 0.2", "max_refused_share = nan")),
    Case("text for a size", "config.setting", put("max_bytes = 536870912", f'max_bytes = "{PLANTED}"')),
    Case("a negative size", "config.setting", put("max_bytes = 536870912", "max_bytes = -1")),
    Case("a size without end", "config.setting", put("max_bytes = 536870912", "max_bytes = inf")),
    Case("a list for a model", "config.setting", put('"linkage/kraamzorg.toml"', "[]")),
    Case("a NUL in a model's name", "config.setting", put('"linkage/kraamzorg.toml"', '"\\u0000"')),
]
# What a night reads of the same file.
NIGHTS_SETTINGS = [
    Case("an address that is none", "store.unsupported", put("[store]", f'[store]\nurl = "{PLANTED}"')),
    Case("a list for an address", "config.setting", put("[store]", "[store]\nurl = []")),
    Case("ten thousand centuries", "config.setting", put("keep_rejected_days = 14", "keep_rejected_days = 365250000")),
    Case("days as text", "config.setting", put("keep_rejected_days = 14", 'keep_rejected_days = "14"')),
]

TERM, ORDER, DATED = "findings.rules-term", "findings.rules-order", "findings.rules-dated"
RULES = [
    *written_badly("findings.rules-unreadable"),
    Case("no bytes", TERM, is_instead(b"")),
    Case("a section that nobody knows", TERM, after(f"\n[{LONG_NAME}]\nx = 1\n".encode())),
    Case("a term that nobody knows", TERM, put("hold_days = 14", f"hold_days = 14\n{LONG_NAME} = 1")),
    Case("a list for a probability", TERM, put("certain_probability = 0.99", "certain_probability = []")),
    Case("no number for a probability", TERM, put("certain_probability = 0.99", "certain_probability = nan")),
    Case("a probability without end", TERM, put("certain_probability = 0.99", "certain_probability = inf")),
    Case("a negative term", TERM, put("hold_days = 14", "hold_days = -14")),
    Case("a term of 64 bits", TERM, put("hold_days = 14", f"hold_days = {2**63 - 1}")),
    Case("a term with a fraction", TERM, put("hold_days = 14", "hold_days = 14.5")),
    Case("a band that is a list", TERM, put("high = 0.9", "high = [0.9]")),
    Case("a band that is no number", TERM, put("high = 0.9", "high = nan")),
    Case("a band of a client's name", TERM, put("high = 0.9", f'high = "{PLANTED}"')),
    Case("bands that start above all", ORDER, put("moderate = 0.0", "moderate = 0.5")),
    Case("bands that are a list", TERM, lambda data: b"bands = []\n" + without_section(data, b"[bands]")),
    Case("terms the wrong way round", ORDER, put("certain_probability = 0.99", "certain_probability = 0.5")),
    Case("codes that are a number", DATED, lambda data: b"codes = 5\n" + without_section(data, b"[codes.")),
    Case("dated terms that are a number", DATED, before(b"ksv_terms = 5\n")),
    Case("dated terms of numbers", DATED, before(b"ksv_terms = [5]\n")),
    Case("a dated term of 64 bits", DATED,
         after(f'\n[[ksv_terms]]\nksv = "KSV01"\nfrom = 2026-01-01\nhold_days = {2**62}\n'.encode())),
    Case("a code that is a list", DATED, after(b'\n[[ksv_code]]\nksv = "KSV01"\nfrom = 2026-01-01\ncode = []\n')),
    Case("a merger of numbers", TERM, before(b"merger = [5]\n")),
    Case("a merger that is a number", TERM, before(b"merger = 5\n")),
]  # fmt: skip
CALIBRATION = [
    *written_badly("findings.rules-unreadable"),
    Case("thresholds that are a number", "findings.rules-unreadable", is_instead(b"applied = 5\n")),
    Case("thresholds of numbers", "findings.rules-unreadable", is_instead(b"applied = [5]\n")),
    Case("a threshold that nobody knows", TERM, is_instead(f"[[applied]]\n{LONG_NAME} = 1\n")),
    Case("a threshold that is no number", TERM, is_instead(b"[[applied]]\nlikely_probability = nan\n")),
    Case("thresholds the wrong way round", ORDER, is_instead(b"[[applied]]\nlikely_probability = 1.0\n")),
    Case("no bytes", TAKEN, is_instead(b"")),
]


def without_section(data: bytes, start: bytes) -> bytes:
    """Leave out every section whose heading starts so."""
    kept, inside = [], False
    for line in data.splitlines():
        inside = line.startswith(start) if line.startswith(b"[") else inside
        if not inside:
            kept.append(line)
    return b"\n".join(kept) + b"\n"


KSV = [
    *written_badly("config.ksv"),
    Case("a section that is a number", "config.ksv", before(b"KSV01 = 5\n")),
    Case(
        "the usual section a number", "config.ksv", lambda data: b"every_ksv = 5\n" + without_section(data, b"[every")
    ),
    Case("a key that nobody knows", "config.ksv", after(f"\n[KSV01]\n{LONG_NAME} = 1\n".encode())),
    Case("a choice that is a list", "config.ksv", after(b"\n[KSV01]\ncounterparty = []\n")),
    Case("a choice that is none", "config.ksv", after(f'\n[KSV01]\ncounterparty = "{PLANTED}"\n'.encode())),
    Case("providers that are numbers", "config.ksv", after(b"\n[KSV01]\nagreed_providers = [12345678]\n")),
    Case("words that are a list", "config.ksv", after(b"\n[KSV01]\nconversation = []\n")),
    Case("words in a language that is none", "config.ksv", after(b'\n[KSV01.conversation.xx]\ndouble = "x"\n')),
    Case("words that are numbers", "config.ksv", after(b"\n[KSV01.conversation.nl]\ndouble = 5\n")),
]

FAULTS = "model.faults"
MODELS = [
    *written_badly("model.malformed"),
    Case("no bytes", FAULTS, is_instead(b"")),
    Case("a section that nobody knows", "model.unknown-key", after(f"\n[{LONG_NAME}]\nx = 1\n".encode())),
    Case(
        "20,000 keys that nobody knows",
        FAULTS,
        put("[model]", "[model]\n" + "\n".join(f"k{n} = 1" for n in range(20_000))),
    ),
    Case("an attribute without end", FAULTS, put("[attributes]", f'[attributes]\n{LONG_NAME} = {{rule = "text"}}')),
    Case("a rule without end", "model.wrong-type", put('rule = "phone"', f'rule = "{LONG_NAME}"')),
    Case("a name that is a list", "model.wrong-type", put('name = "kraamzorg"', "name = []")),
    Case("a version without end", "model.wrong-type", put("version = 1", "version = inf")),
    Case("bits without end", "model.wrong-type", put("bits = ", "bits = inf # ")),
    Case(
        "fields that are a number",
        "model.wrong-type",
        lambda data: b"fields = 5\n" + without_section(data, b"[[fields]]"),
    ),
    Case("a field of 64 bits", "model.bad-number", put("number = 1", f"number = {2**63 - 1}")),
    Case("thresholds that are no numbers", "model.wrong-type", put("thresholds = [", "thresholds = [nan, ")),
]
