"""`MongoStore`: the storage port on MongoDB. Every method is one call into the module it is about."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import ClassVar

from pymongo.errors import DuplicateKeyError, PyMongoError

from fhir_mpi.mdm.link import Link, Pair
from fhir_mpi.mdm.ports import CandidateRow, CandidateSet, LinkQuery, ReviewQuery
from fhir_mpi.mdm.review import Review
from fhir_mpi.search.filters import Filter, IndexEntries, Query
from fhir_mpi.storage.mongo import (
    candidates,
    changes,
    claims,
    commit,
    expunging,
    jobs,
    links,
    pending,
    resources,
    reviews,
    searching,
)
from fhir_mpi.storage.mongo.connection import Connection, connect
from fhir_mpi.storage.mongo.failures import told_as_ours, translated
from fhir_mpi.storage.mongo.indexes import MARKS, PENDING, missing_indexes
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


class MongoStore:
    """A replica set, or a sharded cluster's router. Opened and used on one event loop."""

    # The server ends a transaction after 60 s (transactionLifetimeLimitSeconds), whatever it has done,
    # and keeps all it changes in memory until then: units must stay well below both.
    bulk_unit: ClassVar[int] = 500
    longest_write: ClassVar[float] = 60.0

    def __init__(self, connection: Connection, types: tuple[str, ...]) -> None:
        self._connection, self._types = connection, types
        self._database = connection.database
        self._populations = Populations()

    @classmethod
    async def open(
        cls,
        uri: str,
        *,
        types: Iterable[str],
        timeout: float,  # noqa: ASYNC109 - of every operation later, not of this call
        database: str | None = None,
    ) -> "MongoStore":
        """The store at a `mongodb://` URI for these resource types, its indexes made.

        `timeout` is in seconds, for each operation. Without `database` it is the one in the URI, or
        `fhir_mpi`. ValueError for a URI that is none; Unavailable where the server can't hold a store.
        """
        names = tuple(types)
        with told_as_ours():
            return cls(await connect(uri, names, timeout, database), names)

    async def read(self, type: str, id: str, /) -> Stored | None:
        with told_as_ours():
            return await resources.read(self._database, type, id)

    async def read_version(self, type: str, id: str, version: int, /) -> Stored | None:
        with told_as_ours():
            return await resources.read_version(self._database, type, id, version)

    async def read_many(self, type: str, ids: Sequence[str], /) -> Sequence[Stored]:
        with told_as_ours():
            return await resources.read_many(self._database, type, ids)

    async def heads(self, type: str, ids: Collection[str], /) -> Mapping[str, Head]:
        with told_as_ours():
            return await resources.heads(self._database, type, ids)

    async def history(
        self, type: str, id: str, /, *, limit: int, before: int | None = None
    ) -> Sequence[Stored]:
        with told_as_ours():
            return await resources.history(self._database, type, id, limit, before)

    async def changes(self, query: Changes, /) -> Page:
        with told_as_ours():
            return await changes.changes(self._database, query)

    async def search(self, query: Query, /) -> Page:
        with told_as_ours():
            return await searching.search(self._database, query)

    async def count(self, type: str, filter: Filter, /) -> int:
        with told_as_ours():
            return await searching.count(self._database, type, filter)

    async def texts(self, type: str, code: str, /, *, limit: int) -> Sequence[str]:
        with told_as_ours():
            return await searching.texts(self._database, type, code, limit)

    async def candidates(self, type: str, keys: Collection[int], /, *, cap: int) -> CandidateSet:
        with told_as_ours():
            return await candidates.candidates(self._database, type, keys, cap)

    async def candidate_records(self, type: str, ids: Collection[str], /) -> Sequence[CandidateRow]:
        with told_as_ours():
            return await candidates.records(self._database, type, ids)

    async def filtered_candidates(
        self, type: str, filter: Filter, /, *, limit: int
    ) -> Sequence[CandidateRow]:
        with told_as_ours():
            ids = await searching.ids(self._database, type, filter, limit)
            rows = await candidates.records(self._database, type, ids)
            return sorted(rows, key=attrgetter("id"))

    async def population(self, type: str, /) -> int:
        known = self._populations.known(type)
        if known is not None:
            return known
        with told_as_ours():
            return self._populations.counted(type, await candidates.population(self._database, type))

    async def commit(self, work: UnitOfWork, /) -> None:
        with told_as_ours():
            await commit.commit(self._connection, work)

    async def holder(self, key: str, /) -> str | None:
        with told_as_ours():
            return await claims.holder(self._database, key)

    async def holders(self, keys: Collection[str], /) -> Mapping[str, str]:
        with told_as_ours():
            return await claims.holders(self._database, keys)

    async def links(self, query: LinkQuery, /) -> Sequence[Link]:
        with told_as_ours():
            return await links.find(self._database, query)

    async def link_count(self, query: LinkQuery, /) -> int:
        with told_as_ours():
            return await links.count(self._database, query)

    async def link_history(
        self, type: str, /, *, goldens: Collection[str] = (), sources: Collection[str] = ()
    ) -> Sequence[Link]:
        with told_as_ours():
            return await links.history(self._database, type, goldens, sources)

    async def scan_links(self, type: str, /, *, history: bool = False) -> AsyncIterator[Link]:
        with told_as_ours():
            async for link in links.scan(self._database, type, history=history):
                yield link

    async def import_links(self, versions: Sequence[Link], /) -> None:
        with told_as_ours():
            await commit.import_links(self._connection, versions)

    async def reviews(self, query: ReviewQuery, /) -> Sequence[Review]:
        with told_as_ours():
            return await reviews.find(self._database, query)

    async def reviews_of(self, pairs: Collection[Pair], /) -> Mapping[Pair, Review]:
        with told_as_ours():
            return await reviews.of_pairs(self._database, pairs)

    async def review_history(self, pair: Pair, /) -> Sequence[Review]:
        with told_as_ours():
            return await reviews.history(self._database, pair)

    async def pending(self, *, limit: int) -> Sequence[Pending]:
        with told_as_ours():
            return await pending.longest(self._database, limit)

    async def pending_count(self) -> int:
        with told_as_ours():
            return await self._database[PENDING].count_documents({})

    async def job(self, id: str, /) -> Job | None:
        with told_as_ours():
            return await jobs.job(self._database, id)

    async def due_jobs(self, now: datetime, /, *, limit: int) -> Sequence[Job]:
        with told_as_ours():
            return await jobs.due(self._database, now, limit)

    async def scan(
        self, type: str, /, *, history: bool = False, after: str | None = None
    ) -> AsyncIterator[Stored]:
        with told_as_ours():
            async for stored in resources.scan(self._database, type, history=history, behind=after):
                yield stored

    async def replace_index(
        self,
        type: str,
        entries: Mapping[str, tuple[int, IndexEntries | None, CandidateEntry | None]],
        /,
        *,
        marks: Mapping[str, str] = NO_MARKS,
    ) -> None:
        with told_as_ours():
            await commit.replace_index(self._connection, type, entries, marks)

    async def import_versions(self, versions: Sequence[Write], /) -> None:
        with told_as_ours():
            await commit.import_versions(self._connection, versions)

    async def version_count(self, type: str, id: str, /) -> int:
        with told_as_ours():
            return await resources.version_count(self._database, type, id)

    async def expunge(self, query: Expunge, /) -> int:
        with told_as_ours():
            return await expunging.expunge(self._connection, query)

    async def mark(self, name: str, /) -> str | None:
        with told_as_ours():
            found = await self._database[MARKS].find_one({"_id": {"$eq": name}})
        return None if found is None else str(found["value"])

    async def set_mark(self, name: str, value: str, /, *, expected: str | None) -> bool:
        marks = self._database[MARKS]
        with told_as_ours():
            if expected is not None:
                wanted = {"_id": {"$eq": name}, "value": {"$eq": expected}}
                return (await marks.update_one(wanted, {"$set": {"value": value}})).matched_count == 1
            try:
                await marks.insert_one({"_id": name, "value": value})
            except DuplicateKeyError:
                return False
            return True

    async def problems(self) -> Sequence[str]:
        try:
            await self._connection.client.admin.command("ping")
            missing = await missing_indexes(self._database, self._types)
        except PyMongoError as error:
            return [str(translated(error))]
        return [f"the index {index} is missing" for index in missing]

    async def close(self) -> None:
        await self._connection.client.close()
