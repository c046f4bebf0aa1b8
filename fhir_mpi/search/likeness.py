"""What is like a given resource: the search that its own values under a parameter ask for."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from fhir_mpi.fhir.types import Resource
from fhir_mpi.search.criteria import any_of
from fhir_mpi.search.filters import Filter
from fhir_mpi.search.parameter import COLUMNS, SearchParameter
from fhir_mpi.search.term import SearchContext, Term
from fhir_mpi.search.types.string import texts

MOST_VALUES: Final = 50
"""Values of one parameter that are asked for; real resources have a few."""


def can_be_taken(parameter: SearchParameter) -> bool:
    """Whether a resource's values under the parameter can be searched for."""
    return parameter.type.name in _VALUES and parameter.code not in COLUMNS


def likeness(
    parameter: SearchParameter, modifier: str, resource: Resource, context: SearchContext
) -> Filter | None:
    """What has any of the values that `resource` has, as if they stood in a query with that modifier; None
    where it has none.
    """
    found = [text for value in parameter.evaluate(resource) for text in _VALUES[parameter.type.name](value)]
    distinct = list(dict.fromkeys(found))[:MOST_VALUES]
    terms = [Term(parameter.code, text, modifier, context) for text in distinct]
    return any_of([parameter.type.filter(term) for term in terms]) if terms else None


def _escaped(text: str) -> str:
    r"""
    >>> print(_escaped("a|b\\c"))
    a\|b\\c
    """
    for special in "\\,|$":
        text = text.replace(special, "\\" + special)
    return text


def _plain(value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str | int | float):
        yield _escaped(str(value))


def _strings(value: Any) -> Iterator[str]:
    return (_escaped(text) for text in texts([value]))


def _tokens(value: Any) -> Iterator[str]:
    """`system|code`, or the code alone where there is no system."""
    if not isinstance(value, dict):
        yield from _plain(value)
    elif "coding" in value:
        for coding in value["coding"]:
            yield from _tokens(coding)
    elif code := value.get("value") or value.get("code"):
        system = value.get("system")
        yield f"{_escaped(system)}|{_escaped(code)}" if system else _escaped(code)


def _references(value: Any) -> Iterator[str]:
    written = value.get("reference") if isinstance(value, dict) else value
    return _plain(written)


_VALUES: Final[Mapping[str, Callable[[Any], Iterator[str]]]] = {
    "string": _strings,
    "token": _tokens,
    "date": _plain,
    "number": _plain,
    "uri": _plain,
    "reference": _references,
}
"""By type of search parameter; a quantity, or several in one, can't be taken from a resource."""
