"""How a normalised value becomes a set of tokens, by the token rule of its field."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from dedup.model.linkage import TokenRule

# Every token starts with a byte that tells its kind, so that tokens of two kinds never meet.
BIGRAM = "b"
POSITION = b"p"
WHOLE = "w"
YEAR = "y"
MONTH = "m"
DAY = "d"

# A position is one byte; what stands further back counts as standing at the last position.
LAST_POSITION = 255
_POSITIONS = tuple(POSITION + bytes([i]) for i in range(LAST_POSITION + 1))
# Names and dates come back in every extract of a run; more distinct ones than this are worked out again.
_REMEMBERED = 1 << 16


def value_tokens(rule: TokenRule, value: str) -> frozenset[bytes]:
    """Return the tokens of one non-empty normalised value; a record's token set is the union over its values.

    `date` expects eight digits, YYYYMMDD, as the normalisation rule `date` gives it. The rules are defined in
    docs/spec/encoding-v1.md, section 4. In bulk, `dedup.encode.tokenkeys` does the same with numbers.
    """
    if rule is TokenRule.WHOLE:
        return frozenset((whole_token(value),))
    return _parts(rule, value)


def whole_token(value: str) -> bytes:
    """Return the one token of a value that is compared whole."""
    return (WHOLE + value).encode()


def positioned(position: int, character: str) -> bytes:
    """Return the token of a character at a position, which is at most 255."""
    return _POSITIONS[position] + character.encode()


@lru_cache(_REMEMBERED)
def _parts(rule: TokenRule, value: str) -> frozenset[bytes]:
    if rule is TokenRule.BIGRAMS:
        return frozenset([(BIGRAM + left + right).encode() for left, right in pairwise(f"_{value}_")])
    tokens = [positioned(min(i, LAST_POSITION), character) for i, character in enumerate(value)]
    if rule is TokenRule.DATE:
        year, month, day = value[:4], value[4:6], value[6:]
        # Day and month stand in each other's role as well, so that a swapped pair shares all four tokens.
        roles = (YEAR + year, MONTH + month, DAY + day, MONTH + day, DAY + month)
        tokens += [role.encode() for role in roles]
    return frozenset(tokens)
