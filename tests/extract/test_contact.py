"""Phone, e-mail, insurance number, postcode and house number: every notation of one value is one value."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.nl import postcode as stdnum_postcode

from dedup.extract.normalise.address import house_number, postcode
from dedup.extract.normalise.contact import email_address, insurance_number, insurer_code, phone_number
from dedup.extract.normalise.dates import date_digits

DUTCH = st.from_regex(r"(6[1-5][0-9]{7}|[1-57][0-9]{8})", fullmatch=True)


@pytest.mark.parametrize(
    "typed",
    [
        "0612345670",
        "06-12345670",
        "06 12 34 56 70",
        "06.1234.5670",
        "+31612345670",
        "+31 6 12345670",
        "+31 (0)6 12345670",
        "0031612345670",
        "00 31 6 12345670",
        "0031(0)612345670",
        "31612345670",
        "612345670",
        "(06) 12345670",
        "06/12345670",
        "+31-6-1234-5670",
        "06–12345670",
    ],
)
def test_every_notation_of_a_dutch_number_is_its_last_nine_digits(typed: str) -> None:
    assert phone_number(typed) == "612345670"


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+32 470 12 34 56", "+32470123456"),
        ("0032470123456", "+32470123456"),
        ("+49 (0)151 23456789", "+4915123456789"),
        ("0049 (0)151 23456789", "+4915123456789"),
        ("+212 6 12 34 56 78", "+212612345678"),
        ("0090 532 123 45 67", "+905321234567"),
    ],
)
def test_a_foreign_number_is_kept_in_full(typed: str, number: str) -> None:
    assert phone_number(typed) == number


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "geen",
        "0",
        "06",
        "061234567",
        "06123456789",
        "06-12345678 of 06-87654321",
        "06 1234567a",
        "0600000000",
        "0000000000",
        "9999999999",
        "+31 20",
        "+0612345678",
        "n.v.t.",
    ],
)
def test_what_is_no_number_or_a_filler_is_missing(typed: str) -> None:
    assert phone_number(typed) == ""


@given(DUTCH, st.sampled_from(["0{}", "+31{}", "0031{}", "+31 (0){}"]))
def test_dutch_numbers_agree_with_phonenumbers(nine: str, notation: str) -> None:
    parsed = phonenumbers.parse("0" + nine, "NL")
    if phonenumbers.is_valid_number(parsed) and len(set(nine[-7:])) > 1:
        e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        assert "+31" + phone_number(notation.format(nine)) == e164


@given(st.sampled_from(["BE", "DE", "MA", "TR", "PL", "GB", "SR", "FR"]), st.data())
def test_foreign_numbers_agree_with_phonenumbers(region: str, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE]))
    number = phonenumbers.example_number_for_type(region, kind)
    assert number is not None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    international = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    assert phone_number(international) == phone_number(e164) == phone_number(e164.replace("+", "00")) == e164


def test_an_email_address_is_lower_case() -> None:
    assert email_address(" Anneke.deVries+zorg@Voorbeeld.NL ") == "anneke.devries+zorg@voorbeeld.nl"


@pytest.mark.parametrize(
    "typed", ["", "anneke", "a@b", "a@@b.nl", "a b@c.nl", "a@b.nl, c@d.nl", "@b.nl", "a@b.n", "é@b.nl"]
)
def test_what_is_no_email_address_is_missing(typed: str) -> None:
    assert email_address(typed) == ""


def test_insurance_numbers_lose_punctuation_and_leading_zeros() -> None:
    assert insurance_number("0012.345-678") == insurance_number("12345678") == "12345678"
    assert insurance_number("ab 12345") == "ab12345"
    assert insurance_number("00000000") == insurance_number("999999999") == insurance_number("1") == ""


def test_an_insurer_code_gets_its_leading_zero_back() -> None:
    assert (insurer_code("0101"), insurer_code("101"), insurer_code("33110"), insurer_code("abcd")) == (
        "0101",
        "0101",
        "",
        "",
    )


@given(st.from_regex(r"[0-9]{4} ?[A-Za-z]{2}", fullmatch=True))
def test_postcodes_agree_with_stdnum(typed: str) -> None:
    valid = stdnum_postcode.is_valid(typed)
    assert postcode(typed) == (typed.replace(" ", "").lower() if valid else "")


@pytest.mark.parametrize("typed", ["", "1234", "12345 AB", "1234 A", "AB 1234", "1234ABC", "0234 AB", "1234 SS"])
def test_what_is_no_postcode_is_missing(typed: str) -> None:
    assert postcode(typed) == ""


@pytest.mark.parametrize(
    ("typed", "number"),
    [("12", "12"), ("12a", "12"), ("12-2", "12"), ("12 hs", "12"), ("012", "12"), ("nr. 12", "12"), ("12/3", "12"),
     ("", ""), ("0", ""), ("a", ""), ("123456", "")],
)  # fmt: skip
def test_a_house_number_stands_apart_from_its_suffix(typed: str, number: str) -> None:
    assert house_number(typed) == number


@pytest.mark.parametrize(
    ("typed", "digits"),
    [("1994-05-31", "19940531"), ("19940531", "19940531"), ("1994/05/31", "19940531"), ("1994-04-31", "19940431"),
     ("31-05-1994", ""), ("1994-0531", ""), ("1994-5-31", ""), ("", "")],
)  # fmt: skip
def test_a_date_is_eight_digits_year_first(typed: str, digits: str) -> None:
    assert date_digits(typed) == digits
