"""How a normalised value becomes a set of tokens, by the token rule of its field."""

from __future__ import annotations

from dedup.model.linkage import TokenRule

# Every token starts with a byte that tells its kind, so that tokens of two kinds never meet.
BIGRAM = b"b"
POSITION = b"p"
WHOLE = b"w"
YEAR = b"y"
MONTH = b"m"
DAY = b"d"

MAX_POSITION = 255


def value_tokens(rule: TokenRule, value: str) -> frozenset[bytes]:
    """Return the tokens of one non-empty normalised value; a record's token set is the union over its values.

    `date` expects eight digits, YYYYMMDD, as the normalisation rule `date` gives it. The rules are defined in
    docs/spec/encoding-v1.md, section 5.
    """
    if rule is TokenRule.BIGRAMS:
        padded = f"_{value}_"
        return frozenset(BIGRAM + padded[i : i + 2].encode() for i in range(len(padded) - 1))
    if rule is TokenRule.POSITIONS:
        return _positions(value)
    if rule is TokenRule.DATE:
        return _positions(value) | _components(value[:4], value[4:6], value[6:])
    return frozenset([WHOLE + value.encode()])


def _positions(value: str) -> frozenset[bytes]:
    return frozenset(POSITION + bytes([min(i, MAX_POSITION)]) + c.encode() for i, c in enumerate(value))


def _components(year: str, month: str, day: str) -> frozenset[bytes]:
    # Day and month stand in each other's role as well, so that a swapped pair shares all four tokens.
    roles = (
        YEAR + year.encode(),
        MONTH + month.encode(),
        DAY + day.encode(),
        MONTH + day.encode(),
        DAY + month.encode(),
    )
    return frozenset(roles)
