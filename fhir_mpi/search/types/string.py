"""string: names, addresses and other words (R5 search.html#string).

An entry is the folded text, U+001F and the text as it stands: its beginning answers a plain search,
its part before U+001F `:contains`, the whole of it `:exact`.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from fhir_mpi.search.filters import Contains, Equals, Filter, IndexValue, Prefix
from fhir_mpi.search.folding import composed, folded, sought
from fhir_mpi.search.term import Term, cut

MODIFIERS: Final = frozenset({"exact", "contains", "missing"})
# What a HumanName and an Address are searched by; no other type lends its parts to a string search.
_PARTS: Final = frozenset(
    {
        *("family", "given", "prefix", "suffix", "text"),
        *("line", "city", "district", "state", "postalCode", "country"),
    }
)


def index(values: Sequence[Any]) -> Iterator[tuple[str, IndexValue]]:
    """Every text among the values, and every part of a name or an address."""
    for text in texts(values):
        yield "", entry(text)


def filter(term: Term) -> Filter:
    match term.modifier:
        case "exact":
            return Equals(term.code, entry(term.text))
        case "contains":
            return Contains(term.code, sought(term))
        case _:
            return Prefix(term.code, sought(term))


@lru_cache(maxsize=8192)
def entry(text: str) -> str:
    """
    >>> entry("José")
    'jose\\x1fJosé'
    """
    text = cut(text)
    return f"{folded(text)}\x1f{composed(text)}"


def texts(values: Sequence[Any]) -> Iterator[str]:
    """The texts that a string search looks at."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            for key, part in value.items():
                if key in _PARTS:
                    yield from (w for w in part if w) if isinstance(part, list) else (part,)
