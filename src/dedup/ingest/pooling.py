"""Pools the entries of all snapshots of one epoch, so that a link view does not show whose snapshot an entry is from.

Ingest leaves one object under both keys for each new snapshot, and in the link view of the night before the sketches of
snapshots that count no longer. Pooling reads them, leaves out what does not count, and keeps the rest as one link view
with one entry map. One transaction lets the registry name the new objects in place of the old ones; only then are the
old ones removed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from dedup.store.audit import NIGHTLY, AuditEvent
from dedup.store.failpoints import reach
from dedup.store.house import Store
from dedup.store.link_views import Entropy, get_link_view, put_link_view, together
from dedup.store.submissions import Held, LinkDigests, entry_map_of, held_entries, note_rewritten


def pool_entries(store: Store, *, now: datetime, entropy: Entropy) -> int:
    """Bring the entries that count together in one link view per epoch and model; the caller holds the run lock.

    Returns how many link views are written anew: none where nothing came or went. Raises `StoreError`
    (`store.mixed-origins`) when an epoch's snapshots were ingested under two ingest keys; all is left as it was then.
    """
    with store.registry.read() as session:
        held = held_entries(session)
    groups: dict[tuple[str, str], list[Held]] = defaultdict(list)
    for one in held:
        groups[one.epoch_key_id, one.model_digest].append(one)
    changed = [group for _, group in sorted(groups.items()) if not _is_pooled(group)]
    if not changed:
        return 0
    pooled = [_pooled(store, group, entropy) for group in changed]
    reach("pool.stored")
    epochs = ",".join(sorted({group[0].epoch_key_id for group in changed}))[:128]  # as long as the column is
    event = AuditEvent("entries.pooled", now, NIGHTLY, epochs, "nightly ingest")
    with store.registry.write(event) as session:
        for group, link in zip(changed, pooled, strict=True):
            note_rewritten(session, [one.submission_id for one in group if one.counts], link)
            note_rewritten(session, [one.submission_id for one in group if not one.counts], None)
    reach("pool.committed")
    for link in {one.link for group in changed for one in group}:
        if link.link_view is not None:
            store.link_views.remove(link.link_view)
        store.joined.remove(link.entry_map)
    reach("pool.cleaned")
    return sum(link is not None for link in pooled)


def _is_pooled(group: Sequence[Held]) -> bool:
    links = {one.link for one in group}
    return all(one.counts for one in group) and len(links) == 1 and None not in {link.link_view for link in links}


def _pooled(store: Store, group: Sequence[Held], entropy: Entropy) -> LinkDigests | None:
    """Return the new objects of one epoch, None when nothing of it counts any more."""
    counting = {one.submission_id for one in group if one.counts}
    if not counting:
        return None
    links = sorted({one.link for one in group if one.counts}, key=entry_map_of)
    content = together([get_link_view(store, link) for link in links], counting)
    return put_link_view(store, content, entropy=entropy)
