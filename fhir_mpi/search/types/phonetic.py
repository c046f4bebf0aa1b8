"""phonetic: names by how they sound in English (Double Metaphone), word by word.

A word that has no code, such as one in Chinese or Cyrillic script, is searched by its folded self.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from doublemetaphone import doublemetaphone

from fhir_mpi.search.filters import And, Equals, Filter, IndexValue, Or
from fhir_mpi.search.folding import folded
from fhir_mpi.search.term import Term, cut
from fhir_mpi.search.types.string import texts

MODIFIERS: Final = frozenset({"missing"})
_WORD: Final = re.compile(r"[^\s\-]+")


def index(values: Sequence[Any]) -> Iterator[tuple[str, IndexValue]]:
    for text in texts(values):
        for codes in _sounds(cut(text)):
            yield from (("", code) for code in codes)


def filter(term: Term) -> Filter:
    """Every word asked for sounds like some word there."""
    words = tuple(Or(tuple(Equals(term.code, code) for code in codes)) for codes in _sounds(term.text))
    if not words:
        raise term.invalid("a word that can be looked for")
    return And(words)


@lru_cache(maxsize=8192)
def _sounds(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(_codes(word) for word in _WORD.findall(folded(text)))


def _codes(word: str) -> tuple[str, ...]:
    """
    >>> _codes("schmidt"), _codes("王")
    (('XMT', 'SMT'), ('王',))
    """
    return tuple(dict.fromkeys(code for code in doublemetaphone(word) if code)) or (word,)
