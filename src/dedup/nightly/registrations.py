"""The attributes of the night's registrations, each under an id of its own and in the KSV that is told of it."""

from __future__ import annotations

import pandas as pd

from dedup.nightly.ksv import with_ksv
from dedup.nightly.night import Night
from dedup.nightly.snapshots import Snapshots
from dedup.store.views import load_attributes


def night_registrations(night: Night, snapshots: Snapshots) -> pd.DataFrame:
    """Return one row per registration, with the columns that `store.views.load_attributes` gives."""
    return with_ksv(with_own_ids(load_attributes(night.store.attributes, snapshots.attributes)))


def with_own_ids(registrations: pd.DataFrame) -> pd.DataFrame:
    """Return the registrations; where two providers use one registratie_id, theirs become `ID@AGB`.

    An id is unique within a bundle, and random, so this does not happen by chance; but what one vendor sends must not
    stop the night, or show one woman's registration in place of another's. No id of a bundle can hold an @.
    """
    ids = registrations["registratie_id"]
    shared = ids.duplicated(keep=False)
    return registrations.assign(registratie_id=ids.where(~shared, ids + "@" + registrations["aanbieder_agb"]))
