"""Letters without their accents, for whoever compares texts: search and linkage."""

import unicodedata
from typing import Final

PLAIN_LETTERS: Final = {
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "ħ": "h",
    "\u0131": "i",  # the dotless i of Turkish
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
}
"""Small letters that Unicode doesn't take apart into a letter and a mark."""


def without_diacritics(text: str) -> str:
    """The text in compatibility decomposition (NFKD), without accents and optional vowel points.

    Those of Hebrew, Arabic and Syriac go too, by canonical combining class (UAX 44). Indic vowel signs
    and viramas, and kana voicing marks, say which letter it is: they stay.

    >>> without_diacritics("Ångström"), len(without_diacritics("\u304c"))
    ('Angstrom', 2)
    """
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not _is_diacritic(c))


def _is_diacritic(character: str) -> bool:
    kind = unicodedata.combining(character)
    return kind >= 200 or 10 <= kind <= 36
