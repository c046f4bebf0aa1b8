"""The embedded store: one SQLite file, the whole contract of `storage.port`."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from sqlite3 import Connection
from typing import ClassVar, Final, TypeVar

from fhir_mpi.fhir.outcome import Unavailable
from fhir_mpi.mdm.link import Link, Pair
from fhir_mpi.mdm.ports import CandidateRow, CandidateSet, LinkQuery, ReviewQuery
from fhir_mpi.mdm.review import Review
from fhir_mpi.search.filters import Filter, IndexEntries, Query
from fhir_mpi.storage.populations import Populations
from fhir_mpi.storage.port import (
    NO_MARKS,
    CandidateEntry,
    Changes,
    Expunge,
    Head,
    Job,
    Page,
    Pending,
    Stored,
    UnitOfWork,
    Write,
)
from fhir_mpi.storage.sqlite import (
    candidates,
    changes,
    claims,
    commit,
    entries,
    expunging,
    jobs,
    links,
    marks,
    pending,
    resources,
    reviews,
    search,
)
from fhir_mpi.storage.sqlite.codes import Codes, Key, Numbers
from fhir_mpi.storage.sqlite.connections import Connections
from fhir_mpi.storage.sqlite.schema import prepare

T = TypeVar("T")

BATCH: Final = 500
NO_VERSION_LIMIT: Final = 2**63 - 1
FEW: Final = 500
"""How many keys or ids are looked up in the event loop's own thread; more of them get a reader's."""


class SqliteStore:
    """A patient index in one file, for one machine; several processes may have it open."""

    # A commit rewrites each page of an index once, however many of its rows are new: at a million
    # patients units of 2,000 write five times as many bytes, and other writers wait for seconds anyway.
    bulk_unit: ClassVar[int] = 20_000
    # There is one writer at a time, and it looks at the marks when its turn has come.
    longest_write: ClassVar[float] = 0.0

    def __init__(self, connections: Connections, types: Mapping[str, int]) -> None:
        self._connections = connections
        self._types = types
        self._codes = Codes()
        self._populations = Populations()

    @classmethod
    async def open(cls, path: str, *, types: Iterable[str], timeout: float) -> "SqliteStore":  # noqa: ASYNC109
        """The store in the file at `path`, made where there is none, readable by its owner only.

        `timeout` in seconds bounds each query and each wait for another process's write. Raises
        Unavailable for a file that is no index or has the schema of another release.
        """
        connections = Connections(path, timeout)
        try:
            known = await connections.prepare(partial(prepare, types=tuple(types)))
        except BaseException:
            await connections.close()
            raise
        return cls(connections, known)

    async def read(self, type: str, id: str, /) -> Stored | None:
        number = self._types[type]
        return self._connections.look(lambda c: resources.read(c, number, type, id))

    async def read_version(self, type: str, id: str, version: int, /) -> Stored | None:
        found = await self.history(type, id, limit=1, before=version + 1)
        return next((stored for stored in found if stored.version == version), None)

    async def read_many(self, type: str, ids: Sequence[str], /) -> Sequence[Stored]:
        number = self._types[type]
        return await self._look_up(len(ids), lambda c: resources.read_many(c, number, type, ids))

    async def heads(self, type: str, ids: Collection[str], /) -> Mapping[str, Head]:
        number = self._types[type]
        return await self._connections.read(lambda c: resources.heads(c, number, ids))

    async def history(
        self, type: str, id: str, /, *, limit: int, before: int | None = None
    ) -> Sequence[Stored]:
        number, below = self._types[type], NO_VERSION_LIMIT if before is None else before
        return await self._connections.read(
            lambda c: resources.versions(c, number, type, id, limit=limit, below=below)
        )

    async def changes(self, query: Changes, /) -> Page:
        return await self._connections.read(lambda c: changes.changes(c, self._types, query))

    async def search(self, query: Query, /) -> Page:
        return await self._connections.read(lambda c: search.search(self._numbers(c), query))

    async def count(self, type: str, filter: Filter, /) -> int:
        return await self._connections.read(lambda c: search.count(self._numbers(c), type, filter))

    async def texts(self, type: str, code: str, /, *, limit: int) -> Sequence[str]:
        number = self._types[type]

        def ask(connection: Connection) -> Sequence[str]:
            found = self._codes.find(connection, number, "text", code)
            return [] if found is None else entries.texts(connection, found, limit)

        return await self._connections.read(ask)

    async def candidates(self, type: str, keys: Collection[int], /, *, cap: int) -> CandidateSet:
        number = self._types[type]
        return await self._look_up(len(keys), lambda c: candidates.lookup(c, number, keys, cap))

    async def candidate_records(self, type: str, ids: Collection[str], /) -> Sequence[CandidateRow]:
        number = self._types[type]
        return await self._look_up(len(ids), lambda c: candidates.records(c, number, ids))

    async def filtered_candidates(
        self, type: str, filter: Filter, /, *, limit: int
    ) -> Sequence[CandidateRow]:
        return await self._connections.read(
            lambda c: candidates.filtered(self._numbers(c), type, filter, limit)
        )

    async def population(self, type: str, /) -> int:
        known = self._populations.known(type)
        if known is not None:
            return known
        number = self._types[type]
        found = self._connections.look(lambda c: candidates.population(c, number))
        return self._populations.counted(type, found)

    async def commit(self, work: UnitOfWork, /) -> None:
        await self._write(lambda c: commit.commit(c, self._types, self._codes, work))

    async def holder(self, key: str, /) -> str | None:
        return self._connections.look(lambda c: claims.holder(c, key))

    async def holders(self, keys: Collection[str], /) -> Mapping[str, str]:
        return self._connections.look(lambda c: claims.holders(c, keys))

    async def links(self, query: LinkQuery, /) -> Sequence[Link]:
        narrowed = [ids for ids in (query.goldens, query.sources) if ids is not None]
        rows = min((len(ids) for ids in narrowed), default=FEW + 1)
        return await self._look_up(rows, lambda c: links.find(c, self._types, query))

    async def link_count(self, query: LinkQuery, /) -> int:
        return await self._connections.read(lambda c: links.count(c, self._types, query))

    async def link_history(
        self, type: str, /, *, goldens: Collection[str] = (), sources: Collection[str] = ()
    ) -> Sequence[Link]:
        return await self._connections.read(lambda c: links.history(c, self._types, type, goldens, sources))

    async def scan_links(self, type: str, /, *, history: bool = False) -> AsyncIterator[Link]:
        after = links.BEGINNING
        while True:
            ask = partial(links.batch, types=self._types, type=type, after=after, limit=BATCH, every=history)
            found, after = await self._connections.read(ask)
            for link in found:
                yield link
            if len(found) < BATCH:
                return

    async def import_links(self, versions: Sequence[Link], /) -> None:
        await self._connections.write(lambda c: links.carry(c, self._types, versions))

    async def reviews(self, query: ReviewQuery, /) -> Sequence[Review]:
        return await self._connections.read(lambda c: reviews.find(c, self._types, query))

    async def reviews_of(self, pairs: Collection[Pair], /) -> Mapping[Pair, Review]:
        return await self._look_up(len(pairs), lambda c: reviews.of_pairs(c, self._types, pairs))

    async def review_history(self, pair: Pair, /) -> Sequence[Review]:
        return await self._connections.read(lambda c: reviews.history(c, self._types, pair))

    async def pending(self, *, limit: int) -> Sequence[Pending]:
        return self._connections.look(lambda c: pending.longest(c, self._types, limit))

    async def pending_count(self) -> int:
        return await self._connections.read(pending.count)

    async def job(self, id: str, /) -> Job | None:
        return self._connections.look(lambda c: jobs.job(c, id))

    async def due_jobs(self, now: datetime, /, *, limit: int) -> Sequence[Job]:
        return self._connections.look(lambda c: jobs.due(c, now, limit))

    async def scan(
        self, type: str, /, *, history: bool = False, after: str | None = None
    ) -> AsyncIterator[Stored]:
        number, batch = self._types[type], resources.version_batch if history else resources.current_batch
        place = await self._connections.read(lambda c: resources.place(c, number, after))
        while True:
            ask = partial(batch, number=number, type=type, after=place, limit=BATCH)
            found, place = await self._connections.read(ask)
            for stored in found:
                yield stored
            if len(found) < BATCH:
                return

    async def replace_index(
        self,
        type: str,
        changes: Mapping[str, tuple[int, IndexEntries | None, CandidateEntry | None]],
        /,
        *,
        marks: Mapping[str, str] = NO_MARKS,
    ) -> None:
        number = self._types[type]
        await self._write(lambda c: commit.replace_index(c, number, self._codes, changes, marks))

    async def import_versions(self, versions: Sequence[Write], /) -> None:
        await self._write(lambda c: commit.import_versions(c, self._types, self._codes, versions))

    async def version_count(self, type: str, id: str, /) -> int:
        number = self._types[type]
        return await self._connections.read(lambda c: resources.version_count(c, number, id))

    async def expunge(self, query: Expunge, /) -> int:
        number = self._types[query.type]
        return await self._connections.write(lambda c: expunging.expunge(c, number, query))

    async def mark(self, name: str, /) -> str | None:
        return self._connections.look(lambda c: marks.get(c, name))

    async def set_mark(self, name: str, value: str, /, *, expected: str | None) -> bool:
        return await self._connections.write(lambda c: marks.put(c, name, value, expected))

    async def problems(self) -> Sequence[str]:
        """Tries to read the file. Another process's long write is none: what reads goes on meanwhile."""
        try:
            await self._connections.read(lambda c: c.execute("SELECT 1 FROM mark").fetchone())
        except Unavailable as problem:
            return [str(problem)]
        return []

    async def close(self) -> None:
        await self._connections.close()

    def _numbers(self, connection: Connection) -> Numbers:
        return Numbers(connection, self._codes, self._types)

    async def _look_up(self, rows: int, ask: Callable[[Connection], T]) -> T:
        """At once where few keys are asked for; very many would hold up every other request."""
        return self._connections.look(ask) if rows <= FEW else await self._connections.read(ask)

    async def _write(self, change: Callable[[Connection], Mapping[Key, int]]) -> None:
        """Changes the file; the code numbers made for it are remembered when they are there to stay."""
        self._codes.keep(await self._connections.write(change))
