"""The monthly flow and the retention flow do what their commands do, and leave counts."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from dedup.lab.installation import Installation
from dedup.nightly.night import open_night
from dedup.nightly.run import run_night

from .conftest import artifact

NIGHT = date(2026, 11, 22)

pytestmark = pytest.mark.usefixtures("prefect_server")


def test_a_month_is_reported_in_the_first_nights_of_the_next_and_what_is_past_its_time_goes(
    installation: Installation,
) -> None:
    from flows.monthly import monthly
    from flows.retention import retention

    with open_night(installation.settings, today=NIGHT, clock=lambda: datetime.now(UTC)) as night:
        lines = {line.ksv: line for line in run_night(night).ksvs}
    config = str(installation.folder / "config")
    # The retention flow goes by the real clock: whenever this runs, the night is within these days and 1900 is not.
    settings = installation.folder / "config" / "settings.toml"
    text = settings.read_text("utf-8").replace("keep_reports_days = 56", "keep_reports_days = 36500")
    settings.write_text(text, "utf-8")

    made = monthly(config=config, day="2026-12-01")
    (installation.folder / "reports" / "KSV01" / "1900-01-01").mkdir(parents=True)
    removed = retention(config=config)

    assert (made["month"], made["day"]) == ("2026-11", "2026-11-22")
    assert {line["ksv"]: line["open"] for line in made["ksvs"]} == {ksv: line.open for ksv, line in lines.items()}
    assert artifact("monthly-ksvs") == made["ksvs"]
    assert artifact("monthly-counts") == [{"reports_ksv": len(lines), "reports_insurer": len(made["insurers"])}]
    assert len(list(installation.folder.glob("monthly-reports/*/2026-11/report.pdf"))) == len(lines)
    assert removed["reports"] == 1
    assert artifact("retention-counts") == [removed]
