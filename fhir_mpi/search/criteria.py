"""One criterion: a search parameter with its modifier and its values, read into a filter."""

from collections.abc import Mapping, Sequence
from typing import Final

from fhir_mpi.fhir.outcome import InvalidValue, TooCostly
from fhir_mpi.search.filters import EVERYTHING, NOTHING, Equals, Filter, Not, Or, Present
from fhir_mpi.search.identity import same_as
from fhir_mpi.search.parameter import MDM, SearchParameter
from fhir_mpi.search.term import SearchContext, Term, short, split, unescaped, unsupported

MOST_VALUES: Final = 100
_TERMINOLOGY: Final = "there is no terminology service"
_HIERARCHY: Final = "hierarchies of resources are not kept"
UNSERVED: Final[Mapping[tuple[str, str], str]] = {
    **{("token", name): _TERMINOLOGY for name in ("in", "not-in", "above", "below")},
    **{("reference", name): _HIERARCHY for name in ("above", "below")},
    **{(type, "code-text"): "codes are looked up whole" for type in ("token", "reference")},
    **{(type, "text-advanced"): "texts are not read as queries" for type in ("token", "reference")},
}
"""Type of search parameter and modifier that R5 has for it (R5 search.html#modifiers), with the reason why
it is refused.
"""


def criterion(
    parameter: SearchParameter, modifier: str | None, value: str, context: SearchContext
) -> Filter | None:
    """What has any of the values between commas; None where there is none."""
    code = parameter.code
    if modifier is not None and modifier not in parameter.modifiers:
        raise unsupported(code, _unknown_modifier(parameter, modifier))
    if modifier == "missing":
        return _missing(parameter, value)
    values = [text for text in split(value, ",") if text]
    if len(values) > MOST_VALUES:
        raise TooCostly(f'"{code}" has more than {MOST_VALUES} values', expression=f"http.{code}")
    if not values:
        return None
    found = any_of([_asked(parameter, Term(code, text, modifier or "", context)) for text in values])
    return Not(found) if modifier == "not" else found


def any_of(filters: Sequence[Filter]) -> Filter:
    return filters[0] if len(filters) == 1 else Or(tuple(filters))


def _asked(parameter: SearchParameter, term: Term) -> Filter:
    if term.modifier == MDM:
        return same_as(parameter, term)
    if term.code == "_id":
        return Equals("_id", unescaped(term.value))
    return parameter.type.filter(term)


def _missing(parameter: SearchParameter, value: str) -> Filter:
    code = parameter.code
    if value not in ("true", "false"):
        raise InvalidValue(f'"{code}:missing" is true or false', expression=f"http.{code}")
    if code in ("_id", "_lastUpdated"):
        return NOTHING if value == "true" else EVERYTHING
    present = any_of([Present(code + suffix) for suffix in parameter.type.presence])
    return Not(present) if value == "true" else present


def _unknown_modifier(parameter: SearchParameter, modifier: str) -> str:
    known = sorted(m for m in parameter.modifiers if not m[0].isupper())
    reason = UNSERVED.get((parameter.type.name, modifier))
    return (
        f'modifier ":{short(modifier)}" of search parameter "{parameter.code}" is not supported'
        f"{f': {reason}' if reason else ''}; it understands {', '.join(':' + m for m in known)}"
    )
