"""How the key that signs receipts is changed: first published, days later put to use, so that nobody is surprised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dedup.bundle.filewrite import replacing
from dedup.bundle.keyfiles import PUBLIC_MODE, SECRET_MODE, key_document, read_key, write_key
from dedup.bundle.keys import ReceiptSigningKey, ReceiptVerifyingKey
from dedup.bundle.serverkeys import RECEIPTS
from dedup.bundle.vendors import unnoted


@dataclass(frozen=True, slots=True)
class ReceiptRotation:
    """How far the change of the receipt key is: `next` is published and not in use yet, None once it is `current`."""

    current: ReceiptVerifyingKey
    next: ReceiptVerifyingKey | None


def rotate_receipt_key(
    folder: Path, *, created: datetime, note: Callable[[ReceiptRotation], None] = unnoted
) -> ReceiptRotation:
    """Publish the receipt key to come; called again, days later, put it to use and forget the private key of before.

    Vendors believe a key that a statement named which was signed with a key they knew. So the next one has to be seen
    before it signs. `note` hears how far the change is about to be, before a key is published or put to use. A crash at
    any point is mended by calling this again. Raises `KeyFileError`.
    """
    current = read_key(folder / f"{RECEIPTS}.key", ReceiptSigningKey)
    next_key, next_pub = (folder / f"{RECEIPTS}-next.{suffix}" for suffix in ("key", "pub"))
    if not next_key.exists():
        write_key(next_key, ReceiptSigningKey.generate(), created=created)
    coming = read_key(next_key, ReceiptSigningKey)
    if coming.key_id != current.key_id:
        if not next_pub.exists():
            announced = ReceiptRotation(current.public(), coming.public())
            note(announced)
            write_key(next_pub, coming.public(), created=created)
            return announced
        former = folder / f"{RECEIPTS}-{current.key_id}.pub"
        if not former.exists():
            write_key(former, current.public(), created=created)
    used = ReceiptRotation(coming.public(), None)
    note(used)
    for suffix, mode, key in (("key", SECRET_MODE, coming), ("pub", PUBLIC_MODE, coming.public())):
        with replacing(folder / f"{RECEIPTS}.{suffix}", mode=mode) as file:
            file.write(key_document(key, created=created))
    next_pub.unlink(missing_ok=True)
    next_key.unlink()
    return used
