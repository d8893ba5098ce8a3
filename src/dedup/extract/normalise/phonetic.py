r"""A phonetic code for names as they are heard and spelt in the Netherlands: Dutch, Turkish, Moroccan, Polish.

The code says which names are worth comparing, so it is coarse on purpose: vowels are not kept, and spellings that
romanise one sound merge (Aicha = Aysha = Ayşe, Mohamed = Muhammed, Schmidt = Smit, Youssef = Jozef).

**Definition** (stable: a change is a new scheme version). The input is a folded name. These rewrites, each a regular
expression that replaces every match from left to right, are applied in this order:

1.  only letters: `[^a-z]` -> nothing; `ij` -> `y`
2.  the start: `^dz?j` -> `j`; `^ou(?=[aeiouy])` -> `w`; `^i(?=[aeou])` -> `j`; `^y(?=[aeiou])` -> `j`
3.  sibilants: `tsch|tch|tsj|sch|sh|sj|sz|cz|zh|zj` -> `s`
4.  ch: `^ch(?=[rl])` -> `k`; `ch(?=t)` -> `g`; `gch` -> `g`; `ch` -> `s`
5.  mute h: `ph` -> `f`; `th|dt` -> `t`; `gh` -> `g`; `kh` -> `k`
6.  c, q, x: `ck|cq|qu|q` -> `k`; `c(?=[eiy])` -> `s`; `c` -> `k`; `x` -> `ks`
7.  voice: `z` -> `s`; `v` -> `f`
8.  doubles: `(.)\1+` -> `\1`
9.  the end: `^(.{3,})en$` -> `\1`; `d(?=s?$)` -> `t`; `b$` -> `p`
10. a vowel at the start: `^[aeiouy]|^j(?![aeiouy])` -> `a`
11. after the first letter: `(?<=.)[aeiouyjhw]` -> nothing

Of what is left, the first 5 letters are the code. Only an input without any letter has no code.
"""

from __future__ import annotations

import re
from functools import lru_cache
from operator import itemgetter

from dedup.extract.normalise.folding import REMEMBERED

CODE_LENGTH = 5

# Pattern, replacement, and texts one of which stands in whatever the pattern matches: a name without any is not tried.
_REWRITES: tuple[tuple[re.Pattern[str], str, tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), replacement, tuple(needed.split("|")))
    for pattern, replacement, needed in (
        (r"[^a-z]", "", ""),
        (r"ij", "y", "ij"),
        (r"^dz?j", "j", "j"),
        (r"^ou(?=[aeiouy])", "w", "ou"),
        (r"^i(?=[aeou])", "j", "i"),
        (r"^y(?=[aeiou])", "j", "y"),
        (r"tsch|tch|tsj|sch|sh|sj|sz|cz|zh|zj", "s", "ch|sh|sj|sz|cz|zh|zj"),
        (r"^ch(?=[rl])", "k", "ch"),
        (r"ch(?=t)", "g", "ch"),
        (r"gch", "g", "gch"),
        (r"ch", "s", "ch"),
        (r"ph", "f", "ph"),
        (r"th|dt", "t", "th|dt"),
        (r"gh", "g", "gh"),
        (r"kh", "k", "kh"),
        (r"ck|cq|qu|q", "k", "ck|q"),
        (r"c(?=[eiy])", "s", "c"),
        (r"c", "k", "c"),
        (r"x", "ks", "x"),
        (r"z", "s", "z"),
        (r"v", "f", "v"),
        (r"(.)\1+", r"\1", ""),
        (r"^(.{3,})en$", r"\1", "en"),
        (r"d(?=s?$)", "t", "d"),
        (r"b$", "p", "b"),
        (r"^[aeiouy]|^j(?![aeiouy])", "a", ""),
        (r"(?<=.)[aeiouyjhw]", "", ""),
    )
)
# A group as a function of the match: the template would be looked up anew for every name.
_STEPS = tuple(
    (needed, pattern.sub, itemgetter(1) if replacement == r"\1" else replacement)
    for pattern, replacement, needed in _REWRITES
)


@lru_cache(REMEMBERED)
def phonetic_code(name: str) -> str:
    """Return the code of a folded name, 1 to 5 letters, or "" where it holds no letter."""
    for needed, rewrite, replacement in _STEPS:
        for text in needed:
            if text in name:
                name = rewrite(replacement, name)
                break
    return name[:CODE_LENGTH]
