"""The checks that a bundle passes before it is accepted: a row of small ones, each with its own code.

Whether the file is a whole, signed bundle of a vendor that may deliver for this provider was settled before, by
`dedup.bundle.outside.read_manifest`. All checks run, so that a sender hears of every fault at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dedup.bundle.keyfiles import timestamp
from dedup.bundle.keys import KeyId
from dedup.bundle.manifest import Manifest
from dedup.bundle.outside import check_fits
from dedup.bundle.vendors import TrustedVendor
from dedup.errors import BundleError, DedupError
from dedup.intake.receipts import IntakeError
from dedup.model.linkage import LinkageModel
from dedup.settings import Settings
from dedup.store.submissions import Submission

CLOCKS_MAY_DIFFER = timedelta(minutes=5)  # of machines that nobody looks after; HTTPS clients are held to a minute


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """The limits of `[intake]` in `settings.toml`."""

    max_bundle_bytes: int = 2 << 30
    max_snapshot_age_days: int = 7
    upload_seconds: int = 86_400  # an upload that is not touched for so long expires

    @classmethod
    def of(cls, settings: Settings) -> IntakeLimits:
        """Read the limits; what the file leaves out has its default."""
        return cls(
            settings.count("intake", "max_bundle_bytes", cls().max_bundle_bytes),
            settings.count("intake", "max_snapshot_age_days", cls().max_snapshot_age_days),
            settings.count("intake", "upload_seconds", cls().upload_seconds),
        )


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a manifest is held against.

    `newest` is the newest snapshot of its provider and epoch that was accepted, `signer` the registered key that signed
    it; `blocked` says whether the operator has blocked its vendor.
    """

    model: LinkageModel
    epochs: Collection[str] | None
    sealing_keys: Collection[KeyId]
    limits: IntakeLimits
    today: date
    now: datetime
    newest: Submission | None
    signer: TrustedVendor | None
    blocked: bool = False


def is_not_of_a_blocked_vendor(_: Manifest, circumstances: Circumstances) -> None:
    """Refuse what a vendor signed that the operator has blocked, by whichever way it comes."""
    if circumstances.blocked:
        raise IntakeError("intake.vendor-blocked", "The operator has blocked the vendor that signed the bundle.")


def is_signed_with_a_key_of_today(_: Manifest, circumstances: Circumstances) -> None:
    """Refuse what was signed with a key whose last day is over, whenever it says that it was made."""
    signer = circumstances.signer
    if signer is not None and signer.has_expired(circumstances.now):
        raise IntakeError(
            "intake.key-expired", f"The bundle is signed with a key that was good until {signer.until}; make a new one."
        )


def fits_this_server(manifest: Manifest, circumstances: Circumstances) -> None:
    """Refuse another linkage model, or an epoch that is not in use."""
    check_fits(manifest, model=circumstances.model, epochs=circumstances.epochs)


def can_be_opened(manifest: Manifest, circumstances: Circumstances) -> None:
    """Refuse what is sealed to a key that this server does not hold, before a receipt promises anything."""
    if manifest.sealing is None or manifest.sealing.key_id not in circumstances.sealing_keys:
        raise BundleError("bundle.wrong-key", "The bundle is sealed to a key that is not, or no longer, this server's.")


def is_not_of_the_future(manifest: Manifest, circumstances: Circumstances) -> None:
    """Refuse a snapshot of a day that has not come."""
    if manifest.snapshot_date > circumstances.today:
        raise IntakeError("intake.future-snapshot", "The bundle's snapshot date lies in the future.")


def was_made_before_now(manifest: Manifest, circumstances: Circumstances) -> None:
    """Refuse a bundle of a clock that is ahead: no correction of the same day could take its place until then."""
    if datetime.fromisoformat(manifest.created_at) > circumstances.now + CLOCKS_MAY_DIFFER:
        now = timestamp(circumstances.now)
        message = f"The bundle says that it was made at {manifest.created_at}; this server's clock says {now}."
        raise IntakeError("intake.clock-ahead", message)


def is_recent(manifest: Manifest, circumstances: Circumstances) -> None:
    """Refuse a snapshot that is too old to say what is open now."""
    days = circumstances.limits.max_snapshot_age_days
    if circumstances.today - manifest.snapshot_date > timedelta(days=days):
        raise IntakeError("intake.old-snapshot", f"The bundle's snapshot is more than {days} days old.")


def is_newest(manifest: Manifest, circumstances: Circumstances) -> None:
    """Refuse a snapshot older than one that was accepted: it would bring back what is settled."""
    newest = circumstances.newest
    if newest is not None and age_order(manifest) < newest.age_order:
        raise IntakeError("intake.stale", "A newer snapshot of this provider was accepted already.")


CHECKS: tuple[Callable[[Manifest, Circumstances], None], ...] = (
    is_not_of_a_blocked_vendor,
    is_signed_with_a_key_of_today,
    fits_this_server,
    can_be_opened,
    is_not_of_the_future,
    was_made_before_now,
    is_recent,
    is_newest,
)


def faults_of(manifest: Manifest, circumstances: Circumstances) -> tuple[DedupError, ...]:
    """Return every fault that the checks find, none when the bundle can be accepted."""
    faults: list[DedupError] = []
    for check in CHECKS:
        try:
            check(manifest, circumstances)
        except DedupError as fault:
            faults.append(fault)
    return tuple(faults)


def age_order(manifest: Manifest) -> tuple[date, datetime, str]:
    """Return the key by which snapshots of one provider are older or newer, as `Submission.age_order`."""
    return (manifest.snapshot_date, datetime.fromisoformat(manifest.created_at), manifest.submission_id)
