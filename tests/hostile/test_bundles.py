"""Hostile bundles by both ways in: each is refused with its own code, nothing of it is kept, and good ones go on."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.hostile.bundles import BODY, Hand, bundle_cases
from tests.hostile.cases import PLACES, PLANTED
from tests.hostile.conftest import files_with, little_memory
from tests.intake.desk import NOW, Keys, open_desk
from tests.made_bundles import declaration_of, sealed_bundle
from tests.service.logged import logged
from tests.service.site import Site, refused
from tests.service.uploading import MODEL, PROVIDER, Vendor

from dedup.bundle.keys import KeyId, ReceiptSigningKey, SigningKey
from dedup.bundle.vendors import TrustedVendor
from dedup.intake.acceptance import Intake
from dedup.intake.checks import IntakeLimits
from dedup.intake.inbox import CLAIMED, RECEIPTS, REJECTED, receive
from dedup.intake.receipts import Receipt

NAMES = [case.name for case in bundle_cases(Hand(SigningKey.generate(), SigningKey.generate()))]
# Where an upload is refused otherwise than a file in the inbox: its day was declared before, and it is known by whom it
# is sent, so that other vendors' keys are not looked at.
AS_UPLOAD = {
    "the last day of all": "upload.not-as-declared",
    "the first day of all": "upload.not-as-declared",
    "signed by another vendor": "bundle.vendor-unknown",
}
TIGHT = 64 << 20
SEALED_TO = KeyId("k" * 43)


def upload(vendor: Vendor, data: bytes, submission_id: str) -> tuple[int, str]:
    """Declare, send and complete these bytes; return the status and the code of whatever is answered last."""
    declared = declaration_of(data, submission_id, vendor.day)
    created = vendor.create(declared)
    if created.status_code != 201:
        return refused(created)
    for offset in range(0, len(data), 1 << 16):
        appended = vendor.append(declared, offset, data[offset : offset + (1 << 16)])
        assert appended.status_code == 204, appended.text
    completed = vendor.complete(declared)
    assert PLANTED not in completed.text
    return (200, "") if completed.status_code == 200 else refused(completed)


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_upload_is_refused_with_its_code_and_nothing_of_it_is_kept(site: Site, name: str) -> None:
    case = {case.name: case for case in bundle_cases(Hand(site.acme.key, site.rival.key))}[name]
    data, declared = site.acme.bundle(BODY)
    with logged() as log, little_memory(TIGHT):
        answer = upload(site.acme, case.spoil(data), declared.submission_id)
    assert answer == (422, AS_UPLOAD.get(name, case.code))
    assert PLANTED not in log.getvalue()
    assert "Traceback" not in log.getvalue()
    assert '"level": "error"' not in log.getvalue()
    assert files_with(PLANTED, site.home) == []
    assert list((site.home / "store" / "submissions").iterdir()) == []
    assert list((site.home / "store" / "uploads").iterdir()) == []


@dataclass(frozen=True)
class Inbox:
    """An inbox folder with the intake behind it, and the bundles of a vendor that goes by the name of acme."""

    folder: Path
    intake: Intake
    hand: Hand
    submitted: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def good(self) -> bytes:
        return sealed_bundle(
            MODEL,
            sign_with=self.hand.key,
            sealed_to=SEALED_TO,
            snapshot_date=NOW.date(),
            created_at=NOW + timedelta(seconds=next(self.submitted)),
            vendor="acme",
            provider=PROVIDER,
            body=BODY,
        )

    def received(self) -> dict[str, str]:
        """Take in what lies there; return each file's name with the code of its refusal, "" for a receipt."""
        answers = receive(self.folder, self.intake)
        told = {one.file_name: "" if isinstance(one, Receipt) else one.code for one in answers}
        problems = {path.name: json.loads(path.read_text()) for path in (self.folder / REJECTED).glob("*.problem.json")}
        for name, code in told.items():
            assert not code or problems[f"{name}.problem.json"]["code"] == code
            assert bool(code) != (self.folder / RECEIPTS / f"{name}.receipt.json").is_file()
        return told


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    hand = Hand(SigningKey.generate(), SigningKey.generate())
    vendors = {
        key.key_id: TrustedVendor(vendor, key.public(), frozenset({PROVIDER}))
        for vendor, key in (("acme", hand.key), ("rival", hand.rivals_key))
    }
    keys = Keys(frozenset({SEALED_TO}), ReceiptSigningKey.generate(), vendors)
    with open_desk(tmp_path, f"sqlite:///{tmp_path}/registry.sqlite", MODEL) as desk:
        limits = IntakeLimits(max_bundle_bytes=1 << 20)
        intake = replace(desk.sender.intake, keys=keys, limits=limits)
        (tmp_path / "inbox").mkdir()
        yield Inbox(tmp_path / "inbox", intake, hand)


def test_hostile_files_in_the_inbox_are_refused_each_with_its_code_and_the_good_one_is_taken(inbox: Inbox) -> None:
    cases = {f"case-{number}.bundle": case for number, case in enumerate(bundle_cases(inbox.hand))}
    for name, case in cases.items():
        (inbox.folder / name).write_bytes(case.spoil(inbox.good()))
    (inbox.folder / "empty.bundle").touch()
    (inbox.folder / "good.bundle").write_bytes(inbox.good())

    with little_memory(TIGHT):
        told = inbox.received()
    expected = {name: case.code for name, case in cases.items()}
    assert told == expected | {"empty.bundle": "bundle.not-a-bundle", "good.bundle": ""}
    assert list((inbox.folder / CLAIMED).iterdir()) == []
    assert len(list(inbox.intake.store.submissions.iterdir())) == 1
    assert files_with(PLANTED, inbox.intake.store.folder) == []
    told_of = [path for path in files_with(PLANTED, inbox.folder) if not path.endswith(".bundle")]
    assert told_of == [], "only the vendor's own file may hold it"
    inbox.intake.store.registry.verify_audit()


def test_what_is_no_file_in_the_inbox_is_refused_unread_and_stops_nothing(inbox: Inbox) -> None:
    for number, place in enumerate(PLACES):
        place.make(inbox.folder / f"place-{number}.bundle")
    with (inbox.folder / "sparse.bundle").open("wb") as sparse:
        sparse.truncate(1 << 40)
    (inbox.folder / "good.bundle").write_bytes(inbox.good())

    with little_memory(TIGHT):
        told = inbox.received()
    expected = {f"place-{number}.bundle": "intake.not-a-file" for number in range(len(PLACES))}
    assert told == expected | {"sparse.bundle": "intake.too-large", "good.bundle": ""}
    assert list((inbox.folder / CLAIMED).iterdir()) == []


NAMES_OF_FILES = [
    "-rf .bundle", "$(reboot).bundle", "a;b|c&d.bundle", "a\nb.bundle", "a\x1b[31m.bundle", "c:..\\..\\x.bundle",
    "\u202eeldnub.bundle", "%2e%2e%2f.bundle", "CON.bundle", "a" * 240 + ".bundle", "~.bundle", "\udcff.bundle",
    f"{PLANTED} {PLANTED}.bundle",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES_OF_FILES)
def test_a_hostile_name_is_replaced_before_anybody_reads_it(inbox: Inbox, name: str) -> None:
    (inbox.folder / name).write_bytes(inbox.good())
    (inbox.folder / f"{name[:-7]}x.bundle").write_bytes(b"no bundle")

    told = inbox.received()
    assert sorted(told.values()) == ["", "bundle.not-a-bundle"]
    assert all(re.fullmatch(r"unnamed-[0-9a-f]{16}\.bundle|CONx?\.bundle", one) for one in told)
