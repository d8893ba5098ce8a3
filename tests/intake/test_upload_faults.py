"""A disk that loses, changes or refuses bytes: the client can go on, and nothing corrupt comes in."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from tests.intake.desk import NOW, Desk, code, open_desk

from dedup.errors import DedupError
from dedup.intake.expiry import sweep_uploads
from dedup.intake.receipts import Receipt, Rejection
from dedup.model.linkage import LinkageModel
from dedup.store.uploads import Declaration

CALLS = ("open", "write", "fsync", "ftruncate", "link", "replace", "unlink", "close")


def test_bytes_that_are_gone_end_the_upload_instead_of_becoming_a_bundle(desk: Desk) -> None:
    data, declared = desk.bundle()
    desk.create(declared)
    desk.append_all(declared, data)
    for path in desk.store.uploads.iterdir():
        path.write_bytes(data[:7])
    assert code(lambda: desk.complete(declared)) == "upload.lost"
    assert isinstance(desk.upload(data, declared), Receipt)


def test_bytes_that_changed_on_the_disk_are_rejected(desk: Desk) -> None:
    data, declared = desk.bundle()
    desk.create(declared)
    desk.append_all(declared, data)
    for path in desk.store.uploads.iterdir():
        path.write_bytes(data[:-1] + b"?")
    answer = desk.complete(declared)
    assert isinstance(answer, Rejection)
    assert answer.code == "upload.not-as-declared"


def test_a_part_file_that_the_server_cannot_read_is_not_the_vendors_fault(desk: Desk) -> None:
    data, declared = desk.bundle()
    desk.create(declared)
    desk.append_all(declared, data)
    failing_disk = patch.object(Path, "open", side_effect=OSError(errno.EIO, "Input/output error"))
    with failing_disk, pytest.raises(OSError, match="Input/output error"):
        desk.complete(declared)
    assert isinstance(desk.complete(declared), Receipt)


@contextmanager
def failing(nth: int, number: int) -> Iterator[list[str]]:
    """Let the n-th of these calls to the operating system fail with an errno; gives the calls that were made."""
    made: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(*arguments: Any, **named: Any) -> Any:
            made.append(name)
            if len(made) == nth:
                if name == "close":
                    real(*arguments)  # as Linux does: the descriptor is gone whatever close answers
                raise OSError(number, os.strerror(number))
            return real(*arguments, **named)

        return call

    with ExitStack() as patches:
        for name in CALLS:
            patches.enter_context(patch.object(os, name, counted(name)))
        yield made


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_whichever_call_to_the_system_fails_the_client_can_go_on_and_nothing_is_corrupt(
    tmp_path: Path, model: LinkageModel, number: int
) -> None:
    with open_desk(tmp_path, f"sqlite:///{tmp_path}/registry.sqlite", model) as desk:
        try_each_call(desk, number)


def try_each_call(desk: Desk, number: int) -> None:
    sent: dict[str, bytes] = {}
    codes: set[str] = set()
    for nth in itertools.count(1):
        data, declared = desk.bundle(os.urandom(5000), created_at=NOW + timedelta(seconds=nth))
        sent[declared.sha256] = data
        with failing(nth, number) as made:
            try:
                desk.upload(data, declared)
            except OSError:
                codes.add("the system's own")
            except DedupError as fault:
                codes.add(fault.code)
        go_on(desk, data, declared)
        if len(made) < nth:
            break
    assert nth > 15
    assert codes <= {"the system's own", "store.unavailable", "upload.lost"}
    assert desk.bundles() == set(sent)
    assert all(desk.store.bundle_path(sha256).read_bytes() == data for sha256, data in sent.items())
    sweep_uploads(desk.store, now=NOW, upload_seconds=60)
    assert desk.parts() == []
    desk.store.registry.verify_audit()


def go_on(desk: Desk, data: bytes, declared: Declaration) -> None:
    """Finish an upload as a client does that asks with HEAD where it was."""
    desk.create(declared)
    state, offset = desk.state(declared)
    while state == "open" and offset is not None and offset < len(data):
        offset = desk.append(declared, offset, data[offset : offset + 4096])
    assert isinstance(desk.complete(declared), Receipt)
