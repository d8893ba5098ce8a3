"""Encrypted objects: what is stored comes back, and nothing else is ever given out."""

import hashlib
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.errors import StoreError
from dedup.store.objects import CHUNK_BYTES, ObjectDigest, ObjectStore
from dedup.store.wrapping import LocalKey

KEY = LocalKey("kek-1", bytes(range(32)))
OTHER_KEY = LocalKey("kek-2", bytes(32))


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects", KEY)


def path_of(store: ObjectStore, name: ObjectDigest) -> Path:
    return store._folder / f"{name}.object"


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 17])
def test_what_is_stored_comes_back(store: ObjectStore, size: int) -> None:
    data = hashlib.shake_128(b"seed").digest(size)
    assert data == store.get(store.put(data))


@settings(max_examples=30, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_come_back(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    store = ObjectStore(tmp_path_factory.mktemp("objects"), KEY)
    assert data == store.get(store.put(data))


def test_equal_content_has_unrelated_names(store: ObjectStore) -> None:
    assert store.put(b"content") != store.put(b"content")


def test_a_name_is_the_digest_of_the_file_so_a_backup_is_checked_without_a_key(store: ObjectStore) -> None:
    name = store.put(b"content")
    assert name == hashlib.sha256(path_of(store, name).read_bytes()).hexdigest()


def test_neither_content_nor_key_is_readable_in_the_file(store: ObjectStore) -> None:
    stored = path_of(store, store.put(b"a very readable sentence")).read_bytes()
    assert b"readable" not in stored
    assert bytes(range(32)) not in stored


def test_files_and_folder_are_private(store: ObjectStore) -> None:
    path = path_of(store, store.put(b"content"))
    assert [stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)] == [0o600, 0o700]


def test_the_documented_layout_can_be_read_without_this_code(store: ObjectStore) -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.keywrap import aes_key_unwrap

    stored = path_of(store, store.put(b"content")).read_bytes()
    assert stored.startswith(b"DDOBJ1\0\0\x05kek-1")
    header, chunk = stored[:54], stored[54:]
    data_key = aes_key_unwrap(bytes(range(32)), header[14:])
    assert AESGCM(data_key).decrypt(bytes(11) + b"\x01", chunk, header) == b"content"


def refusal(store: ObjectStore, name: ObjectDigest) -> str:
    with pytest.raises(StoreError) as refused:
        store.get(name)
    return refused.value.code


@pytest.mark.parametrize("place", [0, 9, 20, 60, -1])
def test_an_altered_object_is_refused(store: ObjectStore, place: int) -> None:
    name = store.put(b"content" * 100)
    altered = bytearray(path_of(store, name).read_bytes())
    altered[place] ^= 1
    path_of(store, name).write_bytes(altered)
    assert refusal(store, name) == "store.object-altered"


def renamed_to_its_digest(store: ObjectStore, data: bytes) -> ObjectDigest:
    """An attacker can write any file and name it rightly; only the cipher stands in the way then."""
    name = ObjectDigest(hashlib.sha256(data).hexdigest())
    path_of(store, name).write_bytes(data)
    return name


@pytest.mark.parametrize("kept_chunks", [0, 1, 2])
def test_a_cut_off_object_is_refused_even_under_its_right_digest(store: ObjectStore, kept_chunks: int) -> None:
    stored = path_of(store, store.put(bytes(3 * CHUNK_BYTES))).read_bytes()
    cut = stored[: 54 + kept_chunks * (CHUNK_BYTES + 16)]
    assert refusal(store, renamed_to_its_digest(store, cut)) == "store.object-altered"


@pytest.mark.parametrize("kept_bytes", [53, 54, 60, 54 + 2 * (CHUNK_BYTES + 16) + 5])
def test_an_object_that_ends_anywhere_else_is_refused_too(store: ObjectStore, kept_bytes: int) -> None:
    stored = path_of(store, store.put(bytes(3 * CHUNK_BYTES))).read_bytes()
    assert refusal(store, renamed_to_its_digest(store, stored[:kept_bytes])) == "store.object-altered"


def test_chunks_cannot_change_places(store: ObjectStore) -> None:
    stored = path_of(store, store.put(bytes(3 * CHUNK_BYTES))).read_bytes()
    step = CHUNK_BYTES + 16
    header, first, second, rest = (
        stored[:54],
        stored[54 : 54 + step],
        stored[54 + step : 54 + 2 * step],
        stored[54 + 2 * step :],
    )
    assert refusal(store, renamed_to_its_digest(store, header + second + first + rest)) == "store.object-altered"


@pytest.mark.parametrize("data", [b"", b"DDOBJ1\0\0", b"DDOBJ1\0\0\xff", b"another file"])
def test_a_file_that_is_no_object_is_refused(store: ObjectStore, data: bytes) -> None:
    assert refusal(store, renamed_to_its_digest(store, data)) == "store.object-altered"


def test_another_key_is_refused(store: ObjectStore, tmp_path: Path) -> None:
    name = store.put(b"content")
    assert refusal(ObjectStore(tmp_path / "objects", OTHER_KEY), name) == "store.wrong-key"


def test_a_missing_object_is_refused(store: ObjectStore) -> None:
    assert refusal(store, ObjectDigest("0" * 64)) == "store.object-missing"


def test_removing_is_final_and_can_be_done_twice(store: ObjectStore) -> None:
    name = store.put(b"content")
    store.remove(name)
    store.remove(name)
    assert refusal(store, name) == "store.object-missing"


def test_recovery_removes_orphans_and_leftovers_and_keeps_the_rest(store: ObjectStore) -> None:
    kept, orphan = store.put(b"kept"), store.put(b"orphan")
    leftover = store._folder / ".0123.unfinished"
    leftover.write_bytes(b"half")
    assert store.recover({kept}) == 2
    assert store.names() == {kept}
    assert not leftover.exists()
    assert store.get(kept) == b"kept"
    assert orphan not in store.names()


def test_recovery_says_when_an_object_is_lost_and_removes_nothing(store: ObjectStore) -> None:
    orphan = store.put(b"orphan")
    with pytest.raises(StoreError) as lost:
        store.recover({ObjectDigest("0" * 64)})
    assert lost.value.code == "store.object-missing"
    assert store.names() == {orphan}
