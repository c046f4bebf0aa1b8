"""Linking a whole population: what one record at a time would come to, in large steps, by several processes.

Workers look sources up and compare them, which depends on the records alone. What is decided depends on
what was decided before: that is done here, in the order of the store. Workers then index the golden
records. While one batch is decided on and stored, the next one is looked up already.

Every batch is one transaction. A run that was stopped is finished by running it again: a source that is
linked, or may be, is left as it is.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar

from fhir_mpi.batch.bench import Bench
from fhir_mpi.batch.workers import worker_own
from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.arriving import BUCKETS, Arrival, Meeting, arranged, bucket, met
from fhir_mpi.interactions.committing import ATTEMPTS, CONFLICTS
from fhir_mpi.interactions.intake import Intake
from fhir_mpi.interactions.scene import OPEN
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.waiting import drain
from fhir_mpi.mdm.matching import Match
from fhir_mpi.mdm.ports import LinkQuery
from fhir_mpi.mdm.tags import MANAGED, is_managed
from fhir_mpi.search.filters import IndexEntries
from fhir_mpi.storage.port import CandidateEntry, Pending, Stored, UnitOfWork, Write

MOST: Final = 4_000
"""Sources in one transaction: with what they meet they are held in memory, two batches at a time."""
CHUNK: Final = 100
"""Sources, or golden records, that a worker takes in one go."""
MANAGED_CODE: Final = MANAGED["code"].encode()
Item = TypeVar("Item")
Found = TypeVar("Found")
Pairs = Mapping[str, Sequence[Match]]
"""What is known of a source from elsewhere, in place of a look-up: the records that it matches."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many sources were linked, how many were so before, and how many others were left to the queue."""

    linked: int = 0
    before: int = 0
    waiting: int = 0

    @property
    def seen(self) -> int:
        return self.linked + self.before + self.waiting

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.linked + other.linked, self.before + other.before, self.waiting + other.waiting)


class Unindexed(Intake):
    """An intake whose writes are indexed later, by a worker."""

    def derived(self, resource: Resource) -> tuple[IndexEntries, CandidateEntry | None]:
        return {}, None


@dataclass(frozen=True, slots=True)
class Batch:
    """Sources that are being looked up. `holders` are those of all buckets from before that began."""

    sources: Sequence[Stored]
    holders: Mapping[str, str]
    looks: Sequence["asyncio.Future[Mapping[str, Meeting]]"]


async def link_all(
    services: Services,
    pool: Executor,
    type: str,
    *,
    batch: int | None = None,
    pairs: Pairs | None = None,
    on_progress: Callable[[Tally], None],
) -> Tally:
    """Links every source of a type that has no link yet, and says how many.

    `pool` is one that `workers` opened with a Bench for each. With `pairs` sources are linked by these, and
    nothing is looked up. Raises what the store raises: what was linked until then stays.
    """
    line = Line(services, pool, type, pairs)
    tally, last = Tally(), None
    async for sources, before in _unlinked(services, type, batch or min(MOST, services.store.bulk_unit)):
        tally += Tally(before=before)
        ahead = await line.looked_up(sources) if sources else None
        if last is not None:
            tally += await line.store(last)
            on_progress(tally)
        last = ahead
    if last is not None:
        tally += await line.store(last)
    await drain(services)
    on_progress(tally)
    return tally


async def _unlinked(services: Services, type: str, size: int) -> AsyncIterator[tuple[list[Stored], int]]:
    """The sources without links, a batch at a time, and how many others there were beside them."""
    held: list[Stored] = []
    async for stored in services.store.scan(type):
        # golden records are half of what there is in the end: not every one of them needs parsing
        if MANAGED_CODE in stored.json and is_managed(stored.resource):
            continue
        held.append(stored)
        if len(held) == size:
            yield await _without_links(services, type, held)
            held = []
    yield await _without_links(services, type, held)


async def _without_links(
    services: Services, type: str, sources: Sequence[Stored]
) -> tuple[list[Stored], int]:
    ids = [source.id for source in sources]
    links = await services.store.links(LinkQuery((type,), sources=ids, results=OPEN)) if ids else ()
    known = {link.source for link in links}
    found = [source for source in sources if source.id not in known]
    return found, len(sources) - len(found)


class Line:
    """Batches of one type on their way: looked up in their order, and stored in their order."""

    def __init__(self, services: Services, pool: Executor, type: str, pairs: Pairs | None) -> None:
        intake = services.intake
        self._services, self._pool, self._type, self._pairs = services, pool, type, pairs
        self._unindexed = replace(services, intake=Unindexed(intake.validator, intake.search, intake.models))
        self._buckets = [bucket(type, number) for number in range(BUCKETS)]
        self._taken: Mapping[str, tuple[str | None, str]] = {}

    async def looked_up(self, sources: Sequence[Stored]) -> Batch:
        """Has workers begin to look these up."""
        holders = await self._services.store.holders(self._buckets)
        looks = [
            self._work(partial(_met, self._type, [s.json for s in chunk], self._known(chunk)))
            for chunk in _chunks(sources)
        ]
        return Batch(sources, holders, looks)

    async def store(self, batch: Batch) -> Tally:
        """Links these; where others keep changing what they meet, the queue does it."""
        for _ in range(ATTEMPTS):
            try:
                work = await self._planned(batch)
                await self._services.keys.commit(work)
            except CONFLICTS:
                batch = await self.looked_up(await self._again(batch.sources))
                continue
            self._taken = {claim.key: (claim.expected, claim.holder) for claim in work.claims}
            return Tally(linked=len(batch.sources))
        pending = [Pending(self._type, source.id, source.version) for source in batch.sources]
        await self._services.keys.commit(UnitOfWork(pending=pending))
        return Tally(waiting=len(pending))

    async def _planned(self, batch: Batch) -> UnitOfWork:
        meetings: dict[str, Meeting] = {}
        for found in await asyncio.gather(*batch.looks):
            meetings |= found
        arrivals = [Arrival(source) for source in batch.sources]
        holders = self._now(batch.holders)
        work = await arranged(self._unindexed, self._type, arrivals, meetings, holders)
        return replace(work, writes=await self._indexed(work.writes), standing=batch.sources)

    def _now(self, holders: Mapping[str, str]) -> Mapping[str, str]:
        """Who must hold the buckets at the commit: those who did before the look-up, or the batch stored
        since, where it took them from these. Then nobody else wrote anything that was missed.
        """
        ours = {key: after for key, (before, after) in self._taken.items() if holders.get(key) == before}
        return {**holders, **ours}

    async def _indexed(self, writes: Sequence[Write]) -> list[Write]:
        """The writes with their index entries, which workers make."""
        made = [write for write in writes if not write.version.deleted]
        work = [self._work(partial(_entries, [w.version.json for w in chunk])) for chunk in _chunks(made)]
        entries = [each for found in await asyncio.gather(*work) for each in found]
        indexed = [replace(write, index=index) for write, index in zip(made, entries, strict=True)]
        return [*indexed, *(write for write in writes if write.version.deleted)]

    async def _again(self, sources: Sequence[Stored]) -> Sequence[Stored]:
        return await self._services.store.read_many(self._type, [source.id for source in sources])

    def _known(self, chunk: Sequence[Stored]) -> Pairs | None:
        return None if self._pairs is None else {s.id: self._pairs.get(s.id, ()) for s in chunk}

    def _work(self, ask: Callable[[], Found]) -> "asyncio.Future[Found]":
        return asyncio.get_running_loop().run_in_executor(self._pool, ask)


def _met(type: str, sources: Sequence[bytes], known: Pairs | None) -> Mapping[str, Meeting]:
    """Done by a worker: what each source meets."""
    bench: Bench = worker_own()
    resources = [decode(source) for source in sources]
    return bench.run(lambda services: met(services, type, resources, known))


def _entries(resources: Sequence[bytes]) -> list[IndexEntries]:
    """Done by a worker: how each resource is found."""
    bench: Bench = worker_own()
    return [bench.intake.search.index(decode(resource)) for resource in resources]


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
