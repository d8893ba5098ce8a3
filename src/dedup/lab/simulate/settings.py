"""What a simulation is asked for, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from dedup.errors import DedupError
from dedup.lab.simulate.regions import ksv_codes, national_regions
from dedup.regions import Regions

if TYPE_CHECKING:
    import pandas as pd

    from dedup.lab.simulate.nights import Night

# A provider in the Netherlands has some 475 women registered at a time, a KSV some four to five providers.
REGISTRATIONS_PER_PROVIDER = 475
PROVIDERS_PER_KSV = 4
FEWEST_PROVIDERS, FEWEST_KSVS = 12, 3
HIGHEST_SHARE_OF_DOUBLES = 0.3


class SimulationError(DedupError):
    """A simulation that cannot be made as asked."""


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """How much to simulate; `providers` and `ksvs` follow from the number of registrations when left out.

    `doubles` is the share of all registrations that are a second (third, fourth) registration of one pregnancy at
    another provider; legitimate kinds and look-alikes come beside it, with the shares in `kinds.KINDS`. `day` is the
    day of the snapshot. Raises `SimulationError` when a figure is out of range.
    """

    registrations: int
    doubles: float
    seed: int
    day: date
    providers: int | None = None
    ksvs: int | None = None
    harsh: bool = False
    nights: int = 0
    regions: Regions = field(default_factory=national_regions)

    def __post_init__(self) -> None:
        if self.registrations < 1:
            raise SimulationError("simulate.registrations", "A simulation needs at least one registration.")
        if not 0 <= self.doubles <= HIGHEST_SHARE_OF_DOUBLES:
            raise SimulationError(
                "simulate.doubles", f"The share of doubles must lie between 0 and {HIGHEST_SHARE_OF_DOUBLES}."
            )
        if self.seed < 0 or self.nights < 0:
            raise SimulationError("simulate.negative", "The seed and the number of nights cannot be negative.")
        if not 4 <= self.provider_count <= 9_000:
            # A woman can be registered with four providers, and AGB codes are drawn from 10,000.
            raise SimulationError("simulate.providers", "A simulation needs 4 to 9,000 providers.")
        if not 1 <= self.ksv_count <= min(self.provider_count, len(ksv_codes(self.regions))):
            raise SimulationError(
                "simulate.ksvs",
                f"There must be at least one KSV, and no more than there are providers or regions "
                f"({min(self.provider_count, len(ksv_codes(self.regions)))} here).",
            )

    @property
    def provider_count(self) -> int:
        """The number of providers that deliver an extract."""
        if self.providers is not None:
            return self.providers
        return max(FEWEST_PROVIDERS, round(self.registrations / REGISTRATIONS_PER_PROVIDER))

    @property
    def ksv_count(self) -> int:
        """The number of KSVs in which the women live."""
        if self.ksvs is not None:
            return self.ksvs
        wanted = max(FEWEST_KSVS, self.provider_count // PROVIDERS_PER_KSV)
        return min(wanted, self.provider_count, len(ksv_codes(self.regions)))


@dataclass(frozen=True, slots=True)
class Simulation:
    """Everything that was simulated, as frames of strings.

    `registrations`: the extracts of all providers on the day, under one another, columns `columns.EXTRACT_COLUMNS`,
    one row a registration, sorted by provider and registratie_id. `truth`: registratie_id, vrouw, zwangerschap,
    soort, groep, fouten of every registration asked for; with nights, of those too that left before the last. `slips`:
    registratie_id and one boolean column per error of `rates.RATES`, the errors that were planted. `providers`:
    aanbieder_agb, vendor, naam, ksv, stopt_per. `contracts` and `regions`: the server's confidential and the public
    table. `nights`: the evolution up to the day, oldest first, empty unless asked for.
    """

    registrations: pd.DataFrame
    truth: pd.DataFrame
    slips: pd.DataFrame
    providers: pd.DataFrame
    contracts: pd.DataFrame
    regions: pd.DataFrame
    nights: tuple[Night, ...]
