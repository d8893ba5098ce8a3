"""A vendor's key folder: `signing.key` and `.pub` for its bundles, `sealing.key` and `.pub` to receive linkage keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dedup.bundle.keyfiles import write_key
from dedup.bundle.keys import EcPrivateKey, EcPublicKey, KeyId, SigningKey, VendorSealingPrivateKey
from dedup.errors import KeyFileError

SIGNING = "signing"
SEALING = "sealing"


@dataclass(frozen=True, slots=True)
class VendorKeys:
    """What was made: the ids of both pairs and the four files."""

    signing_key_id: KeyId
    sealing_key_id: KeyId
    files: list[Path]


def make_vendor_keys(folder: Path, *, created: datetime) -> VendorKeys:
    """Make a vendor's key pairs in `folder`.

    Two pairs, because their lives differ: the signing key is used every day, the sealing key once an epoch. Raises
    `KeyFileError` (`key.exists`) before anything is written when one of the files is there.
    """
    signing, sealing = SigningKey.generate(), VendorSealingPrivateKey.generate()
    keys: dict[str, EcPrivateKey | EcPublicKey] = {
        f"{SIGNING}.key": signing,
        f"{SIGNING}.pub": signing.public(),
        f"{SEALING}.key": sealing,
        f"{SEALING}.pub": sealing.public(),
    }
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in keys:
        if (folder / name).exists():
            raise KeyFileError("key.exists", f"{folder / name} exists already; keys are never overwritten.")
    for name, key in keys.items():
        write_key(folder / name, key, created=created)
    return VendorKeys(signing.key_id, sealing.key_id, [folder / name for name in keys])
