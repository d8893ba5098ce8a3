"""One hierarchy of errors: a sentence for people, a stable code for machines, never an identifier's value.

A `DedupError` is a fault that its reader can mend: the command line prints its sentence and exits with 1. Anything
else that is raised is a bug, and exits with 70.
"""

from __future__ import annotations

import traceback
from pathlib import Path

REFUSED_BY_SYSTEM = "system.refused"
BUG = "bug"


class DedupError(Exception):
    """A fault in what the system was given; `code` is stable, `message` is one sentence without any value.

    Rooms raise their own subclass. The code's first part names the room: `bundle.truncated`, `model.pass-too-coarse`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ConfigError(DedupError):
    """A setting, a rule or a region table that cannot be used as it stands."""


class ModelError(DedupError):
    """A linkage model that cannot be used as it stands."""


class ExtractError(DedupError):
    """An extract that cannot be read at all; faults of single rows are findings of the check, not errors."""


class KeyFileError(DedupError):
    """A key file that is missing, malformed, of the wrong kind, or readable by others."""


class BundleError(DedupError):
    """A bundle that is truncated, altered, replayed, unsealed, or made with another key, epoch or model."""


class FeedbackError(DedupError):
    """A file of answers that cannot be read at all; single answers that are refused are part of the outcome."""


class StoreError(DedupError):
    """A store that cannot be opened, is locked by another run, or fails its own checks."""


def error_code(error: BaseException) -> str:
    """Return the stable code of whatever ended some work: a fault's own, the operating system's, or that of a bug."""
    if isinstance(error, DedupError):
        return error.code
    return REFUSED_BY_SYSTEM if isinstance(error, OSError) else BUG


def shortened(text: str, most: int = 60) -> str:
    """Return a name from a file as a sentence can repeat it: not endless, and without what would steer a terminal."""
    line = "".join(character for character in text if character.isprintable())
    return line if len(line) <= most else f"{line[:most]}..."


def kind_and_place(error: BaseException) -> str:
    """Return what an unexpected error is and where it was raised, without its text, which can quote a value."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
