"""What match fields read of a resource, kept beside its features so that scoring needs no resource.

A column is one path and how much of what stands there is compared. Its values are joined to one text,
in the order of the resource; so a record keeps one text per column.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

import orjson

from fhir_mpi.fhir.expression import compile_path
from fhir_mpi.fhir.functions import text_of
from fhir_mpi.fhir.types import Resource

Values: TypeAlias = tuple[str, ...]

COLUMNS_VERSION: Final = "1"
"""Raised whenever the same column of the same resource would be another text."""

MOST_VALUES: Final = 50
"""A column keeps its first fifty distinct values: each is compared with each of the other side."""

VALUE: Final = "\x1d"
PART: Final = "\x1c"
_CONTROLS: Final = dict.fromkeys((0x1C, 0x1D, 0x1E, 0x1F), " ")


@dataclass(frozen=True, slots=True, order=True)
class Column:
    """`path` is FHIRPath from a resource of `type`; `reading` is one of READINGS."""

    type: str
    path: str
    reading: str

    @property
    def shape(self) -> tuple[str, str]:
        """What its values depend on, besides this code."""
        return self.path, self.reading


def read(columns: Sequence[Column], resource: Resource) -> Values:
    """One text per column.

    >>> given = Column("Patient", "name.given", "text")
    >>> values_of(read([given], {"resourceType": "Patient", "name": [{"given": ["Ann", "Eve"]}]})[0])
    ('Ann', 'Eve')
    """
    return tuple([VALUE.join(_values(column, resource)) for column in columns])


def values_of(text: str) -> Values:
    """The values of a column; none where nothing stood at its path."""
    return tuple(text.split(VALUE)) if text else ()


def _values(column: Column, resource: Resource) -> list[str]:
    found = [value for element in _compiled(column)(resource) for value in READINGS[column.reading](element)]
    return list(dict.fromkeys(found))[:MOST_VALUES]


@cache
def _compiled(column: Column) -> Callable[[Any], list[Any]]:
    evaluate = compile_path(column.path, column.type)
    if column.reading != "extensions" or not column.path.replace(".", "").isalnum():
        return evaluate
    # The extensions of a primitive stand beside it.
    before, dot, last = column.path.rpartition(".")
    beside = compile_path(f"{before}{dot}_{last}", column.type)
    return lambda resource: evaluate(resource) + beside(resource)


def _text(element: Any) -> Iterator[str]:
    text = text_of(element)
    if text:
        yield _clean(text)


def _presence(element: Any) -> Iterator[str]:
    if element not in ({}, []):
        yield "1"


def _name(element: Any) -> Iterator[str]:
    """The family name and the given ones, of a HumanName that has both."""
    family, given = (element.get("family"), element.get("given")) if isinstance(element, dict) else (None, ())
    if family and (names := [name for name in given or () if name]):
        yield PART.join([_clean(text) for text in (family, *names)])


def _identifier(element: Any) -> Iterator[str]:
    """System and value, of an Identifier that has a value."""
    if isinstance(element, dict) and (value := element.get("value")):
        yield PART.join([_clean(element.get("system") or ""), _clean(value)])


def _extensions(element: Any) -> Iterator[str]:
    """The extensions of an element, each as JSON in one spelling."""
    for extension in element.get("extension") or () if isinstance(element, dict) else ():
        yield orjson.dumps(extension, option=orjson.OPT_SORT_KEYS).decode()


READINGS: Final[Mapping[str, Callable[[Any], Iterator[str]]]] = {
    "text": _text,
    "name": _name,
    "identifier": _identifier,
    "extensions": _extensions,
    "presence": _presence,
}


def _clean(text: str) -> str:
    return text if text.isprintable() else text.translate(_CONTROLS)
