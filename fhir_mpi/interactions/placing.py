"""The writing entries of a transaction, and which resource each is about (R5 http.html#trules).

Criteria are looked up in what is stored, less what the transaction deletes: deletions come first,
whatever the order of the entries.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeAlias

from fhir_mpi.fhir.outcome import FhirError, InvalidRequest, NotFound
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions import patching
from fhir_mpi.interactions.conditional import Criteria, check_free, check_same_id, match, matches
from fhir_mpi.interactions.heads import head_of
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.writing import check_type
from fhir_mpi.storage.port import Claim, Head, Stored

Key: TypeAlias = tuple[str, str | None]
"""Type and id of a resource; None for one that isn't there."""


@dataclass(frozen=True, slots=True)
class Change:
    """One writing entry; `number` is its place in the Bundle.

    PUT, PATCH and DELETE have an id or criteria, POST may have criteria. POST and PUT bring a
    resource, PATCH a patch.
    """

    number: int
    method: str
    type: str
    id: str | None = None
    criteria: Criteria | None = None
    resource: Resource | None = None
    patch: patching.Change | None = None
    full_url: str | None = None
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A resource that a change is about, and where that stands; no `id` where nothing was found.

    `current` is its version now, read only where the change may leave it as it is. `claim` is there
    where the change makes what its criteria did not find.
    """

    change: Change
    id: str | None
    head: Head | None = None
    current: Stored | None = None
    claim: Claim | None = None

    @property
    def key(self) -> Key:
        return self.change.type, self.id

    @property
    def met(self) -> bool:
        """Whether this is a conditional create that is met already: it writes nothing."""
        return self.change.method == "POST" and self.head is not None


@contextmanager
def at_entry(number: int) -> Iterator[None]:
    """Errors from inside, told from the Bundle: `Bundle.entry[2].resource.birthDate`."""
    try:
        yield
    except FhirError as error:
        where = f"Bundle.entry[{number}]"
        error.issues = tuple(replace(i, expression=seen_from(where, i.expression)) for i in error.issues)
        raise


def seen_from(where: str, expression: str | None) -> str:
    """The location of a resource's element or of a parameter, told from the Bundle's root.

    >>> seen_from("Bundle.entry[0]", "Patient.name[0]"), seen_from("Bundle.entry[0]", None)
    ('Bundle.entry[0].resource.name[0]', 'Bundle.entry[0]')
    >>> seen_from("Bundle.entry[0]", "http.identifier")
    'Bundle.entry[0].request'
    """
    if expression is None or expression.startswith("Bundle.entry["):
        return expression or where
    root, dot, element = expression.partition(".")
    return f"{where}.request" if root == "http" else f"{where}.resource{dot}{element}"


async def placed(services: Services, changes: Sequence[Change]) -> Sequence[Place]:
    """The place of every change, in their order; several for a deletion by criteria that takes several.

    Raises what the search and the interaction would, and InvalidRequest where two name one resource.
    """
    found = [place async for place in _deletions(services, changes)]
    gone = {place.key for place in found if place.head and not place.head.deleted}
    found += [place async for place in _named(services, changes)]
    found += [place async for place in _conditional(services, changes, gone)]
    found.sort(key=lambda place: place.change.number)
    _refuse_doubles(found)
    return found


async def _deletions(services: Services, changes: Iterable[Change]) -> AsyncIterator[Place]:
    deletions = [change for change in changes if change.method == "DELETE"]
    for change, head in await _heads(services, [change for change in deletions if change.id]):
        yield Place(change, change.id, head)
    for change in deletions:
        if change.criteria is None:
            continue
        with at_entry(change.number):
            met = await matches(services, change.criteria)
        for stored in met:
            yield Place(change, stored.id, head_of(stored))
        if not met:
            yield Place(change, None)
        await asyncio.sleep(0)


async def _named(services: Services, changes: Iterable[Change]) -> AsyncIterator[Place]:
    """What is put and patched by id, and what is made without criteria."""
    by_id = [change for change in changes if change.id and change.method != "DELETE"]
    heads = await _heads(services, by_id)
    contents = await _contents(services, by_id)
    for change, head in heads:
        current = contents.get((change.type, change.id or ""))
        yield Place(change, change.id, head_of(current) or head, current)
    for change in changes:
        if change.method == "POST" and change.criteria is None:
            yield Place(change, services.new_id())


async def _conditional(services: Services, changes: Iterable[Change], gone: set[Key]) -> AsyncIterator[Place]:
    """What is made, put and patched by criteria."""
    asked = [(c, c.criteria) for c in changes if c.criteria and c.method != "DELETE"]
    # who holds a claim is asked before the search: whoever commits in between is noticed at the commit
    holders = await services.store.holders([criteria.key for _, criteria in asked]) if asked else {}
    makers: set[str] = set()
    for change, criteria in asked:
        with at_entry(change.number):
            left_out = {id for type, id in gone if type == change.type and id}
            stored = await match(services, criteria, change.method, gone=left_out)
            if stored is None and criteria.key in makers:
                raise InvalidRequest("another entry makes what meets the same criteria")
            if stored is not None:
                yield _met(change, stored)
            else:
                makers.add(criteria.key)
                yield await _made(services, change, criteria, holders.get(criteria.key))
        await asyncio.sleep(0)


def _met(change: Change, stored: Stored) -> Place:
    if change.method == "PUT":
        check_same_id(stored, change.resource or {})
    return Place(change, stored.id, head_of(stored), stored)


async def _made(services: Services, change: Change, criteria: Criteria, holder: str | None) -> Place:
    if change.method == "PATCH":
        raise NotFound(f"no {change.type} meets the criteria")
    resource, head = change.resource or {}, None
    id = services.new_id()
    if change.method == "PUT" and isinstance(resource.get("id"), str):  # another is refused when planned
        check_type(change.type, resource)
        id = resource["id"]
        head = (await services.store.heads(change.type, [id])).get(id)
        check_free(change.type, head)
    return Place(change, id, head, claim=Claim(criteria.key, f"{change.type}/{id}", holder))


async def _heads(services: Services, changes: Sequence[Change]) -> Sequence[tuple[Change, Head | None]]:
    found: dict[tuple[str, str], Head] = {}
    for type, ids in _by_type(changes).items():
        found |= {(type, id): head for id, head in (await services.store.heads(type, ids)).items()}
    return [(change, found.get((change.type, change.id or ""))) for change in changes]


async def _contents(services: Services, changes: Sequence[Change]) -> Mapping[tuple[str, str], Stored]:
    found: dict[tuple[str, str], Stored] = {}
    for type, ids in _by_type(changes).items():
        found |= {(type, stored.id): stored for stored in await services.store.read_many(type, ids)}
    return found


def _by_type(changes: Iterable[Change]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for change in changes:
        found.setdefault(change.type, []).append(change.id or "")
    return found


def _refuse_doubles(places: Iterable[Place]) -> None:
    seen: set[Key] = set()
    for place in places:
        if place.id is not None and place.key in seen:
            raise InvalidRequest(
                "a transaction may name a resource once", expression=f"Bundle.entry[{place.change.number}]"
            )
        seen.add(place.key)
