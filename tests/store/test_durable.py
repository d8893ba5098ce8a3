"""Files that are there whole or not at all."""

import stat
from pathlib import Path

import pytest

from dedup.store.durable import publish, remove_temporary_files, temporary_file, write_durably


def test_a_file_gets_its_name_when_it_is_complete(tmp_path: Path) -> None:
    with temporary_file(tmp_path) as (temporary, file):
        file.write(b"content")
        assert not (tmp_path / "name").exists()
    publish(temporary, tmp_path / "name")
    assert [path.name for path in tmp_path.iterdir()] == ["name"]
    assert (tmp_path / "name").read_bytes() == b"content"


def test_nothing_is_left_of_a_file_that_failed(tmp_path: Path) -> None:
    def fail() -> None:
        with temporary_file(tmp_path) as (_, file):
            file.write(b"content")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_private_and_replaces_the_one_before(tmp_path: Path) -> None:
    for content in (b"first", b"second"):
        write_durably(tmp_path / "name", content)
    assert (tmp_path / "name").read_bytes() == b"second"
    assert stat.S_IMODE((tmp_path / "name").stat().st_mode) == 0o600


def test_leftovers_are_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".0f.unfinished").write_bytes(b"half")
    (tmp_path / "whole").write_bytes(b"whole")
    assert remove_temporary_files(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]
