"""The public region table covers the whole country, each postcode once."""

import pytest

from dedup.lab.simulate.regions import ksv_codes, national_regions, regions_table


def test_every_postcode_from_1000_to_9999_is_in_exactly_one_range() -> None:
    regions = national_regions()
    assert (regions.first[0], regions.last[-1]) == (1000, 9999)
    assert [first - 1 for first in regions.first[1:]] == list(regions.last[:-1])


def test_there_are_some_fifty_regions_with_names_of_their_own() -> None:
    regions = national_regions()
    assert 45 <= len(ksv_codes(regions)) <= 50
    assert len(set(regions.names.values())) == len(regions.names)
    assert all(code.startswith("KSV") and len(code) == 5 for code in ksv_codes(regions))


@pytest.mark.parametrize(("pc4", "name"), [("1012", "Amsterdam"), ("3011", "Rotterdam"), ("9711", "Groningen")])
def test_towns_are_where_they_are(pc4: str, name: str) -> None:
    regions = national_regions()
    assert regions.names[regions.ksv_of(pc4)] == name


def test_the_table_is_written_as_it_was_read() -> None:
    table = regions_table(national_regions())
    assert list(table.columns) == ["pc4_from", "pc4_to", "ksv", "ksv_naam"]
    assert table["pc4_from"].astype(int).tolist() == list(national_regions().first)
