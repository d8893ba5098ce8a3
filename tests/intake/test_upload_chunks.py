"""Chunks: each is taken whole at the place where the upload is, or leaves nothing."""

from __future__ import annotations

import hashlib
from functools import partial

import pytest
from tests.intake.desk import NOW, Desk, code

from dedup.intake.appending import Chunk, begin_append
from dedup.intake.expiry import sweep_uploads
from dedup.intake.receipts import Receipt
from dedup.intake.upload_terms import UploadError
from dedup.intake.uploads import abort_upload


def test_a_chunk_with_another_digest_leaves_nothing(desk: Desk) -> None:
    data, declared = desk.bundle(bytes(5000))
    desk.create(declared)
    desk.append(declared, 0, data[:100])
    assert code(lambda: desk.append(declared, 100, data[100:200], sha256=bytes(32))) == "upload.digest"
    assert (desk.state(declared), desk.parts()) == (("open", 100), [100])


def test_a_chunk_goes_where_the_server_is_and_nowhere_else(desk: Desk) -> None:
    data, declared = desk.bundle(bytes(5000))
    desk.create(declared)
    desk.append(declared, 0, data[:100])
    for offset in (0, 99, 101):
        with pytest.raises(UploadError) as refused:
            desk.append(declared, offset, b"x")
        assert (refused.value.code, refused.value.offset) == ("upload.offset", 100)
    assert code(lambda: desk.append(declared, 100, bytes(4097))) == "upload.chunk-too-large"
    assert code(lambda: desk.append(declared, 100, b"")) == "upload.length"
    desk.append(declared, 100, data[100:4000])
    assert code(lambda: desk.append(declared, 4000, data[4000:] + b"x")) == "upload.length"


def test_a_chunk_of_another_length_than_was_said_leaves_nothing(desk: Desk) -> None:
    data, declared = desk.bundle(bytes(5000))
    desk.create(declared)
    for sent in (data[:99], data[:101]):
        chunk = Chunk(0, 100, hashlib.sha256(sent).digest())
        assert code(partial(desk.send, declared, chunk, sent)) == "upload.length"
        assert (desk.state(declared), desk.parts()) == (("open", 0), [0])


def test_two_calls_cannot_append_at_once(desk: Desk) -> None:
    data, declared = desk.bundle(bytes(5000))
    desk.create(declared)
    chunk = Chunk(0, 100, hashlib.sha256(data[:100]).digest())
    first = begin_append(declared.submission_id, chunk, desk.sender)
    assert code(lambda: begin_append(declared.submission_id, chunk, desk.sender)) == "upload.busy"
    first.write(data[:100])
    assert first.finish(NOW) == 100
    first.close()


def test_an_upload_that_is_aborted_while_a_chunk_comes_in_keeps_nothing_of_it(each_desk: Desk) -> None:
    desk = each_desk
    data, declared = desk.bundle(bytes(5000))
    desk.create(declared)
    appending = begin_append(declared.submission_id, Chunk(0, 100, hashlib.sha256(data[:100]).digest()), desk.sender)
    appending.write(data[:100])
    abort_upload(declared.submission_id, desk.sender)
    assert desk.create(declared) == "open"
    assert code(lambda: appending.finish(NOW)) == "upload.busy"
    appending.close()
    assert desk.state(declared) == ("open", 0)
    assert sweep_uploads(desk.store, now=NOW, upload_seconds=60).parts == 1
    desk.append_all(declared, data)
    assert isinstance(desk.complete(declared), Receipt)
