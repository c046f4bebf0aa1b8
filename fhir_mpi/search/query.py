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
from fhir_mpi.search.chains import Chains
from fhir_mpi.search.criteria import criterion
from fhir_mpi.search.filters import EVERYTHING, And, Filter
from fhir_mpi.search.parameter import SearchParameter
from fhir_mpi.search.results import ResultControls, Results
from fhir_mpi.search.term import SearchContext, short, unsupported

MOST_PARAMETERS: Final = 50
UNSERVED: Final[Mapping[str, str]] = {
    "_contained": "contained resources are not searched",
    "_containedType": "contained resources are not searched",
    "_content": "there is no index over the whole text of a resource",
    "_getpages": "there are no stored searches; pages are reached by the link next",
    "_filter": "filter expressions are not read; use search parameters, chains and _has",
    "_graph": "graph definitions are not kept",
    "_in": "membership in groups, lists and care teams is not kept",
    "_list": "lists are not kept",
    "_offset": "pages are reached by the link next",
    "_page": "pages are reached by the link next",
    "_query": "there are no named queries; operations have paths of their own",
    "_text": "there is no index over narratives",
    "_type": "it belongs to a search of several types",
}
"""Names of R5, HAPI (`_getpages`, `_offset`) and others that this server knows and does not serve, each
with its reason; ignoring them would change the answer, or give the first page again and again.
"""
NOT_CONTAINED: Final = ("_contained", "false")
"""R5's default, said aloud: contained resources are not searched."""


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
    depth: int,
) -> SearchRequest:
    """Reads decoded pairs against the parameters of `type`, one of those that are served.

    Known pairs without a value are ignored. `depth` is how many references a chain may follow.

    Raises UnsupportedParameter, InvalidValue, InvalidRequest or TooCostly, each naming the parameter
    in its expression and none repeating a value.
    """
    if len(pairs) > MOST_PARAMETERS:
        raise TooCostly(f"a search may have at most {MOST_PARAMETERS} parameters")
    reading = _Reading(type, parameters, context, depth)
    for name, value in pairs:
        reading.read(name, value)
    return reading.request()


class _Reading:
    def __init__(
        self,
        type: str,
        parameters: Mapping[str, Mapping[str, SearchParameter]],
        context: SearchContext,
        depth: int,
    ) -> None:
        self.type, self.parameters, self.context = type, parameters[type], context
        self.chains = Chains(parameters, context, depth)
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
        code = name.partition(":")[0]
        if (name, value) == NOT_CONTAINED:
            return value
        if code in UNSERVED:
            raise unsupported(code, f'search parameter "{code}" is not served: {UNSERVED[code]}')
        if code in self.parameters or self.chains.reads(self.type, name):
            return self._criterion(name, value)
        if self.controls.reads(name):
            return self.controls.read(name, value)
        if name.startswith("_"):
            return None
        raise unsupported(name, self._unknown(name))

    def _criterion(self, name: str, value: str) -> str | None:
        code, colon, modifier = name.partition(":")
        if self.chains.reads(self.type, name):
            found = self.chains.read(self.type, name, value)
        else:
            found = criterion(self.parameters[code], modifier if colon else None, value, self.context)
        if found is None:
            return None
        self.filters.append(found)
        return value

    def _unknown(self, name: str) -> str:
        valid = ", ".join(sorted(self.parameters))
        return (
            f'Unknown search parameter "{short(name)}" for resource type "{self.type}". '
            f"Valid search parameters for this search are: [{valid}]"
        )


def _all(filters: Sequence[Filter]) -> Filter:
    needed = [filter for filter in filters if filter != EVERYTHING]
    return needed[0] if len(needed) == 1 else And(tuple(needed))


def _refuse_unreadable(name: str, value: str) -> None:
    """NUL, which no FHIR string has, and lone surrogates, which are bytes that were no UTF-8 (S13)."""
    for text in (name, value):
        if any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in text):
            raise InvalidValue("a search parameter has a character that no text has", expression="http")
