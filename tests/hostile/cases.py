"""What a case of the corpus is: what is hostile about it, the code that it has to be refused with, and how it is made.

A case starts from something that is right, so that all of it is fine but the one thing that its name says.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# A client's name, which stands in what is hostile wherever it can: no output, answer or log may ever hold it.
PLANTED = "Zwaluwenburgh"
TAKEN = ""  # the code of what is odd but harmless, and has to be taken

Spoil = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Case:
    """`spoil` makes the hostile bytes from right ones; `code` is what they are refused with."""

    name: str
    code: str
    spoil: Spoil


@dataclass(frozen=True)
class Place:
    """Something else than a file where a file should be; `make` puts it at a path."""

    name: str
    make: Callable[[Path], object]


def is_instead(content: bytes | str) -> Spoil:
    """Give this and nothing of what was right."""
    written = content.encode() if isinstance(content, str) else content
    return lambda _: written


def cut_at(length: int) -> Spoil:
    return lambda data: data[:length]


def before(start: bytes) -> Spoil:
    return lambda data: start + data


def after(end: bytes) -> Spoil:
    return lambda data: data + end


def put(old: str | bytes, new: str | bytes, times: int = 1) -> Spoil:
    """Write something else in one place, which has to be there."""
    was, now = (one.encode() if isinstance(one, str) else one for one in (old, new))

    def spoil(data: bytes) -> bytes:
        assert was in data, "what was to be spoiled is not there"
        return data.replace(was, now, times)

    return spoil


def in_encoding(name: str) -> Spoil:
    return lambda data: data.decode().encode(name)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = Path.cwd()
        os.chdir(path.parent)  # the address of a socket is short, and a test's folder is not
        made.bind(path.name)
        os.chdir(here)


PLACES = [
    Place("a folder", Path.mkdir),
    Place("a pipe that nobody writes to", os.mkfifo),
    Place("a socket", _socket),
    Place("a link to nowhere", lambda path: path.symlink_to("nowhere")),
    Place("a link to itself", lambda path: path.symlink_to(path.name)),
    Place("a link to a device without end", lambda path: path.symlink_to("/dev/zero")),
]
