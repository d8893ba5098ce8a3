"""A made-up world as files: a custodian, vendors with their keys and extracts, and a server that trusts them.

The demo, the benchmarks and the tests all start from this, so that they run what a real installation runs.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pandas as pd

from dedup.bundle.epochkey import open_linkage_key, seal_linkage_key
from dedup.bundle.keyfiles import LinkageKey, VendorSealingPrivateKey, VendorSealingPublicKey, read_key, write_key
from dedup.bundle.keys import VerifyingKey
from dedup.bundle.serverkeys import VENDORS_FOLDER, load_server_keys, make_server_keys
from dedup.bundle.vendorkeys import make_vendor_keys
from dedup.bundle.vendors import register_vendor
from dedup.encode.job import EncodeOptions, Outcome, Work
from dedup.encode.pool import encode_extracts
from dedup.errors import ConfigError
from dedup.lab.simulate import Simulation
from dedup.lab.simulate.files import write_extracts, write_table
from dedup.nightly.contracts import keep_contracts
from dedup.settings import Settings, load_settings

BUNDLE_SUFFIX = ".bundle"


@dataclass(frozen=True, slots=True)
class Installation:
    """A folder with custodian/, vendors/V/{extracts,keys}/, config/, server/{keys,inbox,store}/ and truth.csv."""

    folder: Path

    @property
    def settings(self) -> Settings:
        """The server's settings."""
        return load_settings(self.folder / "config")

    @property
    def inbox(self) -> Path:
        """Where vendors put their bundles."""
        return self.settings.server_home / "inbox"

    @property
    def server_keys(self) -> Path:
        """The server's key folder."""
        return self.settings.server_home / "keys"

    @property
    def truth(self) -> Path:
        """Which registrations are of the same woman."""
        return self.folder / "truth.csv"

    @property
    def vendors(self) -> list[str]:
        """The codes of the vendors."""
        return sorted(path.name for path in (self.folder / "vendors").iterdir())

    def keys_of(self, vendor: str) -> Path:
        """Return a vendor's key folder."""
        return self.folder / "vendors" / vendor / "keys"

    def extracts_of(self, vendor: str) -> list[Path]:
        """Return a vendor's extracts, one a provider."""
        return sorted((self.folder / "vendors" / vendor / "extracts").glob("*.csv"))


def build_installation(folder: Path, simulation: Simulation, *, config: Path, created: datetime) -> Installation:
    """Make a new installation in `folder` from a simulation and a copy of the folder `config`.

    Raises `ConfigError` (`installation.exists`) when the folder is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError("installation.exists", f"{folder} is not empty; remove it or name another folder.")
    installation = Installation(folder)
    shutil.copytree(config, folder / "config")
    write_table(simulation.providers[["aanbieder_agb", "naam"]], folder / "config" / "providers.csv", ";")
    _stop_providers(folder / "config" / "rules.toml", simulation.providers)
    write_table(simulation.truth, installation.truth, ",")
    make_server_keys(installation.server_keys, created=created)
    contracts = simulation.contracts.to_csv(sep=";", index=False).encode()
    keep_contracts(installation.settings, load_server_keys(installation.server_keys), contracts)
    installation.inbox.mkdir(parents=True, mode=0o700)
    (folder / "custodian").mkdir(mode=0o700)
    epoch = LinkageKey.generate()
    write_key(folder / "custodian" / "epoch.key", epoch, created=created)
    vendor_of = simulation.providers.set_index("aanbieder_agb")["vendor"]
    for vendor, providers in vendor_of.groupby(vendor_of).groups.items():
        settle_vendor(installation, str(vendor), [str(agb) for agb in providers], epoch, created)
        mine = simulation.registrations[simulation.registrations["aanbieder_agb"].isin(providers)]
        write_extracts(mine, folder / "vendors" / str(vendor) / "extracts")
    return installation


def submit(installation: Installation, *, today: date, created: datetime, processes: int) -> Iterator[Outcome]:
    """Let every vendor encode its extracts into the inbox, as its cron job would; yields each bundle's outcome."""
    settings = installation.settings
    for vendor in installation.vendors:
        keys = installation.keys_of(vendor)
        options = EncodeOptions(
            key=keys / "epoch.key",
            model=settings.model_path,
            regions=settings.regions_path,
            seal_to=installation.server_keys / "sealing.pub",
            sign_with=keys / "signing.key",
            today=today,
            created_at=created,
            vendor=vendor,
            max_refused_share=settings.share("extract", "max_refused_share", 0.2),
        )
        works = [
            Work(extract, installation.inbox / f"{extract.stem}-{today:%Y%m%d}{BUNDLE_SUFFIX}", secrets.token_hex(16))
            for extract in installation.extracts_of(vendor)
        ]
        yield from encode_extracts(works, options, processes=processes)


def settle_vendor(
    installation: Installation, vendor: str, providers: list[str], epoch: LinkageKey, created: datetime
) -> None:
    """Give a vendor its keys, register it at the server, and bring it the epoch's key as the custodian would."""
    keys = installation.keys_of(vendor)
    make_vendor_keys(keys, created=created)
    register_vendor(
        installation.server_keys / VENDORS_FOLDER,
        vendor=vendor,
        key=read_key(keys / "signing.pub", VerifyingKey),
        providers=providers,
        created=created,
    )
    sealed = installation.folder / "custodian" / f"{vendor}.sealed"
    seal_linkage_key(sealed, epoch, read_key(keys / "sealing.pub", VendorSealingPublicKey), created=created)
    opened = open_linkage_key(sealed, read_key(keys / "sealing.key", VendorSealingPrivateKey))
    write_key(keys / "epoch.key", opened, created=created)


def _stop_providers(rules: Path, providers: pd.DataFrame) -> None:
    """Name the providers that stop in the copy of the rules, as the operator would when they announce it."""
    stopping = sorted(providers.loc[providers["stopt_per"] != "", "aanbieder_agb"])
    listed = ", ".join(f'"{agb}"' for agb in stopping)
    text = rules.read_text("utf-8")
    if text.count("\nproviders = []") != 1:
        raise ConfigError("installation.rules", f"{rules} has no empty list of stopping providers to fill in.")
    rules.write_text(text.replace("\nproviders = []", f"\nproviders = [{listed}]"), "utf-8")
