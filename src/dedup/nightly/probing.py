"""Counts for the operator: which providers' registrations look like questions about who is registered elsewhere.

Written into the server's own folder, never into a report: a name in it is a reason to ask, not a finding about anyone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pandas as pd
from sqlalchemy import select

from dedup.findings.frames import Findings
from dedup.findings.mergers import merged_registrations
from dedup.findings.probing import probing_table
from dedup.ingest.identity import registration_tags
from dedup.nightly.night import Night
from dedup.nightly.registrations import night_registrations
from dedup.nightly.snapshots import Snapshots
from dedup.store.durable import write_durably
from dedup.store.tables import SeenRow

PROBING_FILE = "probing.json"


def with_identity_changes(night: Night, registrations: pd.DataFrame) -> pd.DataFrame:
    """Return the registrations with `identity_changes`: how often the server saw their identifiers change."""
    counts = identity_changes(night)
    edited = registrations["tokens_changed"].notna() & bool(counts)
    changes: dict[Any, int] = {}
    for provider, rows in registrations[edited].groupby("aanbieder_agb"):
        own_ids = rows["registratie_id"].str.partition("@")[0]
        tags = registration_tags(own_ids.tolist(), str(provider), night.keys.ingest)
        changes |= {at: counts.get(bytes(tag), 0) for at, tag in zip(rows.index, tags, strict=True)}
    return registrations.assign(identity_changes=[changes.get(at, 0) for at in registrations.index])


def identity_changes(night: Night) -> Mapping[bytes, int]:
    """Return how often each registration's identifiers changed, by its tag; those that never did are left out."""
    with night.store.registry.read() as session:
        rows = session.execute(
            select(SeenRow.registration, SeenRow.identity_changes)
            .where(SeenRow.identity_changes > 0)
            .order_by(SeenRow.identity_changes)
        )
        return {bytes(tag): changes for tag, changes in rows}


def write_probing(night: Night, snapshots: Snapshots, found: Findings) -> list[str]:
    """Write `probing.json` into the server's folder; returns the providers that stand out."""
    counted = with_identity_changes(night, night_registrations(night, snapshots))
    registrations = merged_registrations(counted, night.new_codes)
    table = probing_table(found, registrations, night.rules.probing, today=night.today)
    named = table.loc[table["signals"] != "", "aanbieder_agb"].tolist()
    document = {
        "night": night.today.isoformat(),
        "standing_out": named,
        "providers": table.to_dict("records"),
    }
    path = night.settings.server_home / PROBING_FILE
    write_durably(path, orjson.dumps(document, option=orjson.OPT_INDENT_2))
    path.chmod(0o600)
    return [str(name) for name in named]
