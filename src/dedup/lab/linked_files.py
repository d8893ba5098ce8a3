"""Names of the files that `dedup link` leaves, for who writes and who reads them."""

from __future__ import annotations

from pathlib import Path


def records_path(pairs_path: Path) -> Path:
    """Return where `dedup link` writes the registratie_ids that were in: beside the pairs."""
    return pairs_path.with_name(f"{pairs_path.stem}.records{pairs_path.suffix}")
