"""Names providers whose registrations look like questions: who is registered elsewhere?

Three signals, each a count per provider held against the share that all other providers have: registrations that
appeared, matched another provider's and vanished; registrations whose identifiers changed again and again; and
registrations that match another provider's. A provider stands out only when an honest one hardly ever would (binomial
tail), and by a wide margin, for providers differ honestly too.
"""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
from scipy.stats import binom

from dedup.findings.config import ProbingTerms
from dedup.findings.frames import Findings, typed_frame
from dedup.findings.read import came_first

# Columns of the table for the operator: counts per provider only. `signals` names what stands out, "" for nothing.
PROBING_COLUMNS = {
    "aanbieder_agb": "object",
    "registrations": "int64",
    "arrived": "int64",  # within the window, those that vanished included
    "vanished": "int64",  # of these, matched another provider's and are gone
    "edited": "int64",  # changed more often than the cap
    "matching": "int64",  # match another provider's tonight
    "signals": "object",
}
SIGNALS = {"vanished": "arrived", "edited": "registrations", "matching": "registrations"}
_MATCHING = ("certain", "likely")


def probing_table(found: Findings, registrations: pd.DataFrame, terms: ProbingTerms, *, today: date) -> pd.DataFrame:
    """Return the counts of every provider with a registration or a finding, and which of them stand out.

    `registrations` as `find` takes them, with `identity_changes` where edits are to be counted.
    """
    provider = registrations["aanbieder_agb"]
    since = pd.Timestamp(today - timedelta(days=terms.window_days))
    first_seen = pd.to_datetime(registrations["first_seen"])
    fresh = (first_seen > since) & ~came_first(registrations)
    vanished = _vanished(found, registrations, terms, today)
    edits = registrations.get("identity_changes", pd.Series(0, index=registrations.index))
    counts = pd.DataFrame({"registrations": provider.value_counts()})
    counts["vanished"] = vanished.value_counts()
    counts["arrived"] = provider[fresh].value_counts()
    counts["edited"] = provider[edits > terms.edits_per_registration].value_counts()
    counts["matching"] = _matching(found).value_counts()
    counts = counts.reindex(sorted({*counts.index, *vanished})).fillna(0).astype("int64")
    counts["arrived"] += counts["vanished"]
    signals = pd.DataFrame(
        {name: _stands_out(counts[name], counts[whole], terms) for name, whole in SIGNALS.items()}, index=counts.index
    )
    named = [" ".join(signals.columns[row]) for row in signals.to_numpy()]
    columns = [counts[name].tolist() for name in list(PROBING_COLUMNS)[1:-1]]
    rows = zip(counts.index.tolist(), *columns, named, strict=True)
    return typed_frame(PROBING_COLUMNS, rows, sort_by=["aanbieder_agb"])


def _vanished(found: Findings, registrations: pd.DataFrame, terms: ProbingTerms, today: date) -> pd.Series[str]:
    """Return the provider of each registration that matched another provider's and is gone soon after it came."""
    settled = found.findings.loc[
        found.findings["settled_by"].isin(["left", "withdrawn"]) & (found.findings["class"] != "internal"),
        ["finding", "settled"],
    ]
    members = found.members.merge(settled, on="finding")
    members = members[~members["registratie_id"].isin(registrations["registratie_id"])]
    gone, came = pd.to_datetime(members["settled"]), pd.to_datetime(members["first_seen"])
    began = pd.to_datetime(registrations["first_seen"]).groupby(registrations["aanbieder_agb"]).min()
    first = members["aanbieder_agb"].map(began)
    recent = gone > pd.Timestamp(today - timedelta(days=terms.window_days))
    short = (gone - came).dt.days <= terms.short_life_days
    chosen = members[recent & short & ~(came <= first)]
    providers: pd.Series[str] = chosen.drop_duplicates("registratie_id")["aanbieder_agb"]
    return providers


def _matching(found: Findings) -> pd.Series[str]:
    """Return the provider of each registration that is in a double with another provider tonight."""
    live = found.findings.loc[
        (found.findings["state"] != "settled") & found.findings["class"].isin(_MATCHING), "finding"
    ]
    members = found.members[found.members["finding"].isin(live) & ~found.members["absent"]]
    providers: pd.Series[str] = members.drop_duplicates("registratie_id")["aanbieder_agb"]
    return providers


def _stands_out(count: pd.Series[int], whole: pd.Series[int], terms: ProbingTerms) -> pd.Series[bool]:
    """Tell for each provider whether its share exceeds that of all others together by far more than chance."""
    # One more of each keeps the others' share above nought where nobody else has any.
    others = (count.sum() - count + 1) / (whole.sum() - whole + 1).clip(lower=1)
    others = others.clip(upper=1.0)
    chance = binom.sf(count - 1, whole, others)
    share = count / whole.clip(lower=1)
    standing_out: pd.Series[bool] = (
        (count >= terms.fewest) & (share >= terms.times_the_others * others) & (chance <= terms.chance)
    )
    return standing_out
