"""Metaphone of at most four letters, as Commons Codec understands it."""

from collections.abc import Callable
from typing import Final

_LENGTH: Final = 4
_VOWELS: Final = frozenset("AEIOU")
_FRONT: Final = frozenset("EIY")


def metaphone(text: str) -> str:
    """
    >>> metaphone("Dury"), metaphone("Durie"), metaphone("Allsop"), metaphone("Wright")
    ('TR', 'TR', 'ALSP', 'RT')
    """
    word = text.upper()
    if len(text) < 2:
        return word
    word, code, n = _begun(word), "", 0
    while len(code) < _LENGTH and n < len(word):
        letter = word[n]
        if letter == "C" or word[n - 1 : n] != letter:
            sound = _sound(word, n)
            code += sound
            n += 2 if letter + sound == "DJ" else 0  # DGE, DGI and DGY are one sound
        n += 1
    return code[:_LENGTH]


def _begun(word: str) -> str:
    if word[:2] in ("KN", "GN", "PN", "AE", "WR"):
        return word[1:]
    if word[:2] == "WH":
        return "W" + word[2:]
    return "S" + word[1:] if word[0] == "X" else word


def _sound(word: str, n: int) -> str:
    letter = word[n]
    if letter in _VOWELS:
        return letter if n == 0 else ""
    plain = _PLAIN.get(letter)
    return plain if plain is not None else _SOUNDS[letter](word, n) if letter in _SOUNDS else ""


def _before(word: str, n: int) -> str:
    return word[n - 1] if n else ""


def _c(word: str, n: int) -> str:
    after_s, following = _before(word, n) == "S", word[n + 1 : n + 2]
    if following in _FRONT:
        return "" if after_s else "X" if word.startswith("CIA", n) else "S"
    if following != "H" or after_s:
        return "K"
    return "K" if n == 0 and word[2:3] in _VOWELS else "X"


def _g(word: str, n: int) -> str:
    following = word[n + 1 : n + 2]
    if following == "H" and word[n + 2 : n + 3] not in _VOWELS:
        return ""
    if n and following == "N":
        return ""
    return "J" if following in _FRONT and _before(word, n) != "G" else "K"


def _h(word: str, n: int) -> str:
    voiced = word[n + 1 : n + 2] in _VOWELS and _before(word, n) not in tuple("CSPTG")
    return "H" if voiced else ""


def _s(word: str, n: int) -> str:
    return "X" if word.startswith(("SH", "SIO", "SIA"), n) else "S"


def _t(word: str, n: int) -> str:
    if word.startswith(("TIA", "TIO"), n):
        return "X"
    if word.startswith("TCH", n):
        return ""
    return "0" if word.startswith("TH", n) else "T"


def _d(word: str, n: int) -> str:
    return "J" if word[n + 1 : n + 2] == "G" and word[n + 2 : n + 3] in _FRONT else "T"


def _before_a_vowel(word: str, n: int) -> str:
    return word[n] if word[n + 1 : n + 2] in _VOWELS else ""


_PLAIN: Final = {
    **{letter: letter for letter in "FJLMNR"},
    "Q": "K",
    "V": "F",
    "X": "KS",
    "Z": "S",
}
_SOUNDS: Final[dict[str, Callable[[str, int], str]]] = {
    "B": lambda word, n: "" if _before(word, n) == "M" and n + 1 == len(word) else "B",
    "C": _c,
    "D": _d,
    "G": _g,
    "H": _h,
    "K": lambda word, n: "" if _before(word, n) == "C" else "K",
    "P": lambda word, n: "F" if word.startswith("PH", n) else "P",
    "S": _s,
    "T": _t,
    "W": _before_a_vowel,
    "Y": _before_a_vowel,
}
