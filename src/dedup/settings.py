"""The settings of an installation: where the config folder is, and what its `settings.toml` says.

Every relative path in `settings.toml` is relative to the folder that holds the config folder, so an installation is
one folder that can be moved as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dedup.errors import ConfigError
from dedup.toml import read_toml

SETTINGS_FILE = "settings.toml"
PACKAGED_CONFIG = Path(__file__).parent / "_config"
# A century, in the unit that a setting's name ends in: dates and their arithmetic go no further.
_MOST = {"days": 36_525, "seconds": 36_525 * 86_400}
CHECKOUT_CONFIG = Path(__file__).parents[2] / "config"


@dataclass(frozen=True, slots=True)
class Settings:
    """What `settings.toml` says, every path absolute; `raw` keeps the sections for the rooms that own them."""

    config_dir: Path
    root: Path
    raw: Mapping[str, Mapping[str, Any]]

    def section(self, name: str) -> Mapping[str, Any]:
        """Return one section, empty when the file leaves it out."""
        return self.raw.get(name, {})

    def count(self, section: str, key: str, default: int) -> int:
        """Return a whole number from 0, of days or seconds at most a century.

        Raises `ConfigError` (`config.setting`) when the file says something else.
        """
        value = self.section(section).get(key, default)
        if type(value) is not int or value < 0:
            raise ConfigError("config.setting", f"[{section}] {key} in {SETTINGS_FILE} must be a whole number from 0.")
        unit = key.rpartition("_")[2]
        if value > _MOST.get(unit, value):
            raise ConfigError("config.setting", f"[{section}] {key} in {SETTINGS_FILE} is over {_MOST[unit]} {unit}.")
        return value

    def share(self, section: str, key: str, default: float) -> float:
        """Return a number from 0 to 1; raises `ConfigError` (`config.setting`) when the file says something else."""
        value = self.section(section).get(key, default)
        if type(value) not in {int, float} or not 0 <= value <= 1:
            raise ConfigError("config.setting", f"[{section}] {key} in {SETTINGS_FILE} must be a number from 0 to 1.")
        return float(value)

    def text(self, section: str, key: str, default: str) -> str:
        """Return a text on one line; raises `ConfigError` (`config.setting`) when the file says something else."""
        value = self.section(section).get(key, default)
        if not isinstance(value, str) or not value.isprintable():
            raise ConfigError("config.setting", f"[{section}] {key} in {SETTINGS_FILE} must be a text on one line.")
        return value

    def path(self, section: str, key: str, default: str) -> Path:
        """Return a path setting, resolved against the installation's folder; raises as `text`."""
        return (self.root / self.text(section, key, default)).resolve()

    @property
    def server_home(self) -> Path:
        """The server's folder: `keys/`, `inbox/` and `store/`."""
        return self.path("server", "home", "server")

    @property
    def model_path(self) -> Path:
        """The linkage model of registrations."""
        return self.config_dir / self.text("linkage", "model", "linkage/kraamzorg.toml")

    @property
    def regions_path(self) -> Path:
        """The public table of postcode ranges and KSVs."""
        return self.config_dir / self.text("regions", "table", "regions.csv")


def find_config_dir(option: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """Return the config folder: the option, `$DEDUP_CONFIG`, `./config`, else the copy that is installed.

    Raises `ConfigError` (`config.missing`) when a folder that was named holds no `settings.toml`.
    """
    named = option or (Path(environ["DEDUP_CONFIG"]) if environ.get("DEDUP_CONFIG") else None)
    if named is not None:
        if not (named / SETTINGS_FILE).is_file():
            raise ConfigError("config.missing", f"The config folder {named} holds no {SETTINGS_FILE}.")
        return named.resolve()
    for candidate in (cwd / "config", PACKAGED_CONFIG, CHECKOUT_CONFIG):
        if (candidate / SETTINGS_FILE).is_file():
            return candidate.resolve()
    raise ConfigError("config.missing", f"No config folder with {SETTINGS_FILE} was found; name one with --config.")


def load_settings(config_dir: Path) -> Settings:
    """Read `settings.toml` of a config folder; raises `ConfigError` (`config.malformed`) when it cannot be used."""
    try:
        raw = read_toml(config_dir / SETTINGS_FILE)
    except ValueError as error:
        raise ConfigError("config.malformed", f"{config_dir / SETTINGS_FILE} is not valid TOML.") from error
    if not all(isinstance(section, dict) for section in raw.values()):
        raise ConfigError("config.malformed", f"{config_dir / SETTINGS_FILE} has a setting outside its section.")
    return Settings(config_dir=config_dir, root=config_dir.parent, raw=raw)
