"""What can end an upload: a fault on this side or a server that cannot be believed, and the server's own refusals."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from dedup.errors import DedupError

_CODE = re.compile(r"[a-z0-9-]{1,40}\.[a-z0-9.-]{1,60}")
_MAX_SENTENCE = 400
_MAX_FAULTS = 50


class SendError(DedupError):
    """An upload that cannot be done as asked, or a server that cannot be believed: a code `send.what`."""


class NoServerError(SendError):
    """A server that cannot be reached or believed, or takes nothing from this vendor: no other bundle need be tried."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that the server found wrong: its stable code and its sentence."""

    code: str
    detail: str


class ServerRefusedError(DedupError):
    """The server's own refusal, under its code (docs/errors.md); `faults` is all that it found, `status` HTTP's."""

    def __init__(self, faults: tuple[Fault, ...], status: int) -> None:
        super().__init__(faults[0].code, faults[0].detail)
        self.faults = faults
        self.status = status


def refusal(status: int, body: bytes) -> ServerRefusedError:
    """Return the refusal that an answer is: a problem document (RFC 9457), or a token refusal (RFC 6749, section 5.2).

    An answer of neither kind, such as a proxy's page, is a refusal too, with the code `send.answer`.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    found: list[Fault | None] = []
    if isinstance(document, dict):
        errors = document.get("errors")
        found = [_fault(error) for error in errors[:_MAX_FAULTS]] if isinstance(errors, list) else []
        found = found if any(found) else [_fault(document)]
    faults = tuple(fault for fault in found if fault is not None)
    unknown = Fault("send.answer", f"The server answered {status} without saying why.")
    return ServerRefusedError(faults or (unknown,), status)


def printable(text: str) -> str:
    """Return a sentence of the server's on one line, without what could steer a terminal."""
    line = " ".join(text.split())
    return "".join(character for character in line if character.isprintable())[:_MAX_SENTENCE]


def _fault(document: object) -> Fault | None:
    if not isinstance(document, dict):
        return None
    code = document.get("code")
    detail = document.get("detail") or document.get("error_description") or document.get("title")
    if not isinstance(code, str) or not _CODE.fullmatch(code) or not isinstance(detail, str):
        return None
    return Fault(code, printable(detail))
