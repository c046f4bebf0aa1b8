"""composite: several parameters about one and the same element (R5 search.html#composite).

Each repetition of the element has a slot, and each component in it a virtual code of its own: what
two repetitions hold is never taken together. What comes behind the last slot shares it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fhir_mpi.search.filters import And, Filter, IndexValue, Or
from fhir_mpi.search.term import Term, split

MODIFIERS: Final = frozenset({"missing"})
SLOTS: Final = 16
SEPARATOR: Final = "$"
PRESENT: Final = "present"
"""The entry of the plain code, which says that there is such an element."""


@dataclass(frozen=True, slots=True)
class Component:
    """What one part of the value is about: `evaluate` takes the element, the verbs are its type's."""

    evaluate: Callable[[Any], list[Any]]
    index: Callable[[Sequence[Any]], Any]
    filter: Callable[[Term], Filter]


def indexing(components: Sequence[Component]) -> Callable[[Sequence[Any]], Iterator[tuple[str, IndexValue]]]:
    def index(values: Sequence[Any]) -> Iterator[tuple[str, IndexValue]]:
        for number, value in enumerate(values):
            yield "", PRESENT
            for place, component in enumerate(components):
                for suffix, entry in component.index(component.evaluate(value)):
                    yield _suffix(min(number, SLOTS - 1), place) + suffix, entry

    return index


def filtering(components: Sequence[Component]) -> Callable[[Term], Filter]:
    def filter(term: Term) -> Filter:
        parts = split(term.value, SEPARATOR)
        if len(parts) != len(components) or not all(parts):
            raise term.invalid(f"{len(components)} values joined by {SEPARATOR}")
        return Or(tuple(And(tuple(_parts(term, slot, parts))) for slot in range(SLOTS)))

    def _parts(term: Term, slot: int, parts: Sequence[str]) -> Iterator[Filter]:
        for place, (component, part) in enumerate(zip(components, parts, strict=True)):
            yield component.filter(Term(term.code + _suffix(slot, place), part, "", term.context))

    return filter


def _suffix(slot: int, place: int) -> str:
    return f":{slot}-{place}"
