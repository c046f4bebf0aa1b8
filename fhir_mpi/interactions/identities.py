"""Identities followed through the store: what :mdm, `$everything` and cross-references go by."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from fhir_mpi.fhir.outcome import TooCostly
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.identity import UNITING, Identity, identities, leads
from fhir_mpi.mdm.link import Link, Pair
from fhir_mpi.mdm.ports import LinkQuery
from fhir_mpi.search.filters import And, Filter, Not, OneOf, Or, Referred, Refers, SameAs
from fhir_mpi.search.query import SearchRequest

Known: TypeAlias = Mapping[str, Mapping[str, Identity]]
"""Type -> id -> identity."""


async def identities_of(services: Services, type: str, ids: Collection[str]) -> Mapping[str, Identity]:
    """The identity of each of these records of a type, a record without links alone in its own.

    TooCostly where they have more links together than a setting allows to follow.
    """
    found: dict[Pair, Link] = {}
    seen, frontier = set[str](), frozenset(ids)
    while frontier:
        seen |= frontier
        new = [link for link in await _links(services, type, frontier) if link.pair not in found]
        found |= {link.pair: link for link in new}
        most = services.limits.identity_links
        if len(found) > most:
            raise TooCostly(f"an identity is followed over {most} links at most, and this one has more")
        frontier = leads(new) - seen
    return identities(ids, list(found.values()))


async def followed(services: Services, wanted: SearchRequest) -> SearchRequest:
    """The search with every SameAs replaced by the records that the links say are the same."""
    asked: dict[str, set[str]] = {}
    for node in _asked(wanted.filter):
        asked.setdefault(node.type, set()).add(node.id)
    if not asked:
        return wanted
    known = {type: await identities_of(services, type, sorted(ids)) for type, ids in asked.items()}
    return replace(wanted, filter=_expanded(wanted.filter, known))


async def _links(services: Services, type: str, ids: Collection[str]) -> list[Link]:
    """What unites any of these with another record, one more than may be followed."""
    limit = services.limits.identity_links + 1
    of_goldens = LinkQuery([type], goldens=ids, results=UNITING, limit=limit)
    of_sources = LinkQuery([type], sources=ids, results=UNITING, limit=limit)
    return [*await services.store.links(of_goldens), *await services.store.links(of_sources)]


def _asked(filter: Filter) -> Iterator[SameAs]:
    match filter:
        case SameAs():
            yield filter
        case And(parts) | Or(parts):
            for part in parts:
                yield from _asked(part)
        case Not(part) | Refers(filter=part) | Referred(filter=part):
            yield from _asked(part)
        case _:
            return


def _expanded(filter: Filter, known: Known) -> Filter:
    match filter:
        case SameAs(code, type, id, written):
            members = known[type][id].members
            return OneOf(code, tuple(start + member for start in written for member in members))
        case And(parts):
            return And(tuple(_expanded(part, known) for part in parts))
        case Or(parts):
            return Or(tuple(_expanded(part, known) for part in parts))
        case Not(part):
            return Not(_expanded(part, known))
        case Refers() | Referred():
            return replace(filter, filter=_expanded(filter.filter, known))
        case _:
            return filter
