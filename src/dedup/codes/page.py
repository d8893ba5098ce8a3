"""`docs/errors.md`, written from the tables: `python -m dedup.codes.page > docs/errors.md`."""

from __future__ import annotations

import sys

from dedup.codes import meanings, statuses

# The rooms in the order in which a vendor meets them, then the operator; one that is not named here comes last.
ROOMS = {
    "extract": "Reading an extract",
    "encode": "Encoding",
    "bundle": "The bundle",
    "send": "Sending, as the client finds it",
    "auth": "Proving who is calling",
    "request": "The form of a request",
    "upload": "An upload",
    "intake": "Accepting a bundle",
    "service": "The state of the service",
    "ingest": "Opening a bundle",
    "key": "Keys",
    "feedback": "Answers of providers",
    "contracts": "Lists of contracts",
    "reports": "Reports",
    "notify": "Notices to the operator",
    "store": "The store and the audit log",
    "config": "Settings",
    "regions": "The region table",
    "findings": "The rules",
    "model": "A linkage model",
    "link": "Linking",
    "fit": "Fitting a model",
    "demo": "The demo",
    "system": "The operating system",
    "doctor": "What `dedup doctor` checks",
}
_HEAD = """# Errors: every stable code, what it means and what to do

Each refusal has a code that stays the same whatever its sentence says. The command line prints it behind the
sentence, or with `--json` as `{"error": CODE, "message": ...}`; the web server answers a problem document (RFC 9457)
of type `urn:dedup:problem:CODE`, with the title in the language of `Accept-Language`; a file beside a refused bundle
in the inbox names it too. The status is that of the web server's answer. Wrong usage of a command is `usage`, a fault
of the program `bug`. What can be wrong with single rows of an extract is listed in [extract](extract.md); the tools
for evaluation (`dedup link`, `bench`, `attack` and the like) explain themselves, in English.

*Elke weigering heeft een vaste code. Hieronder staat per code wat er aan de hand is en wat u kunt doen, in het Engels
en in het Nederlands.*

This page is written by `python -m dedup.codes.page`; a test compares it with the tables in `src/dedup/codes/`.
"""


def error_page() -> str:
    """Return the page as Markdown."""
    english, dutch, status = meanings("en"), meanings("nl"), statuses()
    rooms = sorted({code.partition(".")[0] for code in english}, key=lambda room: (_place(room), room))
    parts = [_HEAD]
    for room in rooms:
        parts.append(
            f"\n## {ROOMS.get(room, room)}: `{room}.*`\n\n| code | status | English | Nederlands |\n|---|---|---|---|\n"
        )
        for code in sorted(code for code in english if code.partition(".")[0] == room):
            told = (f"**{meaning.title}.** {meaning.remedy}" for meaning in (english[code], dutch[code]))
            parts.append(f"| `{code}` | {status.get(code, '')} | {' | '.join(told)} |\n")
    return "".join(parts)


def _place(room: str) -> int:
    return list(ROOMS).index(room) if room in ROOMS else len(ROOMS)


if __name__ == "__main__":
    sys.stdout.write(error_page())
