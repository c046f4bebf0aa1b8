"""Candidates as a rules file wants them searched for: through search parameters instead of blocking keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from fhir_mpi.fhir.outcome import FhirError, MissingParameter
from fhir_mpi.fhir.types import Resource
from fhir_mpi.linkage.hapi.rules import CandidateFilter, InvalidRules, MdmRules
from fhir_mpi.mdm.ports import CandidateRow
from fhir_mpi.search.criteria import any_of, criterion
from fhir_mpi.search.filters import EVERYTHING, And, Equals, Filter
from fhir_mpi.search.likeness import can_be_taken, likeness
from fhir_mpi.search.parameter import SearchParameter
from fhir_mpi.search.term import SearchContext
from fhir_mpi.search.types.token import identifier_entries

IDENTIFIER: Final = "identifier"
CONTEXT: Final = SearchContext(now_ms=0, base_url="")
"""Candidates are the same whenever they are looked for, and whatever this server is called."""


class FilteredCandidates(Protocol):
    async def filtered_candidates(
        self, type: str, filter: Filter, /, *, limit: int
    ) -> Sequence[CandidateRow]:
        """The candidate records of the resources that a search finds, in order of their ids, the first
        `limit` of them.
        """
        ...


@dataclass(frozen=True, slots=True)
class Searched:
    """What was found; `cut` where there is more than the limit."""

    rows: Sequence[CandidateRow]
    cut: bool


@dataclass(frozen=True, slots=True)
class RuleSearch:
    """The candidate searches of one type.

    A record meets one of `searches`: of each of its parameters it shares a value. Without any, every record
    is a candidate. All meet `filters` besides. Records with an EID of the resource are alone where there
    are some, and nothing else is asked.
    """

    type: str
    searches: tuple[tuple[tuple[SearchParameter, str], ...], ...] | None
    filters: tuple[Filter, ...]
    eid_systems: tuple[str, ...]
    limit: int
    store: FilteredCandidates

    async def candidates(self, resource: Resource) -> Searched:
        """Without the resource itself, where it has the id of one that is stored.

        Raises MissingParameter where the resource has nothing that is searched by.
        """
        eids, filter = self._eids(resource), self._likeness(resource)
        if eids is not None and (found := await self._found(eids, resource)).rows:
            return found
        if filter is None:
            wanted = "; ".join(" and ".join(p.code for p, _ in search) for search in self.searches or ())
            raise MissingParameter(
                f"the {self.type} holds too little to search for candidates: the rules file wants {wanted}",
                expression=self.type,
            )
        return await self._found(filter, resource)

    async def _found(self, filter: Filter, resource: Resource) -> Searched:
        rows = await self.store.filtered_candidates(self.type, filter, limit=self.limit + 2)
        others = [row for row in rows if row.id != resource.get("id")]
        return Searched(others[: self.limit], len(others) > self.limit)

    def _likeness(self, resource: Resource) -> Filter | None:
        if self.searches is None:
            return _all(self.filters)
        found = [filter for search in self.searches if (filter := _like(search, resource)) is not None]
        return _all([any_of(found), *self.filters]) if found else None

    def _eids(self, resource: Resource) -> Filter | None:
        own = [i for i in resource.get(IDENTIFIER) or () if i and i.get("system") in self.eid_systems]
        entries = [identifier_entries(i)[0] for i in own if i.get("value")]
        return any_of([Equals(IDENTIFIER, entry) for entry in entries]) if entries else None


def rule_search(
    rules: MdmRules,
    type: str,
    parameters: Mapping[str, SearchParameter],
    store: FilteredCandidates,
    limit: int,
) -> RuleSearch:
    """The candidate searches that the rules want for a type; `parameters` are those of the type.

    Raises InvalidRules naming what can't be searched by.
    """
    searches = [
        tuple(_parameter("candidateSearchParams", type, parameters, text) for text in search.parameters)
        for search in rules.searches_of(type)
    ]
    return RuleSearch(
        type=type,
        searches=tuple(searches) if rules.candidate_searches else None,
        filters=tuple(_filter(type, parameters, filter) for filter in rules.filters_of(type)),
        eid_systems=rules.eid_systems_of(type),
        limit=limit,
        store=store,
    )


def _like(search: Sequence[tuple[SearchParameter, str]], resource: Resource) -> Filter | None:
    """What shares a value under each parameter; None where the resource has none under one of them."""
    found = [likeness(parameter, modifier, resource, CONTEXT) for parameter, modifier in search]
    kept = [filter for filter in found if filter is not None]
    return _all(kept) if len(kept) == len(search) else None


def _all(filters: Sequence[Filter]) -> Filter:
    return filters[0] if len(filters) == 1 else And(tuple(filters)) if filters else EVERYTHING


def _parameter(
    section: str, type: str, parameters: Mapping[str, SearchParameter], text: str
) -> tuple[SearchParameter, str]:
    code, _, modifier = text.partition(":")
    found = parameters.get(code)
    if found is None:
        raise InvalidRules(
            [f"HAPI-1511: Error in {section}: {type} does not have a search parameter called '{text}'"]
        )
    if not can_be_taken(found):
        raise InvalidRules([f"Error in {section}: values of '{code}' can't be taken from a {type}"])
    if modifier and (modifier not in found.modifiers or modifier in ("missing", "not")):
        raise InvalidRules([f"Error in {section}: '{code}' of {type} has no modifier '{modifier}' here"])
    return found, modifier


def _filter(type: str, parameters: Mapping[str, SearchParameter], filter: CandidateFilter) -> Filter:
    section = "candidateFilterSearchParams"
    code, _, modifier = filter.parameter.partition(":")
    if code not in parameters:
        raise InvalidRules(
            [f"HAPI-1511: Error in {section}: {type} does not have a search parameter called '{code}'"]
        )
    try:
        found = criterion(parameters[code], modifier or None, filter.value, CONTEXT)
    except FhirError as error:
        raise InvalidRules([f"Error in {section}: {error.issues[0].text}"]) from error
    return EVERYTHING if found is None else found
