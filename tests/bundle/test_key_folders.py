"""The server's key folder: made once, rotated without losing a key, with the vendors and epochs it accepts."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dedup.bundle.keyfiles import read_key, write_key
from dedup.bundle.keys import LinkageKey, SealingPublicKey, SigningKey, VerifyingKey
from dedup.bundle.serverkeys import load_server_keys, make_server_keys, rotate_sealing_key, set_epochs
from dedup.bundle.vendorkeys import make_vendor_keys
from dedup.bundle.vendors import load_trusted_vendors, register_vendor
from dedup.errors import KeyFileError

NOW = datetime(2026, 11, 22, 1, 15, tzinfo=UTC)


def code_of(action: Callable[[], Any]) -> str:
    with pytest.raises(KeyFileError) as caught:
        action()
    return caught.value.code


def test_a_new_servers_keys_load(tmp_path: Path) -> None:
    files = make_server_keys(tmp_path, created=NOW)
    keys = load_server_keys(tmp_path)
    assert sorted(files) == sorted(tmp_path.iterdir())
    assert list(keys.sealing) == [read_key(tmp_path / "sealing.pub", SealingPublicKey).key_id]
    assert keys.vendors == {}
    assert keys.epochs is None
    ids = {keys.ingest.key_id, keys.link_view.key_id, keys.attributes.key_id, keys.receipts.key_id, *keys.sealing}
    assert len(ids) == 5


def test_keys_are_not_made_twice(tmp_path: Path) -> None:
    make_server_keys(tmp_path, created=NOW)
    assert code_of(lambda: make_server_keys(tmp_path, created=NOW)) == "key.exists"
    make_vendor_keys(tmp_path / "v", created=NOW)
    assert code_of(lambda: make_vendor_keys(tmp_path / "v", created=NOW)) == "key.exists"


def test_a_server_that_holds_a_linkage_key_does_not_start(tmp_path: Path) -> None:
    make_server_keys(tmp_path, created=NOW)
    write_key(tmp_path / "epoch.key", LinkageKey.generate(), created=NOW)
    assert code_of(lambda: load_server_keys(tmp_path)) == "key.linkage-key-on-server"


def test_rotation_publishes_a_new_key_and_keeps_the_old_ones_opening(tmp_path: Path) -> None:
    make_server_keys(tmp_path, created=NOW)
    first = read_key(tmp_path / "sealing.pub", SealingPublicKey).key_id
    second = rotate_sealing_key(tmp_path, created=NOW)
    third = rotate_sealing_key(tmp_path, created=NOW)
    assert second.still_opening == (first,)
    assert set(third.still_opening) == {first, second.current.key_id}
    assert read_key(tmp_path / "sealing.pub", SealingPublicKey).key_id == third.current.key_id
    assert set(load_server_keys(tmp_path).sealing) == {first, second.current.key_id, third.current.key_id}


def test_a_rotation_that_was_cut_off_loses_no_key(tmp_path: Path) -> None:
    """After the new private key is in place and before the new public one is: the published key still opens."""
    make_server_keys(tmp_path, created=NOW)
    published = (tmp_path / "sealing.pub").read_bytes()
    first = read_key(tmp_path / "sealing.pub", SealingPublicKey).key_id
    rotate_sealing_key(tmp_path, created=NOW)
    (tmp_path / "sealing.pub").unlink()
    (tmp_path / "sealing.pub").write_bytes(published)
    assert first in load_server_keys(tmp_path).sealing
    rotate_sealing_key(tmp_path, created=NOW)
    assert first in load_server_keys(tmp_path).sealing


def test_a_vendor_keeps_two_keys_while_it_changes_them(tmp_path: Path) -> None:
    old, new = SigningKey.generate().public(), SigningKey.generate().public()

    def trust(key: VerifyingKey, providers: set[str], **options: Any) -> None:
        register_vendor(tmp_path, vendor="acme", key=key, providers=providers, created=NOW, **options)

    trust(old, {"41000001"})
    trust(new, {"41000001", "41000002"})
    vendors = load_trusted_vendors(tmp_path)
    assert set(vendors) == {old.key_id, new.key_id}
    assert {one.providers for one in vendors.values()} == {frozenset({"41000001", "41000002"})}
    trust(new, {"41000002"}, replace_keys=True)
    assert set(load_trusted_vendors(tmp_path)) == {new.key_id}


def test_one_key_cannot_stand_for_two_vendors(tmp_path: Path) -> None:
    key = SigningKey.generate().public()
    register_vendor(tmp_path, vendor="acme", key=key, providers={"41000001"}, created=NOW)
    again = partial(register_vendor, tmp_path, vendor="other", key=key, providers={"41000001"}, created=NOW)
    assert code_of(again) == "key.vendor-twice"
    copied = json.loads((tmp_path / "acme.json").read_bytes()) | {"vendor": "copy"}
    (tmp_path / "copy.json").write_text(json.dumps(copied))
    assert code_of(lambda: load_trusted_vendors(tmp_path)) == "key.vendor-twice"


@pytest.mark.parametrize(
    ("vendor", "providers", "code"),
    [
        ("../acme", {"41000001"}, "key.vendor-code"),
        ("", {"41000001"}, "key.vendor-code"),
        ("acme", set(), "key.provider-code"),
        ("acme", {"4100000"}, "key.provider-code"),
        ("acme", {"*"}, "key.provider-code"),
    ],
)
def test_codes_that_break_their_rules_are_refused(tmp_path: Path, vendor: str, providers: set[str], code: str) -> None:
    key = SigningKey.generate().public()
    register = partial(register_vendor, tmp_path, vendor=vendor, key=key, providers=providers, created=NOW)
    assert code_of(register) == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("changes", [{"providers": "all"}, {"keys": [{}]}, {"vendor": "x"}, {"providers": [7]}])
def test_a_damaged_vendor_file_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    register_vendor(tmp_path, vendor="acme", key=SigningKey.generate().public(), providers={"41000001"}, created=NOW)
    path = tmp_path / "acme.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changes))
    assert code_of(lambda: load_trusted_vendors(tmp_path)) == "key.malformed"


def test_epochs_that_are_accepted_are_named(tmp_path: Path) -> None:
    make_server_keys(tmp_path, created=NOW)
    set_epochs(tmp_path, frozenset({"epoch-1", "epoch-2"}), created=NOW)
    assert load_server_keys(tmp_path).epochs == {"epoch-1", "epoch-2"}
    assert code_of(lambda: set_epochs(tmp_path, frozenset({"epoch 2"}), created=NOW)) == "key.epoch-id"
    assert code_of(lambda: set_epochs(tmp_path, frozenset(), created=NOW)) == "key.epoch-id"
    set_epochs(tmp_path, frozenset({"epoch-2"}), created=NOW)
    assert load_server_keys(tmp_path).epochs == {"epoch-2"}
