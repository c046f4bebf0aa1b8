"""What a search is to answer beside which resources match: order, page, parts, what comes along.

R5 search.html#return. These parameters are no criteria; each is read once, at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fhir_mpi.fhir.outcome import InvalidRequest, InvalidValue, TooCostly
from fhir_mpi.fhir.subset import SUMMARIES, Shape
from fhir_mpi.search.filters import Sort
from fhir_mpi.search.includes import INCLUDES, Include, include
from fhir_mpi.search.parameter import COMPOSITE, SearchParameter
from fhir_mpi.search.term import SearchContext, short, unsupported

CURSOR: Final = "_cursor"
FORMATS: Final = frozenset({"_format", "_pretty"})
"""Read by the HTTP layer; they are part of what was understood."""
TOTALS: Final = ("none", "estimate", "accurate")
MOST_INCLUDES: Final = 20
MOST_ELEMENTS: Final = 200


@dataclass(frozen=True, slots=True)
class Results:
    """`count` is the page size, 0 where only the number of matches is wanted; `shape` None for all of it;
    `total` whether the number of matches is to be told.
    """

    sort: tuple[Sort, ...]
    count: int
    cursor: str | None
    shape: Shape | None
    total: bool
    includes: tuple[Include, ...]


class ResultControls:
    """Reads the result parameters of one search of `type`; `parameters` are those of every served type."""

    def __init__(
        self, type: str, parameters: Mapping[str, Mapping[str, SearchParameter]], context: SearchContext
    ) -> None:
        self._type, self._parameters, self._context = type, parameters, context
        self._single: dict[str, str] = {}
        self._sort: list[Sort] = []
        self._includes: list[Include] = []

    def reads(self, name: str) -> bool:
        return name in _READERS or name.partition(":")[0] in INCLUDES or name in FORMATS

    def read(self, name: str, value: str) -> str | None:
        """Takes one parameter; what to put into the self link for it, None for nothing."""
        if name in FORMATS:
            return value
        if name.partition(":")[0] in INCLUDES:
            return self._include(name, value)
        return _READERS[name](self, name, value)

    def results(self) -> Results:
        shape = self._shape()
        return Results(
            sort=tuple(self._sort),
            count=self._count(),
            cursor=self._single.get(CURSOR),
            shape=shape,
            total=self._single.get("_total") != "none" or self._count() == 0,
            includes=tuple(self._includes),
        )

    def _include(self, name: str, value: str) -> str:
        if len(self._includes) >= MOST_INCLUDES:
            raise TooCostly(f"at most {MOST_INCLUDES} includes are followed", expression=f"http.{name}")
        self._includes.append(include(name, value, self._parameters))
        return value

    def _keep(self, name: str, value: str) -> str | None:
        if name in self._single:
            raise InvalidRequest(f'"{name}" is given more than once', expression=f"http.{name}")
        self._single[name] = value
        return None if name == CURSOR else value

    def _keep_count(self, name: str, value: str) -> str | None:
        if not (value.isascii() and value.isdigit() and len(value) <= 18):
            raise InvalidValue("_count is a whole number from 0 upwards", expression="http._count")
        return self._keep(name, str(min(int(value), self._context.max_count)))

    def _keep_summary(self, name: str, value: str) -> str | None:
        if value not in (*SUMMARIES, "count", "false"):
            raise InvalidValue("_summary is true, text, data, count or false", expression="http._summary")
        return self._keep(name, value)

    def _keep_total(self, name: str, value: str) -> str | None:
        if value not in TOTALS:
            raise InvalidValue("_total is none, estimate or accurate", expression="http._total")
        return self._keep(name, value)

    def _keep_elements(self, name: str, value: str) -> str | None:
        """Repeated ones add up, as repeated headers do."""
        known = self._single.get(name)
        self._single[name] = value if known is None else f"{known},{value}"
        if self._single[name].count(",") >= MOST_ELEMENTS:
            raise TooCostly(
                f"_elements names more than {MOST_ELEMENTS} elements", expression="http._elements"
            )
        return value

    def _order(self, name: str, value: str) -> str | None:
        for text in value.split(","):
            code = text.removeprefix("-")
            if not code:
                raise InvalidValue("_sort names nothing to sort by", expression="http._sort")
            known = self._parameters[self._type].get(code)
            if known is None or known.type.name == COMPOSITE:
                raise unsupported(name, f'this server cannot sort {self._type} by "{short(code)}"')
        self._sort += (Sort(text.removeprefix("-"), text.startswith("-")) for text in value.split(","))
        return value

    def _count(self) -> int:
        if self._single.get("_summary") == "count":
            return 0
        asked = self._single.get("_count")
        return min(self._context.default_count, self._context.max_count) if asked is None else int(asked)

    def _shape(self) -> Shape | None:
        return shape(self._single.get("_summary"), self._single.get("_elements"))


def shape(summary: str | None, elements: str | None) -> Shape | None:
    """The part that `_summary` or `_elements` ask for; None for the whole.

    >>> shape("true", None)
    Shape(summary='true', elements=frozenset())
    >>> shape("false", None) is None
    True
    """
    named = frozenset(name.strip() for name in (elements or "").split(",") if name.strip())
    part = summary if summary in SUMMARIES else None
    if part is not None and named:
        raise InvalidRequest("_summary and _elements ask for different parts", expression="http._elements")
    return Shape(part, named) if part is not None or named else None


def read_shape(pairs: Sequence[tuple[str, str]]) -> Shape | None:
    """The part that the query of a read asks for."""
    given = dict(pairs)
    summary = given.get("_summary")
    if summary is not None and summary not in (*SUMMARIES, "false"):
        raise InvalidValue("_summary of a read is true, text, data or false", expression="http._summary")
    return shape(summary, given.get("_elements"))


_READERS: Final = {
    "_count": ResultControls._keep_count,
    "_elements": ResultControls._keep_elements,
    "_sort": ResultControls._order,
    "_summary": ResultControls._keep_summary,
    "_total": ResultControls._keep_total,
    CURSOR: ResultControls._keep,
}
