"""What comes along with a page of matches: _include and _revinclude (R5 search.html#include)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from fhir_mpi.interactions.services import Services
from fhir_mpi.search.filters import Query
from fhir_mpi.search.includes import Include, Place, references, referring
from fhir_mpi.storage.port import Stored

AT_ONCE: Final = 100
"""Resources whose referrers are looked for in one search."""
MOST_HOPS: Final = 10
"""Passes that :iterate makes at most."""


@dataclass(frozen=True, slots=True)
class Included:
    """`cut` says that there was more than may come along."""

    resources: Sequence[Stored] = ()
    cut: bool = False


async def included(
    services: Services, matches: Sequence[Stored], follows: Sequence[Include], base_url: str
) -> Included:
    """Everything the includes follow from the matches, each resource once, none of the matches.

    A reference with a version brings along the current one. At most `Limits.included` resources.
    """
    gathering = _Gathering(services, base_url, matches)
    frontier, following = list(matches), list(follows)
    for _ in range(MOST_HOPS if follows else 0):
        frontier = await gathering.hop(frontier, following)
        following = [follow for follow in follows if follow.iterate]
        if gathering.cut or not frontier or not following:
            break
    else:
        gathering.cut |= bool(follows)
    return Included(list(gathering.found.values()), gathering.cut)


class _Gathering:
    def __init__(self, services: Services, base_url: str, matches: Sequence[Stored]) -> None:
        self._services, self._base_url = services, base_url
        self._matches = {_place(stored) for stored in matches}
        self.found: dict[Place, Stored] = {}
        self.cut = False

    async def hop(self, frontier: Sequence[Stored], follows: Sequence[Include]) -> list[Stored]:
        """What is new one step from the frontier."""
        new: dict[Place, Stored] = {}
        for stored in await self._forward(frontier, [f for f in follows if not f.reverse]):
            self._take(stored, new)
        for follow in (f for f in follows if f.reverse):
            await self._backward(frontier, follow, new)
        return list(new.values())

    async def _forward(self, frontier: Sequence[Stored], follows: Sequence[Include]) -> list[Stored]:
        wanted: dict[str, dict[str, None]] = {}
        for stored in frontier if follows else ():
            parameters = self._services.intake.search.parameters(stored.type)
            for follow in follows:
                for place in references(follow, stored.resource, parameters, self._base_url):
                    if self._is_new(place):
                        wanted.setdefault(place[0], {})[place[1]] = None
        found: list[Stored] = []
        for type, ids in wanted.items():
            if type in self._services.definitions.types:
                room = self._room - len(found)
                self.cut |= len(ids) > room
                found += await self._services.store.read_many(type, list(ids)[:room])
        return found

    async def _backward(self, frontier: Sequence[Stored], follow: Include, new: dict[Place, Stored]) -> None:
        types = self._services.definitions.types if follow.source is None else (follow.source,)
        for places in _groups([_place(stored) for stored in frontier]):
            for type in types:
                parameters = self._services.intake.search.parameters(type)
                filter = referring(follow, places, parameters, self._base_url)
                if filter is None:
                    continue
                # those that are known already may be found again
                limit = self._room + len(self.found) + len(self._matches) + 1
                page = await self._services.store.search(Query(type, filter, limit))
                for stored in page.resources:
                    self._take(stored, new)

    def _take(self, stored: Stored, new: dict[Place, Stored]) -> None:
        if not self._is_new(_place(stored)):
            return
        if self._room <= 0:
            self.cut = True
            return
        self.found[_place(stored)] = new[_place(stored)] = stored

    def _is_new(self, place: Place) -> bool:
        return place not in self.found and place not in self._matches

    @property
    def _room(self) -> int:
        return self._services.limits.included - len(self.found)


def _place(stored: Stored) -> Place:
    return stored.type, stored.id


def _groups(places: Sequence[Place]) -> Iterator[Sequence[Place]]:
    for start in range(0, len(places), AT_ONCE):
        yield places[start : start + AT_ONCE]
