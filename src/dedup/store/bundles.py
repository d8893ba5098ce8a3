"""Where raw bundles lie until they are opened: all of the store that the web server and intake work with, and no key.

submissions/SHA256.bundle   accepted, and waiting to be ingested
uploads/PART.part           what came in so far of an upload
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, select

from dedup.store.durable import make_private_folder, remove_temporary_files
from dedup.store.registry import Registry
from dedup.store.tables import SubmissionRow

BUNDLE_SUFFIX = ".bundle"
PART_SUFFIX = ".part"


@dataclass(frozen=True, slots=True)
class BundleStore:
    """The store's folder and registry, without the objects that bundles become."""

    folder: Path
    registry: Registry

    @property
    def submissions(self) -> Path:
        """The folder of raw bundles, each named by the SHA-256 of its bytes."""
        return self.folder / "submissions"

    @property
    def uploads(self) -> Path:
        """The folder of what is still coming in, each file named at random."""
        return self.folder / "uploads"

    def bundle_path(self, file_sha256: str) -> Path:
        """Return where the raw bundle with this digest is kept."""
        return self.submissions / f"{file_sha256}{BUNDLE_SUFFIX}"

    def part_path(self, part: str) -> Path:
        """Return where the bytes of an upload are kept while it is open."""
        return self.uploads / f"{part}{PART_SUFFIX}"

    def close(self) -> None:
        """Let go of the registry."""
        self.registry.close()


def open_bundle_store(folder: Path, url: URL | str) -> BundleStore:
    """Open the store in `folder`, making what is missing. Raises what `Registry` raises."""
    store = BundleStore(folder, Registry(url))
    make_bundle_folders(store)
    return store


def make_bundle_folders(store: BundleStore) -> None:
    """Make the folders of bundles and uploads where they are missing."""
    make_private_folder(store.submissions)
    make_private_folder(store.uploads)


def remove_unknown_bundles(store: BundleStore) -> int:
    """Remove raw bundles that the registry never accepted, and half-copied ones; only under the intake lock."""
    with store.registry.read() as session:
        known = set(session.scalars(select(SubmissionRow.file_sha256)))
    unknown = [path for path in store.submissions.glob(f"*{BUNDLE_SUFFIX}") if path.stem not in known]
    for path in unknown:
        path.unlink()
    return len(unknown) + remove_temporary_files(store.submissions)
