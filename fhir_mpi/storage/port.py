"""The store: the whole contract on one page. Nothing above this module knows which store it has.

A store keeps, per resource: the current version, every earlier one, the search index entries and
the candidate record for matching. All of them change together in one `commit`, or not at all.
Two implementations exist, `storage.sqlite` and `storage.mongo`; one contract suite runs on both.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import ClassVar, Final, Protocol

import orjson

from fhir_mpi.fhir.types import Resource
from fhir_mpi.mdm.link import Link, Pair
from fhir_mpi.mdm.ports import CandidateRow, Candidates, CandidateSet, Links, Reviews
from fhir_mpi.mdm.review import Review
from fhir_mpi.mdm.rule_search import FilteredCandidates
from fhir_mpi.search.filters import Filter, IndexEntries, Query

SCHEMA_VERSION: Final = 1
NO_MARKS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True)
class Stored:
    """One version of one resource. `json` is the resource as UTF-8 JSON, with its id and meta; empty
    for a version that is a deletion. `method` is the HTTP verb that made it: POST, PUT, PATCH, DELETE.
    `last_updated` is UTC with millisecond precision.
    """

    type: str
    id: str
    version: int
    last_updated: datetime
    method: str
    json: bytes

    @property
    def deleted(self) -> bool:
        return not self.json

    @cached_property
    def resource(self) -> Resource:
        """The parsed resource, for reading only (numbers with a fraction become floats here)."""
        found: Resource = orjson.loads(self.json)
        return found


@dataclass(frozen=True, slots=True)
class CandidateEntry:
    """What matching needs of a record: its blocking keys (signed 64-bit) and its packed features."""

    keys: frozenset[int]
    packed: str


@dataclass(frozen=True, slots=True)
class Write:
    """One new version: `expected` is the version that must be current, 0 where none may exist.

    The new version is `expected + 1`. A `version.json` that is empty deletes the resource (its index
    entries and candidate go, its history stays).
    """

    version: Stored
    expected: int
    index: IndexEntries
    candidate: CandidateEntry | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Who among concurrent writers may make what must be unique.

    `key` is a digest of what that is. The unit of work makes `holder` its holder (`Patient/a`), if
    `expected` still is: None where nobody was. One whose holder no longer stands for it is
    taken over by naming that holder; it is given back only where the holder is expunged.
    """

    key: str
    holder: str
    expected: str | None


@dataclass(frozen=True, slots=True)
class Pending:
    """A version of a resource that waits to be linked."""

    type: str
    id: str
    version: int


@dataclass(frozen=True, slots=True)
class Job:
    """Work that goes on after its request is answered, by whichever process takes it.

    `due` is when somebody is to look at it: when an open one may be taken (again), when the result of
    a done one is to go. `parameters`, `checkpoint` and `result` are JSON, made and read by its kind;
    a job is open until it has a result. `attempts` is how often it was taken since it last got on.
    """

    id: str
    kind: str
    parameters: str
    created: datetime
    updated: datetime
    due: datetime
    revision: int = 1
    owner: str | None = None
    attempts: int = 0
    progress: str = ""
    checkpoint: str | None = None
    result: str | None = None


@dataclass(frozen=True, slots=True)
class JobChange:
    """What becomes of a job whose revision still is `expected`, 0 where none may exist: `job` with the
    next revision, or nothing at all.
    """

    id: str
    expected: int
    job: Job | None


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """Everything that must happen together. No two writes may name the same resource, no two claims
    the same key, no two links the same pair, no two changes the same job, no two reviews the same link.

    A link becomes current if its version is the one after the current one: 1 where there never was one.
    So does a review.
    `pending` is put into the queue of what waits to be linked, in place of an earlier version that waits;
    `settled` leaves it, unless a later version waits meanwhile. `marks` must stand as they
    say. `standing` are versions that aren't written and must be the current ones; where one isn't, that is a
    WriteConflict.
    """

    writes: Sequence[Write] = ()
    claims: Sequence[Claim] = ()
    links: Sequence[Link] = ()
    pending: Sequence[Pending] = ()
    settled: Sequence[Pending] = ()
    jobs: Sequence[JobChange] = ()
    marks: Mapping[str, str] = field(default_factory=dict)
    standing: Sequence[Stored] = ()
    reviews: Sequence[Review] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of resources; `next` is a position for `Query.after`, None on the last page, `previous` one
    for it backwards, None on the first page. Where `after` was given, something was there on its other
    side; it may be gone.
    """

    resources: Sequence[Stored]
    next: str | None
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """One page of the versions of these types, or of one resource with `id`, deletions among them.

    Newest first, unless `oldest_first`; from `since` to `until`, both inclusive. `after` is a position
    that the same store handed out with the page before, for the same query.
    """

    types: Sequence[str]
    limit: int
    id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    oldest_first: bool = False
    after: str | None = None


class ExpungeKind(Enum):
    """What is to go for good: resources that are deleted, versions that aren't current, or all there is."""

    DELETED = "deleted"
    PREVIOUS = "previous"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Expunge:
    """At most `limit` versions of these, of one resource with `id`."""

    type: str
    kind: ExpungeKind
    limit: int
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """Where a resource stands now."""

    version: int
    last_updated: datetime
    deleted: bool


class WriteConflict(Exception):
    """A `Write.expected` was not the current version; nothing of the unit of work was done."""

    def __init__(self, type: str, id: str, expected: int, found: int) -> None:
        super().__init__(f"expected version {expected}, found {found}")
        self.type, self.id, self.expected, self.found = type, id, expected, found


class ClaimConflict(Exception):
    """A `Claim.expected` was not its holder; nothing of the unit of work was done."""

    def __init__(self, key: str) -> None:
        super().__init__("another writer took the claim first")
        self.key = key


class LinkConflict(Exception):
    """A link's version was not the one after the current one; nothing of the unit of work was done."""

    def __init__(self, pair: Pair) -> None:
        super().__init__("another writer changed the link first")
        self.pair = pair


class JobConflict(Exception):
    """A `JobChange.expected` was not the revision of its job; nothing of the unit of work was done."""

    def __init__(self, id: str) -> None:
        super().__init__("somebody else changed the job first")
        self.id = id


class MarkMoved(Exception):
    """A mark did not stand as it was said; nothing was done."""


class Store(Candidates, FilteredCandidates, Links, Reviews, Protocol):
    """Every method may raise `StoreTimeout`, `StoreFull` or `Unavailable` (fhir.outcome).

    `bulk_unit` is how many writes make a good unit of work where very many are to be done. After
    `longest_write` seconds no unit of work is under way any more that saw a mark as it was before.
    """

    bulk_unit: ClassVar[int]
    longest_write: ClassVar[float]

    async def read(self, type: str, id: str, /) -> Stored | None:
        """The current version, a deletion included; None where the resource never was."""
        ...

    async def read_version(self, type: str, id: str, version: int, /) -> Stored | None: ...

    async def read_many(self, type: str, ids: Sequence[str], /) -> Sequence[Stored]:
        """The current, undeleted versions in the order of `ids`, in one query; absent ones left out."""
        ...

    async def heads(self, type: str, ids: Collection[str], /) -> Mapping[str, Head]:
        """Version and time of those that exist or existed, in one query."""
        ...

    async def history(
        self, type: str, id: str, /, *, limit: int, before: int | None = None
    ) -> Sequence[Stored]:
        """Versions, newest first; with `before`, only those below it."""
        ...

    async def changes(self, query: Changes, /) -> Page:
        """Versions by their time; of those made in the same millisecond in an order of the store's own."""
        ...

    async def search(self, query: Query, /) -> Page: ...

    async def count(self, type: str, filter: Filter, /) -> int: ...

    async def texts(self, type: str, code: str, /, *, limit: int) -> Sequence[str]:
        """The different texts that current resources have under an index code, in order of their code
        points, the first `limit` of them.
        """
        ...

    async def candidates(self, type: str, keys: Collection[int], /, *, cap: int) -> CandidateSet: ...

    async def candidate_records(self, type: str, ids: Collection[str], /) -> Sequence[CandidateRow]: ...

    async def filtered_candidates(
        self, type: str, filter: Filter, /, *, limit: int
    ) -> Sequence[CandidateRow]: ...

    async def population(self, type: str, /) -> int: ...

    async def commit(self, work: UnitOfWork, /) -> None:
        """All of it, durable when this returns; otherwise raises WriteConflict, ClaimConflict,
        LinkConflict or JobConflict and does nothing.
        """
        ...

    async def holder(self, key: str, /) -> str | None:
        """Who holds a claim. What its holder's unit of work wrote is found by every later search."""
        ...

    async def holders(self, keys: Collection[str], /) -> Mapping[str, str]:
        """Who holds each of these claims that is held, in one query."""
        ...

    def scan_links(self, type: str, /, *, history: bool = False) -> AsyncIterator[Link]:
        """Every current link of a type, removed ones left out, in the order of golden and source id and
        in bounded memory; with `history`, every version of every link, oldest first per link.
        """
        ...

    async def import_links(self, versions: Sequence[Link], /) -> None:
        """Versions carried over from another store, as they are, oldest first per link. All of it in one
        transaction; a version that exists as it is is left, one that differs raises LinkConflict.
        """
        ...

    async def pending(self, *, limit: int) -> Sequence[Pending]:
        """What has waited longest to be linked."""
        ...

    async def pending_count(self) -> int: ...

    async def job(self, id: str, /) -> Job | None: ...

    async def due_jobs(self, now: datetime, /, *, limit: int) -> Sequence[Job]:
        """Those that are due, the longest due first."""
        ...

    def scan(self, type: str, /, *, history: bool = False, after: str | None = None) -> AsyncIterator[Stored]:
        """Every current resource of a type, deletions left out, in a stable order and in bounded
        memory; with `history`, every version of every resource, oldest first per resource. With `after`,
        only what follows the resource of that id, or all where that never was.
        """
        ...

    async def replace_index(
        self,
        type: str,
        entries: Mapping[str, tuple[int, IndexEntries | None, CandidateEntry | None]],
        /,
        *,
        marks: Mapping[str, str] = NO_MARKS,
    ) -> None:
        """New index entries and candidates by id, for the version named; no new version is made.
        A resource whose version has moved on is left as it is (its writer indexed it). Entries that are
        None stay as they are. MarkMoved where one of `marks` does not stand as it says.
        """
        ...

    async def import_versions(self, versions: Sequence[Write], /) -> None:
        """Versions carried over from another store, as they are, oldest first per resource; only the
        newest of each carries index entries. All of it in one transaction; a version that exists
        with the same content is left, one with other content raises WriteConflict.
        """
        ...

    async def version_count(self, type: str, id: str, /) -> int:
        """How many versions there are, deletions among them; 0 where the resource never was."""
        ...

    async def expunge(self, query: Expunge, /) -> int:
        """Removes versions for good, a resource's oldest first; how many were removed.

        A resource that loses its last version loses index entries, candidate, claims and links with it,
        and is as one that never was: its id may be given again, and begins with version 1. What another
        writer makes current meanwhile stays. A large limit may take several transactions; each leaves
        every resource whole.
        """
        ...

    async def mark(self, name: str, /) -> str | None:
        """A small named text kept with the data, such as the digest of the model its keys are made by."""
        ...

    async def set_mark(self, name: str, value: str, /, *, expected: str | None) -> bool:
        """Sets it if it is `expected` now (None: absent); says whether it did."""
        ...

    async def problems(self) -> Sequence[str]:
        """Why this store can't serve now, in words for an operator; empty when it can."""
        ...

    async def close(self) -> None: ...
