"""The codex of the match rating approach (Western Airlines, 1977), for equality alone."""

import re
from typing import Final

_LEFT_OUT: Final = re.compile(r"[-&'.,]")
_SPACE: Final = re.compile(r"[ \t\n\x0b\f\r]+")
_VOWELS: Final = re.compile("[AEIOU]")
_DOUBLE: Final = re.compile(r"([B-DF-HJ-NP-TV-Z])\1")
_PLAIN: Final = str.maketrans("ÀÈÌÒÙÁÉÍÓÚÝÂÊÎÔÛŶÃÕÑÄËÏÖÜŸÅÇŐŰ", "AEIOUAEIOUYAEIOUYAONAEIOUYACOU")


def match_rating(text: str) -> str:
    """
    >>> match_rating("Goglia"), match_rating("Smith"), match_rating("Smyth")
    ('GL', 'SMTH', 'SMYTH')
    """
    if len(text) <= 1:
        return ""
    word = _SPACE.sub("", _LEFT_OUT.sub("", text.upper()).translate(_PLAIN))
    if not word:
        return ""
    first = word[0] if word[0] in "AEIOU" else ""
    word = first + _VOWELS.sub("", word)
    # Letter by letter, as the original: GGG leaves GG, whatever stands beside it.
    word = _DOUBLE.sub(r"\1", word)
    return word if len(word) <= 6 else word[:3] + word[-3:]
