"""Splink models of our two kinds of tables, as a practised Splink user would write them; runs in Splink's own venv.

Each has several levels of likeness per field, term frequencies on names, and blocking rules that stand for the passes
of our linkage model of the same name.
"""

import splink.comparison_level_library as levels
import splink.comparison_library as comparisons
from splink import SettingsCreator, block_on

ID = "registratie_id"


def _named(name, *its_levels):
    return comparisons.CustomComparison(output_column_name=name, comparison_levels=list(its_levels))


def _person_name(column, lists):
    """Compare a name that may have several parts: equal, a part in common, a part alike."""
    return _named(
        column,
        levels.NullLevel(column),
        levels.ExactMatchLevel(column, term_frequency_adjustments=True),
        levels.ArrayIntersectLevel(lists, min_intersection=1),
        levels.PairwiseStringDistanceFunctionLevel(lists, "jaro_winkler", 0.92),
        levels.PairwiseStringDistanceFunctionLevel(lists, "jaro_winkler", 0.8),
        *([levels.ExactMatchLevel("initial")] if column == "main_first_name" else []),
        levels.ElseLevel(),
    )


def _date(column):
    """Compare a date written YYYYMMDD: equal, a typing error, or day and month exchanged."""
    exchanged = f"{column}_l[1:4] || {column}_l[7:8] || {column}_l[5:6] = {column}_r"
    return _named(
        column,
        levels.NullLevel(column),
        levels.ExactMatchLevel(column),
        levels.LevenshteinLevel(column, 1),
        levels.CustomLevel(exchanged, label_for_charts="day and month exchanged"),
        levels.LevenshteinLevel(column, 2),
        levels.ElseLevel(),
    )


def _address():
    same_house = "house_number_l = house_number_r"
    return _named(
        "address",
        levels.NullLevel("pc6"),
        levels.CustomLevel(f"pc6_l = pc6_r and {same_house}", label_for_charts="same house"),
        levels.ExactMatchLevel("pc6"),
        levels.CustomLevel(f"levenshtein(pc6_l, pc6_r) <= 1 and {same_house}", label_for_charts="one typing error"),
        levels.ExactMatchLevel("pc4"),
        levels.ElseLevel(),
    )


def _weeks():
    apart = "abs(edd_week_l - edd_week_r)"
    return _named(
        "edd_week",
        levels.NullLevel("edd_week"),
        *(levels.CustomLevel(f"{apart} <= {weeks}", label_for_charts=f"{weeks} weeks") for weeks in (0, 1, 2, 4, 11)),
        levels.ElseLevel(),
    )


def _settings(comparing, blocking):
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name=ID,
        comparisons=comparing,
        blocking_rules_to_generate_predictions=blocking,
        retain_matching_columns=False,
    )


def kraamzorg(columns):
    """Return the model of registrations for maternity care, and what to train it with; `columns` are not empty."""
    optional = [column for column in ("phone", "email", "insurance") if column in columns]
    settings = _settings(
        [
            _person_name("main_first_name", "first_names"),
            _person_name("surname", "surnames"),
            _date("birth_date"),
            _address(),
            _weeks(),
            *(comparisons.LevenshteinAtThresholds(column, [1, 2]) for column in optional),
        ],
        [
            block_on("birth_date", "first_name_codes", arrays_to_explode=["first_name_codes"]),
            block_on("birth_date", "surname_codes", arrays_to_explode=["surname_codes"]),
            block_on("pc6", "house_number"),
            *(block_on(column) for column in optional if column != "email"),
            block_on("surname_codes", "main_first_code", "pc4", arrays_to_explode=["surname_codes"]),
            block_on("birth_date", "pc4"),
            block_on(
                "surname_codes", "first_name_codes", "edd_week", arrays_to_explode=["surname_codes", "first_name_codes"]
            ),
        ],
    )
    certain = [
        block_on("birth_date", "main_first_name", "surname"),
        block_on("birth_date", "pc6", "house_number"),
        *(block_on("birth_date", column) for column in optional),
    ]
    # Few strangers share these, so that EM learns from matches; each comparison is trained by one rule or more.
    training = [
        block_on("birth_date", "main_first_name"),
        block_on("birth_date", "surname"),
        block_on("pc6", "house_number", "main_first_code"),
    ]
    return settings, certain, training


def _text(column, frequencies=False):
    return _named(
        column,
        levels.NullLevel(column),
        levels.ExactMatchLevel(column, term_frequency_adjustments=frequencies),
        levels.JaroWinklerLevel(column, 0.92),
        levels.JaroWinklerLevel(column, 0.8),
        levels.ElseLevel(),
    )


def _digits(column):
    return comparisons.LevenshteinAtThresholds(column, [1, 2])


def _given_and_surname():
    """Compare both names at once, because FEBRL exchanges them now and then."""
    return _named(
        "surname",
        levels.NullLevel("surname"),
        levels.ExactMatchLevel("surname", term_frequency_adjustments=True),
        levels.CustomLevel(_exchanged("given_name", "surname"), label_for_charts="exchanged"),
        levels.JaroWinklerLevel("surname", 0.92),
        levels.JaroWinklerLevel("surname", 0.8),
        levels.ElseLevel(),
    )


def febrl(_columns):
    """Return the model of the FEBRL tables, and what to train it with."""
    settings = _settings(
        [
            _text("given_name", frequencies=True),
            _given_and_surname(),
            _date("born"),
            _digits("soc_sec_id"),
            _digits("street_number"),
            _text("address_1"),
            _text("address_2"),
            _text("suburb"),
            _digits("postcode"),
        ],
        [
            block_on("soc_sec_id"),
            block_on("born", "postcode"),
            block_on("born", "name_code", arrays_to_explode=["name_code"]),
            block_on("born", "street_number"),
            block_on("name_code", "suburb_code", "postcode", arrays_to_explode=["name_code"]),
            block_on("name_code", "street_code", "street_number", arrays_to_explode=["name_code"]),
            block_on("street_code", "suburb_code"),
        ],
    )
    certain = [block_on("soc_sec_id"), block_on("born", "given_name", "surname")]
    training = [block_on("soc_sec_id"), block_on("born"), block_on("given_name", "surname")]
    return settings, certain, training


def _given_name(column, other):
    """Compare a first name: it may be shortened, or stand in the surname's column."""
    shortened = f"starts_with({column}_l, {column}_r) or starts_with({column}_r, {column}_l)"
    return _exchangeable_name(column, other, levels.CustomLevel(shortened, label_for_charts="shortened"))


def _exchangeable_name(column, other, *further):
    """Compare a name that may stand in the other name's column; `further` are levels above the lowest likeness."""
    return _named(
        column,
        levels.NullLevel(column),
        levels.ExactMatchLevel(column, term_frequency_adjustments=True),
        levels.JaroWinklerLevel(column, 0.92),
        levels.CustomLevel(_exchanged(column, other), label_for_charts="exchanged"),
        levels.JaroWinklerLevel(column, 0.8),
        *further,
        levels.JaroWinklerLevel(column, 0.7),
        levels.ElseLevel(),
    )


def _exchanged(column, other):
    return f"{column}_l = {other}_r and {other}_l = {column}_r"


def _alike(column, likeness):
    return f"jaro_winkler_similarity({column}_l, {column}_r) >= {likeness}"


def _home():
    """Compare street, town and postcode at once: they come and go together when people move."""
    street, town, postcode = _alike("street", 0.9), _alike("town", 0.9), "postcode_l = postcode_r"
    near = "levenshtein(postcode_l, postcode_r) <= 1"
    return _named(
        "home",
        levels.And(levels.NullLevel("street"), levels.NullLevel("town"), levels.NullLevel("postcode")),
        levels.CustomLevel(f"street_l = street_r and ({postcode} or {town})", label_for_charts="same home"),
        levels.CustomLevel(f"{street} and ({near} or {town})", label_for_charts="same home, misspelt"),
        levels.CustomLevel(street, label_for_charts="street alike"),
        levels.CustomLevel(f"{town} and {postcode}", label_for_charts="town and postcode"),
        levels.CustomLevel(f"{town} or {postcode}", label_for_charts="town or postcode"),
        levels.CustomLevel(near, label_for_charts="one wrong digit"),
        levels.ElseLevel(),
    )


def patients(_columns):
    """Return the model of the made-up patients, and what to train it with."""
    settings = _settings(
        [
            _given_name("first_name", "surname"),
            _exchangeable_name("surname", "first_name"),
            _date("born"),
            _home(),
            _digits("phone"),
        ],
        [
            block_on("born"),
            block_on("phone"),
            block_on("first_code", "last_code"),
            block_on("name_code", "postcode", arrays_to_explode=["name_code"]),
            block_on("name_code", "town_code", arrays_to_explode=["name_code"]),
            block_on("name_code", "street_code", arrays_to_explode=["name_code"]),
            block_on("street", "postcode"),
        ],
    )
    certain = [block_on("born", "first_name", "surname"), block_on("phone", "first_name"), block_on("born", "street")]
    training = [block_on("born", "first_name"), block_on("phone", "first_code"), block_on("first_name", "surname")]
    return settings, certain, training


def tenants(_columns):
    """Return the model of the made-up tenants, and what to train it with."""
    settings = _settings(
        [
            _given_name("given_name", "surname"),
            _exchangeable_name("surname", "given_name"),
            _date("birth_date"),
            _text("birth_town", frequencies=True),
            _rented_home(),
            _digits("phone"),
            _text("email"),
        ],
        [
            block_on("birth_date"),
            block_on("phone"),
            block_on("email"),
            block_on("contract"),
            block_on("given_code", "surname_code"),
            block_on("name_code", "town_code", arrays_to_explode=["name_code"]),
            block_on("name_code", "street_code", arrays_to_explode=["name_code"]),
            block_on("street", "town"),
        ],
    )
    certain = [
        block_on("birth_date", "given_name", "surname"),
        block_on("email", "given_name"),
        block_on("phone", "given_name"),
    ]
    training = [
        block_on("birth_date", "given_name"),
        block_on("email", "given_code"),
        block_on("given_name", "surname"),
    ]
    return settings, certain, training


def _rented_home():
    """Compare street, town and contract at once: they come and go together when people move."""
    street, town = _alike("street", 0.9), _alike("town", 0.9)
    return _named(
        "home",
        levels.And(levels.NullLevel("street"), levels.NullLevel("town"), levels.NullLevel("contract")),
        levels.CustomLevel("street_l = street_r and contract_l = contract_r", label_for_charts="street and contract"),
        levels.CustomLevel("levenshtein(contract_l, contract_r) <= 1", label_for_charts="contract"),
        levels.CustomLevel("street_l = street_r and town_l = town_r", label_for_charts="same home"),
        levels.CustomLevel(f"{street} and {town}", label_for_charts="same home, misread"),
        levels.CustomLevel(street, label_for_charts="street alike"),
        levels.ExactMatchLevel("town", term_frequency_adjustments=True),
        levels.CustomLevel(town, label_for_charts="town alike"),
        levels.ElseLevel(),
    )


def _place():
    """Compare zip code and city at once: they come and go together when people move."""
    city, near = _alike("city", 0.9), "levenshtein(zip_l, zip_r) <= 1"
    return _named(
        "place",
        levels.And(levels.NullLevel("zip"), levels.NullLevel("city")),
        levels.CustomLevel(f"zip_l = zip_r and {city}", label_for_charts="same place"),
        levels.CustomLevel(f"{near} and {city}", label_for_charts="same place, misread"),
        levels.ExactMatchLevel("zip"),
        levels.ExactMatchLevel("city", term_frequency_adjustments=True),
        levels.CustomLevel(f"{near} or {city}", label_for_charts="zip or city alike"),
        levels.ElseLevel(),
    )


def members(_columns):
    """Return the model of the made-up members, and what to train it with."""
    settings = _settings(
        [
            _given_name("forename", "family_name"),
            _exchangeable_name("family_name", "forename"),
            comparisons.ExactMatch("middle").configure(term_frequency_adjustments=True),
            _date("dob"),
            _text("email"),
            _digits("card"),
            _place(),
        ],
        [
            block_on("dob"),
            block_on("card"),
            block_on("email"),
            block_on("forename_code", "family_code"),
            block_on("name_code", "zip", arrays_to_explode=["name_code"]),
            block_on("name_code", "city_code", arrays_to_explode=["name_code"]),
        ],
    )
    certain = [block_on("dob", "forename", "family_name"), block_on("card"), block_on("email", "forename")]
    training = [block_on("dob", "forename"), block_on("card"), block_on("forename", "family_name")]
    return settings, certain, training


MODELS = {"kraamzorg": kraamzorg, "febrl": febrl, "patients": patients, "tenants": tenants, "members": members}
# Share of the true pairs that the `certain` rules find, as somebody would guess who has seen such a table.
RECALL = {"kraamzorg": 0.9, "febrl": 0.9, "patients": 0.3, "tenants": 0.3, "members": 0.3}
