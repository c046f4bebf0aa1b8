"""A search request: the query pairs of a client, read once into a filter, an order and a page.

Everything in a value is literal; only commas, bars, dollars and backslashes mean something, and a
backslash takes that away (R5 search.html#escaping). An unknown name is refused, because dropping
a filter widens what is disclosed; an unknown name that begins with `_` is no filter and is ignored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from fhir_mpi.fhir.outcome import (
    InvalidValue,
    Issue,
    TooCostly,
    UnsupportedParameter,
)
from fhir_mpi.search.filters import EVERYTHING, NOTHING, And, Equals, Filter, Not, Or, Present
from fhir_mpi.search.parameter import SearchParameter
from fhir_mpi.search.results import ResultControls, Results
from fhir_mpi.search.term import SearchContext, Term, short, split, unescaped, unsupported

MOST_PARAMETERS: Final = 50
MOST_VALUES: Final = 100
# R5's own names that this server knows and does not serve; ignoring them would change the answer.
_UNSERVED: Final = "_contained _containedType _content _filter _graph _has _in _list _query _text _type"
UNSERVED: Final = frozenset(_UNSERVED.split())


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What a search asks for.

    `understood` are the pairs for the self link, with the page size that is really used; ignored
    ones and the cursor are not among them. `warnings` say what lenient handling left out.
    """

    filter: Filter
    results: Results
    understood: tuple[tuple[str, str], ...]
    warnings: tuple[Issue, ...]


def search_request(
    type: str,
    parameters: Mapping[str, Mapping[str, SearchParameter]],
    pairs: Sequence[tuple[str, str]],
    context: SearchContext,
) -> SearchRequest:
    """Reads decoded pairs against the parameters of `type`, one of those that are served.

    Known pairs without a value are ignored.

    Raises UnsupportedParameter, InvalidValue, InvalidRequest or TooCostly, each naming the parameter
    in its expression and none repeating a value.
    """
    if len(pairs) > MOST_PARAMETERS:
        raise TooCostly(f"a search may have at most {MOST_PARAMETERS} parameters")
    reading = _Reading(type, parameters, context)
    for name, value in pairs:
        reading.read(name, value)
    return reading.request()


class _Reading:
    def __init__(
        self, type: str, parameters: Mapping[str, Mapping[str, SearchParameter]], context: SearchContext
    ) -> None:
        self.type, self.parameters, self.context = type, parameters[type], context
        self.controls = ResultControls(type, parameters, context)
        self.filters: list[Filter] = []
        self.understood: list[tuple[str, str]] = []
        self.warnings: list[Issue] = []

    def read(self, name: str, value: str) -> None:
        _refuse_unreadable(name, value)
        known = name.startswith("_") or name.partition(":")[0] in self.parameters
        if known and not value:
            return
        try:
            understood = self._understand(name, value)
        except UnsupportedParameter as error:
            if not self.context.lenient:
                raise
            self.warnings += (replace(issue, severity="warning") for issue in error.issues)
        else:
            if understood is not None:
                self.understood.append((name, understood))

    def request(self) -> SearchRequest:
        return SearchRequest(
            filter=_all(self.filters),
            results=self.controls.results(),
            understood=tuple(self.understood),
            warnings=tuple(self.warnings),
        )

    def _understand(self, name: str, value: str) -> str | None:
        """What to put into the self link for it, None for nothing."""
        code, colon, modifier = name.partition(":")
        if code in UNSERVED or code in self.parameters:
            return self._criterion(code, modifier if colon else None, value)
        if self.controls.reads(name):
            return self.controls.read(name, value)
        if "." in code:
            raise unsupported(name, f'chained search parameter "{short(name)}" is not supported')
        if name.startswith("_"):
            return None
        raise unsupported(name, self._unknown(name))

    def _criterion(self, code: str, modifier: str | None, value: str) -> str | None:
        if code in UNSERVED:
            raise unsupported(code, f'search parameter "{code}" is not supported by this server')
        if modifier and "." in modifier:
            raise unsupported(code, f'chained search on "{code}" is not supported')
        parameter = self.parameters[code]
        if modifier is not None and modifier not in parameter.modifiers:
            raise unsupported(code, _unknown_modifier(parameter, modifier))
        if modifier == "missing":
            self.filters.append(_missing(parameter, value))
            return value
        values = [text for text in split(value, ",") if text]
        if len(values) > MOST_VALUES:
            raise TooCostly(f'"{code}" has more than {MOST_VALUES} values', expression=f"http.{code}")
        if not values:
            return None
        found = _any([_asked(parameter, Term(code, text, modifier or "", self.context)) for text in values])
        self.filters.append(Not(found) if modifier == "not" else found)
        return value

    def _unknown(self, name: str) -> str:
        valid = ", ".join(sorted(self.parameters))
        return (
            f'Unknown search parameter "{short(name)}" for resource type "{self.type}". '
            f"Valid search parameters for this search are: [{valid}]"
        )


def _asked(parameter: SearchParameter, term: Term) -> Filter:
    if term.code == "_id":
        return Equals("_id", unescaped(term.value))
    return parameter.type.filter(term)


def _missing(parameter: SearchParameter, value: str) -> Filter:
    code = parameter.code
    if value not in ("true", "false"):
        raise InvalidValue(f'"{code}:missing" is true or false', expression=f"http.{code}")
    if code in ("_id", "_lastUpdated"):
        return NOTHING if value == "true" else EVERYTHING
    present = _any([Present(code + suffix) for suffix in parameter.type.presence])
    return Not(present) if value == "true" else present


def _any(filters: Sequence[Filter]) -> Filter:
    return filters[0] if len(filters) == 1 else Or(tuple(filters))


def _all(filters: Sequence[Filter]) -> Filter:
    needed = [filter for filter in filters if filter != EVERYTHING]
    return needed[0] if len(needed) == 1 else And(tuple(needed))


def _refuse_unreadable(name: str, value: str) -> None:
    """NUL, which no FHIR string has, and lone surrogates, which are bytes that were no UTF-8 (S13)."""
    for text in (name, value):
        if any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in text):
            raise InvalidValue("a search parameter has a character that no text has", expression="http")


def _unknown_modifier(parameter: SearchParameter, modifier: str) -> str:
    known = sorted(m for m in parameter.modifiers if not m[0].isupper())
    return (
        f'modifier ":{short(modifier)}" of search parameter "{parameter.code}" is not supported; '
        f"it understands {', '.join(':' + m for m in known)}"
    )
