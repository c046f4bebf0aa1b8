"""The connection: its guarantees, whether the server can keep them, and transactions.

Majority writes that are journalled, majority reads, the primary only: said to the client and again
to every transaction, because a connection string must not be able to weaken them. `timeout` bounds
each operation on the server (maxTimeMS, which the driver derives from timeoutMS) and on the wire.
"""

import logging
import warnings
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

import pymongo
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from fhir_mpi.fhir.outcome import Unavailable
from fhir_mpi.storage.mongo.documents import Document
from fhir_mpi.storage.mongo.failures import is_duplicate
from fhir_mpi.storage.mongo.indexes import MARKS, Database, make_indexes
from fhir_mpi.storage.port import SCHEMA_VERSION

Session: TypeAlias = AsyncClientSession
Body: TypeAlias = Callable[[Session], Awaitable[None]]

DEFAULT_DATABASE: Final = "fhir_mpi"
SCHEMA_MARK: Final = "store:schema"
_WRITES_PER_TIMEOUT: Final = 100
_INDEX_BUILD_SECONDS: Final = 3_600.0
_OLDEST_WIRE_VERSION: Final = 21  # MongoDB 7.0
_QUIET: Final = (
    "pymongo",
    *(f"pymongo.{n}" for n in ("client", "command", "connection", "serverSelection", "topology")),
)


class Raced(Exception):
    """Another transaction was first; this one changed nothing and may look again."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One client on the event loop it was made on, one database, and the seconds an operation has."""

    client: AsyncMongoClient[Document]
    database: Database
    timeout: float

    async def transaction(self, body: Body, *, writes: int) -> None:
        """Runs `body` in a transaction that is durable on a majority when this returns.

        `body` may be run several times, each time in a transaction of its own. Raced where it met a
        duplicate key or a version that another transaction had just changed. The time limit holds
        once for every hundred writes begun.
        """
        with pymongo.timeout(self.timeout * (1 + writes // _WRITES_PER_TIMEOUT)):
            async with self.client.start_session() as session:
                try:
                    await session.with_transaction(
                        body,
                        read_concern=ReadConcern("snapshot"),
                        write_concern=WriteConcern("majority", j=True),
                        read_preference=ReadPreference.PRIMARY,
                    )
                except OperationFailure as error:
                    if is_duplicate(error):
                        raise Raced from None
                    raise


async def connect(
    uri: str,
    types: Iterable[str],
    timeout: float,  # noqa: ASYNC109 - of every operation later, not of this call
    database: str | None,
) -> Connection:
    """A connection to a server that can hold this store, with its collections and indexes made.

    Unavailable, in words for an operator, where the server can't: no replica set, too old, or a
    database of another schema. ValueError where the URI is none.
    """
    for name in _QUIET:  # at DEBUG the driver logs whole filters and documents
        logging.getLogger(name).setLevel(logging.WARNING)
    client = _client(uri, timeout)
    try:
        opened = client.get_default_database(DEFAULT_DATABASE) if database is None else client[database]
        _require_transactions(await client.admin.command("hello"))
        with pymongo.timeout(_INDEX_BUILD_SECONDS):
            await make_indexes(opened, types)
        await _require_schema(opened)
    except BaseException:
        await client.close()
        raise
    return Connection(client, opened, timeout)


def _client(uri: str, timeout: float) -> AsyncMongoClient[Document]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # how the driver tells of an option it drops
            return AsyncMongoClient(
                uri,
                w="majority",
                journal=True,
                readConcernLevel="majority",
                readPreference="primary",
                retryWrites=True,
                retryReads=True,
                timeoutMS=round(timeout * 1000),
                tz_aware=True,
                appname="fhir-mpi",
            )
    except (InvalidURI, ConfigurationError, ValueError, UserWarning):
        # their texts repeat the URI, which may hold a password
        raise ValueError("the MongoDB URL can't be used: see its host, options and credentials") from None


def _require_transactions(hello: Document) -> None:
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise Unavailable(
            "this MongoDB server is not part of a replica set, so it has no transactions; start it with "
            "--replSet and run rs.initiate() once: one node is enough"
        )
    if hello.get("maxWireVersion", 0) < _OLDEST_WIRE_VERSION:
        raise Unavailable("this MongoDB server is older than 7.0")


async def _require_schema(database: Database) -> None:
    ours = str(SCHEMA_VERSION)
    found = await database[MARKS].find_one_and_update(
        {"_id": SCHEMA_MARK}, {"$setOnInsert": {"value": ours}}, upsert=True, return_document=True
    )
    value = ours if found is None else found["value"]
    if value != ours:
        raise Unavailable(f"the database has schema version {value}; this program needs {ours}")
