"""Uploads over real HTTP, from the creation to the receipt, and who is told of them."""

from __future__ import annotations

from datetime import timedelta

from tests.service.site import Site, refused
from tests.service.uploading import (
    NOW,
    OTHER_PROVIDER,
    digest_field,
)

from dedup.bundle.serverkeys import set_epochs
from dedup.bundle.vendors import register_vendor


def test_from_a_bundle_to_a_receipt(each_site: Site) -> None:
    site = each_site
    data, declared = site.acme.bundle(bytes(150_000))
    created = site.acme.create(declared)
    assert created.status_code == 201
    assert created.headers["Location"] == f"http://127.0.0.1:{site.port}{site.acme.path(declared)}"
    assert created.json()["expires_at"] == "2026-11-23T12:00:00Z"
    site.acme.append_all(declared, data)
    asked = site.acme.call("HEAD", site.acme.path(declared))
    assert (asked.headers["Upload-Offset"], asked.headers["Upload-Length"], asked.headers["Upload-State"]) == (
        str(len(data)),
        str(len(data)),
        "open",
    )
    done = site.acme.complete(declared)
    assert (done.status_code, done.json()["duplicate"]) == (200, False)
    says = site.receipt(done.json()["receipt"])
    assert (says["file_sha256"], says["file_bytes"], says["vendor"]) == (declared.sha256, len(data), "acme")
    assert site.service.store.bundle_path(declared.sha256).read_bytes() == data
    again = site.acme.complete(declared)
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    known = site.acme.create(declared, "a-fresh-key-of-16")
    assert (known.status_code, known.json()["state"]) == (200, "accepted")
    assert site.receipt(known.json()["receipt"]) == says
    status = site.acme.call("GET", site.acme.path(declared)).json()
    assert (status["state"], status["offset"], status["expires_at"]) == ("accepted", len(data), None)
    receipt = site.acme.call("GET", f"{site.acme.path(declared)}/receipt")
    assert receipt.headers["Content-Type"] == "application/jose"
    assert site.receipt(receipt.text) == says


def test_another_vendors_submission_answers_as_one_that_is_not_there(site: Site) -> None:
    data, declared = site.acme.bundle()
    _, absent = site.acme.bundle()
    for finish in (False, True):
        if finish:
            site.acme.upload(data, declared)
        else:
            site.acme.create(declared)
        for method, suffix in (
            ("HEAD", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("GET", ""),
            ("POST", "/complete"),
            ("GET", "/receipt"),
            ("GET", "/report"),
        ):
            headers = {
                "Content-Type": "application/offset+octet-stream",
                "Upload-Offset": "0",
                "Content-Digest": digest_field(b"x"),
                "Repr-Digest": digest_field(b"x"),
            }
            content = b"x" if method == "PATCH" else None
            told = [
                site.rival.call(method, f"{site.rival.path(one)}{suffix}", headers=headers, content=content)
                for one in (declared, absent)
            ]
            assert told[0].status_code == told[1].status_code == 404
            assert told[0].content == told[1].content
            shown = [{k: v for k, v in one.headers.items() if k not in {"date", "x-request-id"}} for one in told]
            assert shown[0] == shown[1]
    assert site.rival.call("GET", "/v1/submissions").json() == {"submissions": [], "next": None}
    assert site.acme.call("DELETE", site.acme.path(declared)).status_code == 409


def test_what_fails_at_completion_is_told_with_every_fault_and_stays_so(site: Site) -> None:
    data, declared = site.acme.bundle(snapshot_date=NOW.date() - timedelta(days=30), epoch="closed")
    set_epochs(site.home / "keys", frozenset({"open"}), created=NOW)
    answer = site.acme.upload(data, declared)
    assert refused(answer) == (422, "bundle.wrong-epoch")
    assert [fault["code"] for fault in answer.json()["errors"]] == ["bundle.wrong-epoch", "intake.old-snapshot"]
    assert site.acme.complete(declared).json() == answer.json()
    status = site.acme.call("GET", site.acme.path(declared), headers={"Accept-Language": "nl"}).json()
    assert (status["state"], status["problem"]["code"], status["receipt"]) == ("rejected", "bundle.wrong-epoch", None)
    assert refused(site.acme.call("GET", f"{site.acme.path(declared)}/receipt")) == (409, "upload.not-accepted")
    report = site.acme.call("GET", f"{site.acme.path(declared)}/report").json()
    assert (report["state"], report["received_at"], report["opened"]) == ("rejected", None, None)


def test_rights_and_keys_count_from_the_next_call_on_without_a_restart(site: Site) -> None:
    data, declared = site.acme.bundle()
    site.acme.create(declared)
    site.acme.append_all(declared, data)
    register_vendor(
        site.home / "keys" / "vendors",
        vendor="acme",
        key=site.acme.key.public(),
        providers=[OTHER_PROVIDER],
        created=NOW,
    )
    assert refused(site.acme.complete(declared)) == (422, "bundle.provider-not-allowed")
    _, other = site.acme.bundle()
    assert refused(site.acme.create(other)) == (403, "upload.provider-not-allowed")
    data, declared = site.acme.bundle(provider=OTHER_PROVIDER)
    assert site.acme.upload(data, declared).status_code == 200


def test_abort_expiry_and_what_they_answer(site: Site) -> None:
    data, declared = site.acme.bundle()
    site.acme.create(declared)
    path = site.acme.path(declared)
    for _ in range(2):
        assert site.acme.call("DELETE", path).status_code == 204
    assert site.acme.call("HEAD", path).status_code == 410
    assert refused(site.acme.append(declared, 0, data)) == (410, "upload.aborted")
    assert site.acme.create(declared).status_code == 201
    assert site.acme.upload(data, declared).status_code == 200
    assert refused(site.acme.call("DELETE", path)) == (409, "upload.settled")
    assert site.acme.call("HEAD", path).headers["Upload-State"] == "accepted"
