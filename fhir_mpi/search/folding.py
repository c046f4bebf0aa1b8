"""How a text is folded so that a search finds it however it was typed."""

import unicodedata
from functools import lru_cache
from typing import Final

from fhir_mpi.fhir.text import PLAIN_LETTERS, stream_safe, without_diacritics
from fhir_mpi.search.term import LONGEST_TEXT, Term

_LETTERS: Final = str.maketrans(PLAIN_LETTERS)


@lru_cache(maxsize=8192)
def folded(text: str) -> str:
    """The text without case, diacritics, and runs of white space; at most 1,000 characters.

    Vowel signs, viramas and voicing marks are letters to those who write them, and stay.

    >>> folded("  Søren   Ångström-GROẞ ")
    'soren angstrom-gross'
    """
    if text.isascii():
        return " ".join(text.lower().split())
    kept = without_diacritics(unicodedata.normalize("NFKD", stream_safe(text)).casefold())
    return " ".join(kept.translate(_LETTERS).split())[:LONGEST_TEXT]


def sought(term: Term) -> str:
    """The folded text that a term looks for; refuses one without a letter, which would find everybody."""
    found = folded(term.text)
    if not found:
        raise term.invalid("a text that can be looked for")
    return found


def composed(text: str) -> str:
    """The text as it stands, its accents composed, so that NFC and NFD spellings are equal."""
    return text if text.isascii() else unicodedata.normalize("NFC", stream_safe(text))
