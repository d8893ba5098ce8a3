"""What a night knows besides registrations and pairs: whose delivery is suspected, and under what it was linked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from dedup.findings.decisions import no_decisions
from dedup.findings.deliveries import Fault, Suspicion


@dataclass(frozen=True)
class Conditions:
    """The conditions of one night; the defaults suspect nothing.

    `delivered`: the providers with a snapshot that counts tonight, None when nothing is known of deliveries.
    `basis`: any text that is another one once registrations are compared under another key or model: that a match is
    absent then says nothing. `decisions`: what providers answered, a frame with `frames.DECISION_COLUMNS`.
    """

    suspected: Mapping[str, Suspicion] = field(default_factory=dict)
    delivered: frozenset[str] | None = None
    basis: str = ""
    decisions: pd.DataFrame = field(default_factory=no_decisions)

    def lacks(self, provider: str, stopping: tuple[str, ...]) -> bool:
        """Tell whether a registration that is gone may be so by a fault of its provider's delivery.

        A provider that stops falls silent one day, and is believed.
        """
        if provider in self.suspected:
            return not (provider in stopping and self.suspected[provider].fault is Fault.MISSING)
        return self.delivered is not None and provider not in self.delivered and provider not in stopping

    def since(self, provider: str, today: date) -> date:
        """Return since when a provider's delivery is suspected; tonight, when it merely does not count tonight."""
        return self.suspected[provider].since if provider in self.suspected else today
