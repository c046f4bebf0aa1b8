"""References by search, such as `Patient?identifier=urn:mrn|7` (R5 http.html#trules).

R5 resolves them after everything else that a transaction does. So what they find is what is stored,
less what the transaction deletes and with what it writes, as it writes it: a reference may find
an entry of the same Bundle.
"""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl

from fhir_mpi.fhir.links import Link, relinked
from fhir_mpi.fhir.outcome import FhirError, InvalidRequest, SeveralMatches, TooCostly
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.conditional import Criteria, criteria
from fhir_mpi.interactions.placing import Key, at_entry
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.writing import check_type, require
from fhir_mpi.search.filters import IndexEntries, Query
from fhir_mpi.search.unstored import Unstored

SEARCH: Final = re.compile(r"([A-Z][A-Za-z]{0,63})\?(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Asked:
    """A reference by search, and where it stands first: the number of the entry, the path in its resource."""

    number: int
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Future:
    """What the entry with this number is to store."""

    number: int
    resource: Resource


async def looked_up(
    services: Services, asked: Sequence[Asked], after: Mapping[Key, Future | None], base_url: str
) -> Mapping[str, str]:
    """What each of the references points to, by its text; `after` is what the transaction leaves behind,
    None for a deletion. InvalidRequest where nothing is found, SeveralMatches where not one alone is.
    """
    most = services.limits.bundle_entries
    if len(asked) > most:
        raise TooCostly(f"a transaction has at most {most} different references by search")
    wanted = {each.text: _criteria(services, each, base_url) for each in asked}
    coming = await _coming(services, {criteria.type for criteria in wanted.values()}, after)
    changed = {type: {id for kind, id in after if kind == type and id} for type in coming}
    found: dict[str, str] = {}
    for each in asked:
        criteria = wanted[each.text]
        with at_entry(each.number):
            id = await _one(services, criteria, coming[criteria.type], changed[criteria.type], each.path)
        found[each.text] = f"{criteria.type}/{id}"
        await asyncio.sleep(0)
    return found


def _criteria(services: Services, asked: Asked, base_url: str) -> Criteria:
    type, _, query = asked.text.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    with at_entry(asked.number):
        try:
            require(services, type, "search-type")
            return criteria(services, type, pairs, base_url)
        except FhirError as error:  # it says where in a query; the query stands in a reference
            error.issues = tuple(replace(issue, expression=asked.path) for issue in error.issues)
            raise


async def _coming(
    services: Services, types: Collection[str], after: Mapping[Key, Future | None]
) -> Mapping[str, Unstored]:
    """What will be there of each type, ready to be searched."""
    entries: dict[str, dict[str, IndexEntries]] = {type: {} for type in types}
    for (type, id), future in after.items():
        if future is None or type not in types:
            continue
        with at_entry(future.number):
            entries[type][id or ""] = _entries(services, type, future.resource)
        await asyncio.sleep(0)
    now_ms = services.clock().timestamp() * 1000
    return {type: Unstored(found, now_ms=now_ms) for type, found in entries.items()}


def _entries(services: Services, type: str, resource: Resource) -> IndexEntries:
    """What makes it findable; a reference by search in it counts as one to nobody yet."""
    check_type(type, resource)
    plain = relinked(resource, _without_search)
    services.intake.check(plain)
    return services.intake.search.index(plain)


def _without_search(link: Link) -> str:
    found = SEARCH.fullmatch(link.text)
    return link.text if found is None else f"{found[1]}/-"


async def _one(
    services: Services, wanted: Criteria, coming: Unstored, changed: Collection[str], path: str
) -> str:
    """The id of the one resource that the criteria find."""
    page = await services.store.search(Query(wanted.type, wanted.filter, 2 + len(changed)))
    found = {stored.id for stored in page.resources} - set(changed) | coming.found(wanted.filter)
    if not found:
        raise InvalidRequest(f"this search finds no {wanted.type} to refer to", expression=path)
    if len(found) > 1:
        raise SeveralMatches(f"this search finds more than one {wanted.type}", expression=path)
    return found.pop()
