"""Gives every registration a KSV, so that no finding is without a coordinator who sees it."""

from __future__ import annotations

import pandas as pd


def with_ksv(registrations: pd.DataFrame) -> pd.DataFrame:
    """Return the registrations; one whose `ksv` is empty gets the KSV that most of its provider's registrations have.

    A KSV is empty where the postcode is missing, malformed or in no region. Of two that are as frequent the first in
    the alphabet is taken, so the order of rows decides nothing. A provider without any KSV keeps none: there is no
    coordinator to whom its registrations may be shown.
    """
    known = registrations.loc[registrations["ksv"] != "", ["aanbieder_agb", "ksv"]]
    counted = known.value_counts(sort=False).rename("count").reset_index()
    ranked = counted.sort_values(["aanbieder_agb", "count", "ksv"], ascending=[True, False, True])
    usual = ranked.drop_duplicates("aanbieder_agb").set_index("aanbieder_agb")["ksv"]
    own = registrations["ksv"]
    return registrations.assign(ksv=own.where(own != "", registrations["aanbieder_agb"].map(usual).fillna("")))
