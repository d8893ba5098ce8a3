"""Fixtures of the extract room: a sound row, and files made of rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from dedup.extract.columns import COLUMN_NAMES
from dedup.model.linkage import LinkageModel
from dedup.model.load import load_model

TODAY = date(2026, 11, 22)
CONFIG = Path(__file__).parents[2] / "config"

SOUND = {
    "schema_versie": "1.0",
    "bronsysteem": "testpakket",
    "aanbieder_agb": "41000001",
    "zorgproduct": "kraamzorg",
    "rol": "zelfstandig",
    "status": "ingeschreven",
    "inschrijf_datum": "2026-06-01",
    "status_datum": "2026-06-02",
    "deelname": "ja",
    "geboortedatum": "1994-05-31",
    "achternaam": "Vries",
    "voorvoegsels": "de",
    "voornamen": "Johanna Maria",
    "roepnaam": "Anneke",
    "initialen": "J.M.",
    "postcode": "3511 AB",
    "huisnummer": "12",
    "telefoon": "06-24681357",
    "email": "anneke@voorbeeld.nl",
    "a_terme_datum": "2027-02-14",
    "a_terme_definitief": "ja",
    "uzovi": "3311",
    "verzekerdennummer": "0012345678",
    "indicatie_uren": "49",
}


def _row(number: int = 1, **changes: str) -> dict[str, str]:
    return {**SOUND, "registratie_id": str(UUID(int=number, version=4)), **changes}


def _csv_text(rows: Iterable[Mapping[str, str]], columns: Sequence[str] = COLUMN_NAMES, separator: str = ";") -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(columns)
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return text.getvalue()


@pytest.fixture(scope="session")
def today() -> date:
    return TODAY


@pytest.fixture(scope="session")
def row() -> Callable[..., dict[str, str]]:
    """Make a sound row with its own registratie_id, with changes."""
    return _row


@pytest.fixture(scope="session")
def csv_text() -> Callable[..., str]:
    """Write rows as the text of an extract."""
    return _csv_text


@pytest.fixture
def extract(tmp_path: Path) -> Callable[..., Path]:
    """Write rows to an extract and return its path."""

    def write(*rows: Mapping[str, str], name: str = "extract.csv", **options: object) -> Path:
        path = tmp_path / name
        path.write_text(_csv_text(rows, **options), encoding="utf-8", newline="")
        return path

    return write


@pytest.fixture(scope="session")
def kraamzorg() -> LinkageModel:
    return load_model(CONFIG / "linkage/kraamzorg.toml")


@pytest.fixture(scope="session")
def febrl() -> LinkageModel:
    return load_model(CONFIG / "linkage/febrl.toml")
