"""Identifiers that one resource of a type alone may have: those of the systems that a setting names.

What counts is what a search by `identifier` finds, of records that no other one has replaced. A write
that has such an identifier looks at the claims on it, then searches, then takes the claims: of writers that
bring the same identifier at the same time one commits, and the others search again and find it.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, TypeAlias

from fhir_mpi.fhir.json import encode
from fhir_mpi.fhir.outcome import Duplicate
from fhir_mpi.interactions.retirement import refuse_replaced
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.merging import is_retired
from fhir_mpi.mdm.tags import is_managed
from fhir_mpi.search.filters import Equals, Or, Query
from fhir_mpi.storage.port import Claim, Stored, UnitOfWork, Write

Place: TypeAlias = tuple[str, str]
"""Type and id of a resource."""
IDENTIFIER: Final = "identifier"
AT_ONCE: Final = 100
"""Identifiers that one search looks for."""


@dataclass(frozen=True, slots=True)
class Owned:
    """An identifier that only the resource at `place` may have; `entry` is its `system|value`."""

    place: Place
    entry: str

    @property
    def key(self) -> str:
        return sha256(encode(["identifier", self.place[0], self.entry])).hexdigest()


class IdentifierTaken(Duplicate):
    """`places` are the resources that can't be written as they are."""

    def __init__(self, type: str, places: Iterable[Place]) -> None:
        super().__init__(
            f"another {type} has an identifier of this one, and its system's identifiers are unique",
            expression=f"{type}.identifier",
        )
        self.places = frozenset(places)


async def unit_of_work(
    services: Services, writes: Sequence[Write], claims: Sequence[Claim] = (), *, merging: bool = False
) -> UnitOfWork:
    """The writes with the claims given and those on their identifiers; IdentifierTaken names those whose
    identifiers others have, or two of them share. Replaced where one refers to what was replaced, unless
    this is `merging`, whose writes are about just that.
    """
    if not merging:
        await refuse_replaced(services, writes)
    owned = [found for write in writes for found in _owned(services, write)]
    if not owned:
        return UnitOfWork(writes, claims)
    _refuse_shared(owned)
    holders = await services.store.holders([each.key for each in owned])
    rewritten = {(write.version.type, write.version.id) for write in writes}
    for type, ours in _by_type(owned).items():
        if taken := await _taken(services, type, ours, rewritten):
            raise IdentifierTaken(type, taken)
    own = [Claim(each.key, "/".join(each.place), holders.get(each.key)) for each in owned]
    return UnitOfWork(writes, [*claims, *own])


def _owned(services: Services, write: Write) -> Iterable[Owned]:
    unique, version = services.limits.unique_identifiers, write.version
    if not unique or version.deleted:
        return
    if IDENTIFIER not in write.index or is_retired(version.resource):
        return
    for entry in write.index[IDENTIFIER]:
        if isinstance(entry, str) and _system(entry) in unique:
            yield Owned((version.type, version.id), entry)


def _system(entry: str) -> str | None:
    """The system of a `system|value`; None where there is no value or no system.

    >>> _system("urn:mrn|7"), _system("urn:mrn|"), _system("=7")
    ('urn:mrn', None, None)
    """
    system, _, value = entry.partition("|")
    return system if value else None


def _refuse_shared(owned: Iterable[Owned]) -> None:
    first: dict[str, Place] = {}
    shared = [each.place for each in owned if first.setdefault(each.key, each.place) != each.place]
    if shared:
        raise IdentifierTaken(shared[0][0], shared)


def _by_type(owned: Iterable[Owned]) -> Mapping[str, Mapping[str, Place]]:
    found: dict[str, dict[str, Place]] = {}
    for each in owned:
        found.setdefault(each.place[0], {})[each.entry] = each.place
    return found


async def _taken(
    services: Services, type: str, ours: Mapping[str, Place], rewritten: Collection[Place]
) -> set[Place]:
    """Those of ours whose entry a resource has that this unit of work doesn't write anew."""
    entries, taken = list(ours), set()
    for start in range(0, len(entries), AT_ONCE):
        looked_for = entries[start : start + AT_ONCE]
        filter = Or(tuple(Equals(IDENTIFIER, entry) for entry in looked_for))
        async for other in _all(services, Query(type, filter, AT_ONCE)):
            if (type, other.id) not in rewritten and not _may_share(other):
                taken |= {ours[entry] for entry in _entries(services, other) if entry in ours}
    return taken


def _may_share(other: Stored) -> bool:
    """Whether it has identifiers that are another's by right: one that was replaced, or a golden record."""
    return is_retired(other.resource) or is_managed(other.resource)


async def _all(services: Services, query: Query) -> AsyncIterator[Stored]:
    """Whatever a query finds, page after page: of those that were replaced there may be any number."""
    while True:
        page = await services.store.search(query)
        for stored in page.resources:
            yield stored
        if page.next is None:
            return
        query = replace(query, after=page.next)


def _entries(services: Services, stored: Stored) -> Iterable[str]:
    found = services.intake.search.index(stored.resource).get(IDENTIFIER, ())
    return (entry for entry in found if isinstance(entry, str))
