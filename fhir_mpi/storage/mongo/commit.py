"""Writing: units of work, new index entries, versions carried over. Each is one transaction.

The functions given to the transaction are safe to run twice: they read what they decide by inside
it, and write nothing that depends on an earlier run. A version is compared and set by replacing
`{_id, version}` and counting; a first version is an insert, so that a duplicate key is the conflict.
What is many goes in one command each (`insert_many`, `bulk_write`); the driver cuts them to the
server's limits, 100,000 operations and 48 MB, inside the same transaction.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from pymongo import ReplaceOne, UpdateOne

from fhir_mpi.fhir.outcome import Unavailable
from fhir_mpi.mdm.link import Link
from fhir_mpi.search.filters import IndexEntries
from fhir_mpi.storage.mongo import claims, jobs, links, pending, reviews
from fhir_mpi.storage.mongo.connection import Body, Connection, Raced, Session
from fhir_mpi.storage.mongo.documents import (
    Document,
    candidate_document,
    current_document,
    history_document,
    history_id,
    index_document,
    interval_rows,
    stored_version,
    text_rows,
)
from fhir_mpi.storage.mongo.indexes import MARKS, Database
from fhir_mpi.storage.mongo.resources import heads
from fhir_mpi.storage.port import CandidateEntry, MarkMoved, Stored, UnitOfWork, Write, WriteConflict

ATTEMPTS: Final = 3

Entry: TypeAlias = tuple[IndexEntries, CandidateEntry | None]
Versions: TypeAlias = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Inside:
    """A database as one transaction sees it."""

    database: Database
    session: Session

    async def versions(self, type: str, ids: Collection[str]) -> dict[str, int]:
        """The current version of those that exist or existed."""
        found = self.database[type].find({"_id": {"$in": sorted(ids)}}, {"version": 1}, session=self.session)
        return {document["_id"]: document["version"] async for document in found}

    async def insert(self, collection: str, documents: Iterable[Document]) -> None:
        rows = list(documents)
        if rows:
            await self.database[collection].insert_many(rows, session=self.session)

    async def replace(self, type: str, writes: Sequence[tuple[Write, int]]) -> None:
        """Current documents by the version they replace; Raced unless every one of them had it."""
        if not writes:
            return
        requests = [
            ReplaceOne(
                {"_id": {"$eq": w.version.id}, "version": expected}, current_document(w.version, w.index)
            )
            for w, expected in writes
        ]
        result = await self.database[type].bulk_write(requests, session=self.session)
        if result.matched_count != len(requests):
            raise Raced

    async def require(self, marks: Mapping[str, str]) -> None:
        """MarkMoved unless each of these stands as it is said."""
        if not marks:
            return
        found = self.database[MARKS].find({"_id": {"$in": sorted(marks)}}, session=self.session)
        if {document["_id"]: document["value"] async for document in found} != dict(marks):
            raise MarkMoved

    async def candidates(self, type: str, entries: Mapping[str, CandidateEntry | None]) -> None:
        """Candidate records in place of those that these have."""
        if entries:
            stale = {"_id": {"$in": sorted(entries)}}
            await self.database[f"{type}.candidates"].delete_many(stale, session=self.session)
        items = entries.items()
        await self.insert(f"{type}.candidates", (candidate_document(id, c) for id, c in items if c))

    async def index(self, type: str, entries: Mapping[str, Entry], *, indexed: Collection[str]) -> None:
        """Rows and candidates of these resources; those of `indexed` replace what they have."""
        old = sorted(indexed)
        if old:
            for kind, field in (("texts", "id"), ("intervals", "id"), ("candidates", "_id")):
                stale = {field: {"$in": old}}
                await self.database[f"{type}.{kind}"].delete_many(stale, session=self.session)
        items = entries.items()
        await self.insert(f"{type}.texts", (row for id, (ix, _) in items for row in text_rows(id, ix)))
        await self.insert(
            f"{type}.intervals", (row for id, (ix, _) in items for row in interval_rows(id, ix))
        )
        await self.insert(f"{type}.candidates", (candidate_document(id, c) for id, (_, c) in items if c))


async def commit(connection: Connection, work: UnitOfWork) -> None:
    """Every write, claim, link and job, or the conflict that names one that was not as expected."""
    groups = _by_type(work.writes)

    async def body(session: Session) -> None:
        inside = Inside(connection.database, session)
        await inside.require(work.marks)
        await jobs.change(connection.database, session, work.jobs)
        await claims.take(connection.database, session, work.claims)
        for type, group in groups.items():
            await _write(inside, type, group)
        await _hold(inside, work.standing)
        await links.put(connection.database, session, work.links)
        await reviews.put(connection.database, session, work.reviews)
        await pending.settle(connection.database, session, work.settled)
        await pending.put(connection.database, session, work.pending)

    async def refuse_the_stale() -> None:
        await jobs.require_expected(connection.database, work.jobs)
        await claims.require_expected(connection.database, work.claims)
        await links.require_expected(connection.database, work.links)
        await reviews.require_expected(connection.database, work.reviews)
        for type, group in groups.items():
            found = await heads(connection.database, type, [w.version.id for w in group])
            _require_expected(group, {id: head.version for id, head in found.items()})
        for version in work.standing:
            await _require_current(connection.database, version)

    if work != UnitOfWork():
        steps = len(work.writes) + len(work.links)
        await _until_not_raced(connection, body, steps, otherwise=refuse_the_stale)


async def replace_index(
    connection: Connection,
    type: str,
    entries: Mapping[str, tuple[int, IndexEntries | None, CandidateEntry | None]],
    marks: Mapping[str, str],
) -> None:
    """New entries for resources that still have the version named; the others stay as they are."""

    async def body(session: Session) -> None:
        inside = Inside(connection.database, session)
        await inside.require(marks)
        found = connection.database[type].find(
            {"_id": {"$in": sorted(entries)}}, {"version": 1, "deleted": 1}, session=session
        )
        current = [d["_id"] async for d in found if not d["deleted"] and d["version"] == entries[d["_id"]][0]]
        if not current:
            return
        await connection.database[type].bulk_write(
            [_indexing(id, *entries[id]) for id in current], session=session
        )
        found_by = {id: (ix, c) for id in current for _, ix, c in [entries[id]] if ix is not None}
        await inside.index(type, found_by, indexed=found_by)
        matched = {id: c for id in current for _, ix, c in [entries[id]] if ix is None}
        await inside.candidates(type, matched)

    await _until_not_raced(connection, body, len(entries))


async def import_versions(connection: Connection, writes: Sequence[Write]) -> None:
    """Versions as they are; the newest of each resource becomes current unless a newer one is."""
    groups = _by_type(writes)

    async def body(session: Session) -> None:
        inside = Inside(connection.database, session)
        for type, group in groups.items():
            kept = await _kept(inside, type, group)
            missing = [w.version for w in group if (w.version.id, w.version.version) not in kept]
            await inside.insert(f"{type}.history", map(history_document, missing))
            newest = {w.version.id: w for w in group}
            versions = await inside.versions(type, newest)
            ahead = [w for id, w in newest.items() if w.version.version > versions.get(id, 0)]
            await _make_current(inside, type, ahead, versions)

    await _until_not_raced(connection, body, len(writes))


async def import_links(connection: Connection, versions: Sequence[Link]) -> None:
    """Versions of links as they are; the newest of each becomes current unless a newer one is."""

    async def body(session: Session) -> None:
        await links.carry(connection.database, session, versions)

    await _until_not_raced(connection, body, len(versions))


async def _nothing() -> None:
    """What there is to do between two attempts where both would do the same."""


async def _until_not_raced(
    connection: Connection, body: Body, writes: int, otherwise: Callable[[], Awaitable[None]] = _nothing
) -> None:
    """Runs the transaction; each time another was first, `otherwise`, and then once more."""
    for _ in range(ATTEMPTS):
        try:
            return await connection.transaction(body, writes=writes)
        except Raced:
            await otherwise()
    raise Unavailable("other writers were first each time; it may be tried again")


def _by_type(writes: Iterable[Write]) -> dict[str, list[Write]]:
    groups: dict[str, list[Write]] = defaultdict(list)
    for write in writes:
        groups[write.version.type].append(write)
    return groups


def _require_expected(writes: Iterable[Write], versions: Versions) -> None:
    for write in writes:
        found = versions.get(write.version.id, 0)
        if found != write.expected:
            raise WriteConflict(write.version.type, write.version.id, write.expected, found)


async def _hold(inside: Inside, standing: Iterable[Stored]) -> None:
    """The counter makes a write of it: whoever makes the next version is then in this transaction's way."""
    requests: dict[str, list[UpdateOne]] = defaultdict(list)
    for version in standing:
        current = {"_id": {"$eq": version.id}, "version": version.version}
        requests[version.type].append(UpdateOne(current, {"$inc": {"held": 1}}))
    for type, held in requests.items():
        result = await inside.database[type].bulk_write(held, session=inside.session)
        if result.matched_count != len(held):
            raise Raced


async def _require_current(database: Database, version: Stored) -> None:
    found = (await heads(database, version.type, [version.id])).get(version.id)
    if found is None or found.version != version.version:
        raise WriteConflict(version.type, version.id, version.version, found.version if found else 0)


async def _write(inside: Inside, type: str, writes: Sequence[Write]) -> None:
    await _make_current(inside, type, writes, {w.version.id: w.expected for w in writes})
    await inside.insert(f"{type}.history", (history_document(w.version) for w in writes))


async def _make_current(inside: Inside, type: str, writes: Sequence[Write], versions: Versions) -> None:
    """The current documents of these writes, and what is indexed of them, over the versions given."""
    replaced = [(w, versions[w.version.id]) for w in writes if versions.get(w.version.id, 0)]
    created = [w for w in writes if not versions.get(w.version.id, 0)]
    await inside.insert(type, (current_document(w.version, w.index) for w in created))
    await inside.replace(type, replaced)
    entries: dict[str, Entry] = {w.version.id: (w.index, w.candidate) for w in writes}
    await inside.index(type, entries, indexed=[w.version.id for w, _ in replaced])


def _indexing(id: str, version: int, index: IndexEntries | None, _: CandidateEntry | None) -> UpdateOne:
    """The counter makes it a real write even where the entries stay the same: without one, a writer
    of the next version would not be in this transaction's way.
    """
    change: Document = {"$inc": {"indexed": 1}}
    if index is not None:
        change["$set"] = {"ix": index_document(index)}
    return UpdateOne({"_id": {"$eq": id}, "version": version}, change)


async def _kept(inside: Inside, type: str, writes: Sequence[Write]) -> set[tuple[str, int]]:
    """Which of these versions are here already; WriteConflict where one says something else."""
    wanted = {history_id(w.version.id, w.version.version): w for w in writes}
    found = inside.database[f"{type}.history"].find({"_id": {"$in": sorted(wanted)}}, session=inside.session)
    async for document in found:
        write = wanted[document["_id"]]
        if _said(stored_version(type, document)) != _said(write.version):
            raise WriteConflict(type, write.version.id, write.expected, write.version.version)
        del wanted[document["_id"]]
    return {(w.version.id, w.version.version) for w in writes} - {
        (w.version.id, w.version.version) for w in wanted.values()
    }


def _said(version: Stored) -> tuple[object, ...]:
    return version.method, version.last_updated, version.json
