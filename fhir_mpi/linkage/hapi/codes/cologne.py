"""Cologne phonetics, for German."""

from collections.abc import Iterator
from typing import Final

_UMLAUTS: Final = str.maketrans("ÄÖÜ", "AOU")
_NONE: Final = "-"
_SIMPLE: Final = {
    **dict.fromkeys("AEIJOUY", "0"),
    "B": "1",
    **dict.fromkeys("FVW", "3"),
    **dict.fromkeys("GKQ", "4"),
    **dict.fromkeys("SZ", "8"),
    "L": "5",
    **dict.fromkeys("MN", "6"),
    "R": "7",
    "H": _NONE,
}


def cologne(text: str) -> str:
    """
    >>> cologne("Müller-Lüdenscheidt"), cologne("Meyer"), cologne("Maier")
    ('65752682', '67', '67')
    """
    code, last_digit = "", "/"
    for digit in _digits(text.upper().translate(_UMLAUTS)):
        # C looks at what is written so far: at the beginning it sounds otherwise.
        digit = digit if len(digit) == 1 else digit[0] if not code else digit[1]
        if digit != _NONE and digit != last_digit and (digit != "0" or not code):
            code += digit
        last_digit = digit
    return code


def _digits(word: str) -> Iterator[str]:
    """A digit per sound; two where the first counts at the beginning of the code, the second later."""
    before = _NONE
    for n, letter in enumerate(word):
        after = word[n + 1] if n + 1 < len(word) else _NONE
        if not "A" <= letter <= "Z":
            continue
        if letter == "X":
            yield from "8" if before in "CKQ" else "48"
        else:
            yield _SIMPLE.get(letter) or _digit(letter, before, after)
        before = letter


def _digit(letter: str, before: str, after: str) -> str:
    """C, D, P and T, which their neighbours change."""
    if letter == "P":
        return "3" if after == "H" else "1"
    if letter in "DT":
        return "8" if after in "CSZ" else "2"
    first = "4" if after in "AHKLOQRUX" else "8"
    return first + ("8" if before in "SZ" or after not in "AHKOQUX" else "4")
