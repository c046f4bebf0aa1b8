"""What others refer to is not deleted, where a setting says so, as in HAPI.

What counts is what a search by a reference parameter finds. It is looked at before the commit: a reference
that another client writes in that very moment is not seen.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from fhir_mpi.fhir.outcome import Conflict
from fhir_mpi.interactions.services import Services
from fhir_mpi.search.filters import Filter, Query
from fhir_mpi.search.includes import Include, Place, references, referring
from fhir_mpi.search.unstored import Unstored
from fhir_mpi.storage.port import Stored, Write

ANY: Final = Include(source=None, code=None, target=None, reverse=True, iterate=False)
AT_ONCE: Final = 100
"""Resources whose referrers are looked for in one search."""


class StillReferred(Conflict):
    """`places` are the resources that can't be deleted."""

    def __init__(self, place: Place, referrer: Stored) -> None:
        what, other = "/".join(place), f"{referrer.type}/{referrer.id}"
        super().__init__(
            f"Unable to delete {what} because at least one resource has a reference to this resource."
            f" First reference found was resource {other}"
        )
        self.places = frozenset({place})


async def refuse_referred(services: Services, writes: Sequence[Write], base_url: str) -> None:
    """StillReferred where one of these writes deletes what a resource refers to that they leave in place."""
    gone = [(w.version.type, w.version.id) for w in writes if w.version.deleted]
    if services.ways.delete_referred or not gone:
        return
    for type in services.definitions.types:
        parameters = services.intake.search.parameters(type)
        staying = _Staying(services, type, {w.version.id: w for w in writes if w.version.type == type})
        for start in range(0, len(gone), AT_ONCE):
            places = gone[start : start + AT_ONCE]
            filter = referring(ANY, places, parameters, base_url)
            referrer = None if filter is None else await staying.first(filter)
            if referrer is not None:
                named = references(ANY, referrer.resource, parameters, base_url)
                raise StillReferred(next(place for place in named if place in places), referrer)


class _Staying:
    """The resources of one type as the writes leave them."""

    def __init__(self, services: Services, type: str, writes: Mapping[str, Write]) -> None:
        self._services, self._type, self._writes = services, type, writes
        left = {id: write.index for id, write in writes.items() if not write.version.deleted}
        self._written = Unstored(left, now_ms=0)

    async def first(self, filter: Filter) -> Stored | None:
        """One that the filter finds, or None."""
        if found := self._written.found(filter):
            return self._writes[min(found)].version
        # more than are rewritten: one of the others is among those found if there is one
        page = await self._services.store.search(Query(self._type, filter, len(self._writes) + 1))
        return next((stored for stored in page.resources if stored.id not in self._writes), None)
