"""What each search parameter type stores and what it asks for: two verbs that never part."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from fhir_mpi.search.filters import Filter, IndexValue
from fhir_mpi.search.term import Term
from fhir_mpi.search.types import composite, date, number, phonetic, quantity, reference, string, token, uri

Index: TypeAlias = Callable[[Sequence[Any]], Iterable[tuple[str, IndexValue]]]


@dataclass(frozen=True, slots=True)
class SearchType:
    """`index` yields entries with the suffix of their code: empty, or a colon and a modifier.

    `filter` reads a term whose modifier is in `modifiers`; `missing` and `not` it never sees. The
    entries under `presence` suffixes show, as much as plain ones, that the element is there.
    """

    name: str
    index: Index
    filter: Callable[[Term], Filter]
    modifiers: frozenset[str]
    presence: tuple[str, ...] = ("",)


TYPES: Final[Mapping[str, SearchType]] = {
    "string": SearchType("string", string.index, string.filter, string.MODIFIERS),
    "phonetic": SearchType("string", phonetic.index, phonetic.filter, phonetic.MODIFIERS),
    "token": SearchType("token", token.index, token.filter, token.MODIFIERS, ("", token.TEXT)),
    "date": SearchType("date", date.index, date.filter, date.MODIFIERS),
    "reference": SearchType(
        "reference",
        reference.index,
        reference.filter,
        reference.MODIFIERS,
        ("", reference.IDENTIFIER, reference.TEXT),
    ),
    "uri": SearchType("uri", uri.index, uri.filter, uri.MODIFIERS),
    "number": SearchType("number", number.index, number.filter, number.MODIFIERS),
    "quantity": SearchType("quantity", quantity.index, quantity.filter, quantity.MODIFIERS),
}
"""By SearchParameter.type; `phonetic` is string with that processingMode. Special parameters can't be
served, composite ones are made of these."""


def composite_type(components: Sequence[tuple[Callable[[Any], list[Any]], SearchType]]) -> SearchType:
    """The type of one composite parameter: how each component is found in the element, and its type."""
    parts = [composite.Component(evaluate, type.index, type.filter) for evaluate, type in components]
    return SearchType("composite", composite.indexing(parts), composite.filtering(parts), composite.MODIFIERS)
