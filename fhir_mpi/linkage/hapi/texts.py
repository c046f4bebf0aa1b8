"""The forms of a text that HAPI compares."""

import re
from functools import lru_cache
from typing import Final
from unicodedata import normalize

_MARKS: Final = re.compile("[\u0300-\u036f]")
_NO_DIGIT: Final = re.compile("[^0-9]")
_SPACES: Final = re.compile(r"\s+", re.ASCII)


@lru_cache(maxsize=1 << 16)
def folded(text: str) -> str:
    """Capitals without diacritics; what comes apart in Unicode stays so, as Hangul does.

    >>> folded("José Strauß"), folded("Łoś")
    ('JOSE STRAUSS', 'ŁOS')
    """
    return text.upper() if text.isascii() else _MARKS.sub("", normalize("NFD", text)).upper()


@lru_cache(maxsize=1 << 14)
def digits_of(text: str) -> str:
    """
    >>> digits_of("+1 (519) 555-0100")
    '15195550100'
    """
    return _NO_DIGIT.sub("", text)


def single_spaced(text: str) -> str:
    """
    >>> single_spaced("a \\t b")
    'a b'
    """
    return _SPACES.sub(" ", text)
