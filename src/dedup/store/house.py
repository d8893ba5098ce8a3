"""The server's store as one thing: its folder, its registry, and its object stores."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import URL, select
from sqlalchemy.orm import Session

from dedup.store.bundles import BundleStore, make_bundle_folders
from dedup.store.durable import make_private_folder
from dedup.store.objects import ObjectDigest, ObjectStore
from dedup.store.registry import Registry
from dedup.store.tables import StageRow, SubmissionRow, SubmissionState, View
from dedup.store.wrapping import BothKeys, KeyWrapper

FOLDERS = {View.LINK: "link-views", View.ATTRIBUTES: "attributes", View.JOINED: "joined"}


@dataclass(frozen=True, slots=True)
class Store(BundleStore):
    """An open store: raw bundles lie in `submissions/` until they are ingested, views in the object stores."""

    link_views: ObjectStore
    attributes: ObjectStore
    joined: ObjectStore  # what says which entries and which attributes belong together: under both keys

    def objects(self, view: View) -> ObjectStore:
        """Return the object store of one half, or of what joins them."""
        return {View.LINK: self.link_views, View.ATTRIBUTES: self.attributes, View.JOINED: self.joined}[view]


def open_store(folder: Path, url: URL | str, *, link_view_key: KeyWrapper, attribute_key: KeyWrapper) -> Store:
    """Open the store in `folder`, making what is missing. Raises what `Registry` raises."""
    make_private_folder(folder)
    store = Store(
        folder=folder,
        registry=Registry(url),
        link_views=ObjectStore(folder / FOLDERS[View.LINK], link_view_key),
        attributes=ObjectStore(folder / FOLDERS[View.ATTRIBUTES], attribute_key),
        joined=ObjectStore(folder / FOLDERS[View.JOINED], BothKeys(link_view_key, attribute_key)),
    )
    make_bundle_folders(store)
    return store


def objects_referred_to(session: Session) -> dict[View, set[ObjectDigest]]:
    """Return the objects that rows of the registry refer to, by where they are kept."""
    wanted: dict[View, set[ObjectDigest]] = {view: set() for view in View}
    columns = {
        View.LINK: SubmissionRow.link_view,
        View.ATTRIBUTES: SubmissionRow.attributes,
        View.JOINED: SubmissionRow.entry_map,
    }
    for view, column in columns.items():
        wanted[view].update(ObjectDigest(name) for name in session.scalars(select(column).distinct()) if name)
    for name, kept_in in session.execute(select(StageRow.output_object, StageRow.output_view)):
        if name is not None and kept_in is not None:
            wanted[kept_in].add(ObjectDigest(name))
    return wanted


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was removed when the store was recovered: files that a crash, or their age, left without a purpose."""

    objects: int
    bundles: int


def recover(store: Store, *, now: datetime, keep_rejected: timedelta) -> Recovery:
    """Bring the folders in line with the registry; the first thing a run does, and only under its lock.

    Removes objects that no row refers to, raw bundles that were ingested, and rejected ones older than
    `keep_rejected`. Raises `StoreError` (`store.object-missing`) when a row refers to an object that is not there.
    """
    with store.registry.read() as session:
        wanted = objects_referred_to(session)
        settled = set(
            session.scalars(
                select(SubmissionRow.file_sha256).where(
                    SubmissionRow.state.in_([SubmissionState.INGESTED, SubmissionState.SUPERSEDED])
                    | (
                        (SubmissionRow.state == SubmissionState.REJECTED)
                        & (SubmissionRow.settled_at < now - keep_rejected)
                    )
                )
            )
        )
    objects = sum(store.objects(view).recover(names) for view, names in wanted.items())
    done = [path for path in map(store.bundle_path, settled) if path.exists()]
    for path in done:
        path.unlink()
    return Recovery(objects=objects, bundles=len(done))
