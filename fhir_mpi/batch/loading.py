"""Bulk loading: many resources into a store, in parallel, in order, and as often as one likes.

A run that is stopped is finished by running it again: what is stored with the same content is left as it
is, what differs becomes a new version. Each unit of work is committed whole or not at all.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from fhir_mpi.batch.preparing import Origin, Preparer, Rejected
from fhir_mpi.batch.reading import CHUNK_LINES, Chunk
from fhir_mpi.batch.workers import in_order
from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.meta import same_content
from fhir_mpi.fhir.outcome import Conflict
from fhir_mpi.interactions.committing import ForbiddenByMdm, commit
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.uniqueness import IdentifierTaken, Place, unit_of_work
from fhir_mpi.interactions.writing import plan_update
from fhir_mpi.storage.port import ClaimConflict, Head, Stored, Write, WriteConflict

ATTEMPTS: Final = 10
Refusal: TypeAlias = IdentifierTaken | ForbiddenByMdm
Taken: TypeAlias = tuple[Write, Refusal]
"""What is not stored, as an identifier of it is another's, or MDM forbids it."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many resources were read, and what became of them."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    """By type, of those types that are not served."""

    def __add__(self, other: "Tally") -> "Tally":
        types = self.left_out.keys() | other.left_out.keys()
        return Tally(
            self.read + other.read,
            self.created + other.created,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.rejected + other.rejected,
            {type: self.left_out.get(type, 0) + other.left_out.get(type, 0) for type in types},
        )


async def load(
    services: Services,
    pool: Executor,
    chunks: Iterator[Chunk],
    *,
    batch: int | None = None,
    ahead: int = 4,
    leave_out: bool = False,
    on_rejected: Callable[[Sequence[Rejected]], None],
    on_progress: Callable[[Tally], None],
) -> Tally:
    """Stores every resource of these chunks, in units of work of about `batch`, and says how many.

    Without `batch` the store has its own choice. `pool` is one that `workers` opened; `ahead` chunks and
    one batch are prepared while the one before is stored.
    Raises what the store raises: what was stored until then stays.
    """
    prepare = Preparer(frozenset(services.definitions.types), services.clock(), leave_out)
    tally, held, origins = Tally(), list[Write](), dict[Place, Origin]()

    async def store() -> Tally:
        stored, taken = await store_all(services, held)
        if taken:
            on_rejected([_rejected(write, error, origins[_place(write)]) for write, error in taken])
        held.clear()
        origins.clear()
        return stored

    batch = batch or services.store.bulk_unit
    ahead += batch // CHUNK_LINES
    async for prepared in in_order(pool, prepare, chunks, ahead=ahead):
        held += prepared.writes
        origins |= zip(map(_place, prepared.writes), prepared.origins, strict=True)
        rejected = len(prepared.rejected)
        if rejected:
            on_rejected(prepared.rejected)
        tally += Tally(read=prepared.read, rejected=rejected, left_out=prepared.left_out)
        if len(held) >= batch:
            tally += await store()
            on_progress(tally)
    tally += await store()
    on_progress(tally)
    return tally


async def store_all(services: Services, writes: Iterable[Write]) -> tuple[Tally, Sequence[Taken]]:
    """Stores first versions, or newer ones on top of what is there; those of one resource in order.

    Answers how many, and those that are left out because their identifier is another's.
    """
    tally, taken = Tally(), list[Taken]()
    for unit in _units(writes):
        stored, refused = await _store(services, unit)
        tally += stored
        taken += refused
    return tally, taken


def _units(writes: Iterable[Write]) -> Iterator[list[Write]]:
    """Runs in which no resource stands twice."""
    unit: dict[Place, Write] = {}
    for write in writes:
        if _place(write) in unit:
            yield list(unit.values())
            unit = {}
        unit[_place(write)] = write
    if unit:
        yield list(unit.values())


async def _store(services: Services, writes: Sequence[Write]) -> tuple[Tally, list[Taken]]:
    taken: list[Taken] = []
    for _ in range(ATTEMPTS):
        new, changed = await _planned(services, writes)
        try:
            if new or changed:
                await commit(services, await unit_of_work(services, [*new, *changed]))
        except (WriteConflict, ClaimConflict):
            continue  # somebody else wrote one of these meanwhile: look again
        except (IdentifierTaken, ForbiddenByMdm) as error:
            taken += [(write, error) for write in writes if _place(write) in error.places]
            writes = [write for write in writes if _place(write) not in error.places]
            continue
        unchanged = len(writes) - len(new) - len(changed)
        return Tally(created=len(new), updated=len(changed), unchanged=unchanged, rejected=len(taken)), taken
    raise Conflict("others keep changing these resources; try again")


async def _planned(services: Services, writes: Sequence[Write]) -> tuple[list[Write], list[Write]]:
    """The writes as they are where nothing is stored, and newer versions where other content is."""
    new: list[Write] = []
    changed: list[Write] = []
    for type, ours in _by_type(writes).items():
        heads = await services.store.heads(type, ours)
        stored = {s.id: s for s in await services.store.read_many(type, list(heads))} if heads else {}
        new += [write for id, write in ours.items() if id not in heads]
        for id, head in heads.items():
            changed += _update(services, ours[id], head, stored.get(id))
    return new, changed


def _update(services: Services, write: Write, head: Head, stored: Stored | None) -> list[Write]:
    resource = decode(write.version.json)
    if stored is not None and same_content(resource, decode(stored.json)):
        return []
    return [plan_update(services, write.version.type, write.version.id, resource, head)]


def _rejected(write: Write, error: Refusal, origin: Origin) -> Rejected:
    content = write.version.json
    return Rejected(origin.source, origin.line, origin.entry, write.version.type, error.issues, content)


def _place(write: Write) -> Place:
    return write.version.type, write.version.id


def _by_type(writes: Iterable[Write]) -> dict[str, dict[str, Write]]:
    found: dict[str, dict[str, Write]] = {}
    for write in writes:
        found.setdefault(write.version.type, {})[write.version.id] = write
    return found
