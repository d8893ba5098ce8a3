"""clkhash schemas of our two kinds of tables: bigrams for names, positions for numbers, whole values where unique.

Every feature sets 100 bits, so that about half of the 1,024 are set; more would make clkhash slower.
"""

BITS = 1024
BITS_PER_FEATURE = 100
Comparison = dict[str, object]
BIGRAMS: Comparison = {"type": "ngram", "n": 2}
POSITIONS: Comparison = {"type": "ngram", "n": 1, "positional": True}
WHOLE: Comparison = {"type": "exact"}
COMPARED: dict[str, dict[str, Comparison]] = {
    "kraamzorg": {
        "voornamen": BIGRAMS,
        "achternaam": BIGRAMS,
        "achternaam_partner": BIGRAMS,
        "geboortedatum": POSITIONS,
        "postcode": POSITIONS,
        "huisnummer": POSITIONS,
        "telefoon": WHOLE,
        "email": WHOLE,
        "verzekerdennummer": WHOLE,
    },
    "febrl": {
        "given_name": BIGRAMS,
        "surname": BIGRAMS,
        "street_number": POSITIONS,
        "address_1": BIGRAMS,
        "address_2": BIGRAMS,
        "suburb": BIGRAMS,
        "postcode": POSITIONS,
        "date_of_birth": POSITIONS,
        "soc_sec_id": POSITIONS,
    },
}


def schema(name: str) -> dict[str, object]:
    """Return the schema of a table whose first column is an id, as the JSON document that clkhash reads."""
    features = [
        {
            "identifier": column,
            "format": {"type": "string", "encoding": "utf-8"},
            "hashing": {
                "comparison": comparison,
                "strategy": {"bitsPerFeature": BITS_PER_FEATURE},
                "hash": {"type": "doubleHash"},
            },
        }
        for column, comparison in COMPARED[name].items()
    ]
    kdf = {"type": "HKDF", "hash": "SHA256", "info": "", "salt": "", "keySize": 64}
    return {
        "version": 3,
        "clkConfig": {"l": BITS, "kdf": kdf},
        "features": [{"identifier": "id", "ignored": True}, *features],
    }
