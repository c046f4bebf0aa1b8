"""A whole index as a file: every version of every resource and link, carried to another store and proven.

The file is NDJSON: a header, one line per version (`type`, `id`, `version`, `lastUpdated`, `method`,
`resource`, null for a deletion), one per version of a link (`link`), and a footer with the number of versions
and a digest per type, and one for all links where there are any. The digest
is the sum modulo 2**256 of the SHA-256 of each version, so that it does not depend on a store's order; it
finds what was lost or changed by accident, it is no signature.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import orjson

from fhir_mpi.batch.reading import Chunk
from fhir_mpi.batch.workers import in_order, worker_intake
from fhir_mpi.fhir.dates import instant
from fhir_mpi.fhir.json import decode, encode
from fhir_mpi.fhir.outcome import FhirError
from fhir_mpi.fhir.types import Json
from fhir_mpi.interactions.intake import Intake
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.link import Link, link_json, link_of
from fhir_mpi.storage.port import Store, Stored, Write

FORMAT: Final = "fhir-mpi-export"
FORMAT_VERSION: Final = 1
LINKS: Final = "links"
"""What links are called where resources are called by their type."""
DIGEST: Final = "sum of SHA-256"
_MODULUS: Final = 2**256


class DamagedExport(Exception):
    """The file is no export, not a whole one, or the store doesn't hold what the file says."""


@dataclass(frozen=True, slots=True)
class Content:
    """How many versions, and the digest of them all."""

    versions: int = 0
    digest: int = 0

    def __add__(self, other: "Content") -> "Content":
        return Content(self.versions + other.versions, (self.digest + other.digest) % _MODULUS)

    def as_json(self) -> Json:
        return {"versions": self.versions, "digest": f"{self.digest:064x}"}


Contents = Mapping[str, Content]
"""The content by resource type."""


def content_of_link(link: Link) -> Content:
    """One version's of a link."""
    return Content(1, int.from_bytes(hashlib.sha256(encode(link_json(link))).digest()))


def content_of(stored: Stored) -> Content:
    """One version's; white space and the spelling of equal decimals don't count, the order of keys does."""
    facts = (stored.type, stored.id, str(stored.version), instant(stored.last_updated), stored.method)
    body = b"" if stored.deleted else encode(decode(stored.json))
    found = hashlib.sha256("\0".join(facts).encode() + b"\0" + body)
    return Content(1, int.from_bytes(found.digest()))


async def exported(
    services: Services, *, on_progress: Callable[[Contents], None] = lambda _: None
) -> AsyncIterator[bytes]:
    """The lines of the file. What others write meanwhile may be in it or not."""
    types = services.definitions.types
    header = {"format": FORMAT, "version": FORMAT_VERSION, "digest": DIGEST, "types": types}
    yield _line({**header, "exported": instant(services.clock())})
    contents: dict[str, Content] = {}
    for type in types:
        contents[type] = Content()
        async for stored in services.store.scan(type, history=True):
            contents[type] += content_of(stored)
            yield _version_line(stored)
            if contents[type].versions % 1000 == 0:
                on_progress(contents)
    for type in types:
        async for link in services.store.scan_links(type, history=True):
            contents[LINKS] = contents.get(LINKS, Content()) + content_of_link(link)
            yield _line({"link": link_json(link)})
    on_progress(contents)
    yield _line({"end": True, "content": {type: found.as_json() for type, found in contents.items()}})


async def imported(
    services: Services,
    pool: Executor,
    chunks: Iterator[Chunk],
    *,
    batch: int | None = None,
    ahead: int = 4,
    on_progress: Callable[[Contents], None] = lambda _: None,
) -> Contents:
    """Stores what the file holds, versions and times as they are, and proves it by reading all of it back.

    Running it again after it was stopped finishes it. Raises DamagedExport where the file is none of ours,
    breaks off or was changed, or where the store then holds something else; WriteConflict where the store
    has another content for a version.
    """
    reader = _Reader(frozenset(services.definitions.types))
    batch = batch or services.store.bulk_unit
    held: list[Write] = []
    async for carried in in_order(pool, carry, chunks, ahead=ahead):
        held += reader.read(carried)
        if carried.links:
            await services.store.import_links(carried.links)
        if len(held) >= batch:
            await services.store.import_versions(_newest_indexed(held))
            held = []
            on_progress(reader.contents)
    if held:
        await services.store.import_versions(_newest_indexed(held))
    on_progress(reader.contents)
    reader.check_footer()
    await _check_store(services, reader.contents)
    return reader.contents


async def holds_data(store: Store, types: Sequence[str]) -> bool:
    """Whether the store has any resource of these types, deleted ones too."""
    for type in types:
        async with aclosing(_versions(store, type)) as versions:
            async for _ in versions:
                return True
    return False


async def stored_contents(store: Store, types: Sequence[str]) -> Contents:
    """What the store holds, by reading all of it."""
    contents: dict[str, Content] = {}
    for type in types:
        contents[type] = Content()
        async for stored in store.scan(type, history=True):
            contents[type] += content_of(stored)
        async for link in store.scan_links(type, history=True):
            contents[LINKS] = contents.get(LINKS, Content()) + content_of_link(link)
    return contents


@dataclass(frozen=True, slots=True)
class Carried:
    """What a chunk of the file holds; `first` is the line it starts with."""

    first: int
    writes: tuple[Write, ...]
    links: tuple[Link, ...]
    contents: Contents
    header: Json | None
    footer: Json | None


def carry(chunk: Chunk) -> Carried:
    """A chunk's versions, ready to store, by the intake of the worker that this is called in."""
    return carried_by(worker_intake(), chunk)


def carried_by(intake: Intake, chunk: Chunk) -> Carried:
    """DamagedExport where a line is none of an export's."""
    header: Json | None = None
    footer: Json | None = None
    versions: list[Stored] = []
    links: list[Link] = []
    for number, line in chunk.documents:
        found = _parsed(number, line)
        if footer is not None:
            raise DamagedExport(f"line {number}: nothing may come after the footer")
        if "format" in found:
            header = _header(number, found)
        elif "end" in found:
            footer = found
        elif "link" in found:
            links.append(_link(number, found["link"]))
        else:
            versions.append(_stored(number, found))
    contents: dict[str, Content] = {}
    for stored in versions:
        contents[stored.type] = contents.get(stored.type, Content()) + content_of(stored)
    for link in links:
        contents[LINKS] = contents.get(LINKS, Content()) + content_of_link(link)
    writes = _newest_indexed([_indexed(intake, stored) for stored in versions])
    return Carried(chunk.documents[0][0], tuple(writes), tuple(links), contents, header, footer)


class _Reader:
    """Follows the file from its header to its footer."""

    def __init__(self, types: frozenset[str]) -> None:
        self._types = types
        self._footer: Json | None = None
        self._begun = False
        self.contents: dict[str, Content] = {}

    def read(self, carried: Carried) -> Sequence[Write]:
        if carried.header:
            self._begin(carried.header)
        if not self._begun:
            raise DamagedExport(f"line {carried.first}: this is not an export, it has no header")
        if self._footer is not None:
            raise DamagedExport(f"line {carried.first}: nothing may come after the footer")
        self._footer = carried.footer
        for type, content in carried.contents.items():
            if type == LINKS:
                self.contents.setdefault(LINKS, Content())
            if type not in self.contents:
                raise DamagedExport(f"the header does not name {type}")
            self.contents[type] += content
        return carried.writes

    def _begin(self, header: Json) -> None:
        if unknown := set(header["types"]) - self._types:
            raise DamagedExport(f"the file has types that this server does not serve: {sorted(unknown)}")
        self._begun = True
        self.contents = {type: Content() for type in header["types"]}

    def check_footer(self) -> None:
        if self._footer is None:
            raise DamagedExport("the file breaks off: it has no footer; the store holds a part of it")
        if self._footer["content"] != {type: found.as_json() for type, found in self.contents.items()}:
            raise DamagedExport("the file was changed: counts or digests differ from its footer")


async def _check_store(services: Services, expected: Contents) -> None:
    found = await stored_contents(services.store, [type for type in expected if type != LINKS])
    for type, content in {**dict.fromkeys(found, Content()), **expected}.items():
        if found.get(type, Content()) != content:
            raise DamagedExport(
                f"{type}: the store holds {found.get(type, Content()).versions} versions and the file"
                f" {content.versions}, or they differ: the store had other data, or was written to meanwhile"
            )


def _versions(store: Store, type: str) -> Any:
    return store.scan(type, history=True)


def _newest_indexed(writes: Sequence[Write]) -> list[Write]:
    """Only the newest version of each resource carries what is searched and matched."""
    newest = {(write.version.type, write.version.id): write for write in writes}
    return [
        write
        if newest[write.version.type, write.version.id] is write
        else replace(write, index={}, candidate=None)
        for write in writes
    ]


def _indexed(intake: Intake, stored: Stored) -> Write:
    if stored.deleted:
        return Write(stored, stored.version - 1, {})
    return Write(stored, stored.version - 1, *intake.derived(decode(stored.json)))


def _line(found: Json) -> bytes:
    return encode(found) + b"\n"


def _version_line(stored: Stored) -> bytes:
    return _line(
        {
            "type": stored.type,
            "id": stored.id,
            "version": stored.version,
            "lastUpdated": instant(stored.last_updated),
            "method": stored.method,
            "resource": None if stored.deleted else orjson.Fragment(stored.json),
        }
    )


def _parsed(number: int, line: bytes) -> Json:
    try:
        return decode(line)
    except FhirError as error:
        raise DamagedExport(f"line {number}: {error}") from error


def _header(number: int, found: Json) -> Json:
    if number != 1 or found["format"] != FORMAT:
        raise DamagedExport(f"line {number}: this is not the header of an export")
    if found.get("version") != FORMAT_VERSION or found.get("digest") != DIGEST:
        raise DamagedExport("the file was written by another release, in a format that is not known here")
    return found


def _link(number: int, found: Json) -> Link:
    try:
        return link_of(found)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedExport(f"line {number}: this is not a version of a link") from error


def _stored(number: int, found: Json) -> Stored:
    try:
        body = b"" if found["resource"] is None else encode(found["resource"])
        moment = datetime.fromisoformat(found["lastUpdated"])
        return Stored(found["type"], found["id"], found["version"], moment, found["method"], body)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedExport(f"line {number}: this is not a version of a resource") from error
