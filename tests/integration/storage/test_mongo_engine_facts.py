"""What the MongoDB store sends, needs and survives, beyond the contract of every store."""

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from itertools import count as numbers
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from bson import Decimal128
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError, OperationFailure
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from fhir_mpi.fhir.outcome import StoreTimeout, Unavailable
from fhir_mpi.search.filters import (
    EVERYTHING,
    And,
    Contains,
    Equals,
    Filter,
    IndexEntries,
    Interval,
    Not,
    Or,
    Prefix,
    Query,
    Sort,
    Within,
)
from fhir_mpi.storage import populations
from fhir_mpi.storage.mongo import MongoStore, candidates, connection, searching
from fhir_mpi.storage.port import WriteConflict
from tests.integration.mongo_engine import engine, engine_program, proxy
from tests.integration.storage.writes import commit, deletion, found, pages, put

pytestmark = pytest.mark.mongo
leaves_sockets = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""Sockets of the driver's monitor (tracemalloc names them) that are left to the garbage collector, which
warns: `_async_create_connection` closes its socket after an OSError, but not when its task is cancelled.
"""

TYPES = ("Patient",)
ENVELOPE = {"$db", "$clusterTime", "$readPreference"}
OURS = {
    *("$match", "$group", "$sort", "$limit", "$lookup", "$unwind", "$replaceRoot", "$project", "$addFields"),
    *("$unionWith", "$count", "$sum"),
    *("$eq", "$in", "$gt", "$gte", "$lt", "$lte", "$exists", "$elemMatch", "$and", "$or", "$nor", "$expr"),
    *("$anyElementTrue", "$map", "$ifNull", "$cond", "$type", "$indexOfCP", "$arrayElemAt", "$split"),
    *("$literal", "$min", "$max", "$set", "$inc", "$setOnInsert"),
}
HOSTILE = ("$ne", "$where", "$regex", '{"$gt": ""}', "$ix.family", "$$ROOT", "a.$b", ".*", "(a+)+$")


class Sent(CommandListener):
    """The commands sent, as they were."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, Mapping[str, Any]]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.commands.append((event.command_name, event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    listener = Sent()
    client = partial(AsyncMongoClient, event_listeners=[listener])
    monkeypatch.setattr(connection, "AsyncMongoClient", client)
    return listener


@pytest.fixture
async def mongo(mongo_uri: str, sent: Sent) -> AsyncIterator[MongoStore]:
    """An empty store whose commands `sent` shows, without those that opened it."""
    store = await MongoStore.open(mongo_uri, types=TYPES, timeout=5.0, database=f"test_{uuid4().hex}")
    sent.commands.clear()
    yield store
    await store._connection.client.drop_database(store._database.name)
    await store.close()


def operators(value: object) -> Iterator[str]:
    """Every key that starts with a dollar, at any depth."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key.startswith("$"):
                yield key
            yield from operators(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from operators(inner)


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_no_operator_but_ours_is_ever_sent(mongo: MongoStore, sent: Sent, hostile: str) -> None:
    await commit(mongo, put("has", {"family": [hostile], hostile: ["x"]}), put("not", {"family": ["plain"]}))
    nodes: list[Filter] = [Equals("family", hostile), Prefix("family", hostile), Contains("family", hostile)]
    for filter in [
        *nodes,
        And(tuple(nodes)),
        Not(Not(nodes[0])),
        Equals(hostile, "x"),
        Contains(hostile, "x"),
    ]:
        assert await found(mongo, filter) == {"has"}
    assert await pages(mongo, limit=1, sort=[Sort(hostile)]) == [["has"], ["not"]]
    assert await mongo.read("Patient", hostile) is None
    assert await mongo.read_many("Patient", [hostile, "not"])
    assert not await mongo.history("Patient", hostile, limit=5)
    assert await mongo.mark(hostile) is None
    assert await mongo.set_mark(hostile, hostile, expected=None)
    assert await mongo.set_mark(hostile, "next", expected=hostile)
    foreign = {key for _, command in sent.commands for key in operators(command)} - OURS - ENVELOPE
    assert foreign == set()


@pytest.mark.parametrize(
    ("filter", "queries"),
    [
        (Equals("identifier", "urn:mrn|7"), 1),
        (Equals("_id", "p7"), 1),
        (Prefix("family", "name7"), 1),
        (And((Equals("identifier", "urn:mrn|7"), Not(Equals("family", "x")))), 1),
        (And((Prefix("family", "name7"), Within("birthdate", 7.0, None, None, 7.0))), 3),
    ],
)
async def test_a_hot_search_is_so_many_queries(
    mongo: MongoStore, sent: Sent, filter: Filter, queries: int
) -> None:
    await commit(mongo, *(put(f"p{n}", _person(n)) for n in range(9)))
    sent.commands.clear()
    page = await mongo.search(Query("Patient", filter, 10))
    assert [stored.id for stored in page.resources] == ["p7"]
    assert [name for name, _ in sent.commands] == ["aggregate"] * queries


async def test_candidates_and_reads_are_one_query_each(mongo: MongoStore, sent: Sent) -> None:
    await commit(mongo, put("a", keys=[1, 2], packed="A"))
    sent.commands.clear()
    await mongo.candidates("Patient", [1, 2, 3], cap=9)
    await mongo.read("Patient", "a")
    await mongo.read_many("Patient", ["a", "b"])
    await mongo.heads("Patient", ["a", "b"])
    assert [name for name, _ in sent.commands] == ["find"] * 4


async def test_every_command_is_bounded_and_every_transaction_is_durable(
    mongo: MongoStore, sent: Sent
) -> None:
    await commit(mongo, put("a", {"family": ["x"]}, keys=[1]))
    await found(mongo, Equals("family", "x"))
    for name, command in sent.commands:
        assert 0 < command.get("maxTimeMS", 0) <= 5000, name
    starts = [command for _, command in sent.commands if command.get("startTransaction")]
    commits = [command for name, command in sent.commands if name == "commitTransaction"]
    assert [dict(c["readConcern"])["level"] for c in starts] == ["snapshot"]
    assert [dict(c["writeConcern"]) for c in commits] == [{"w": "majority", "j": True}]


async def test_a_connection_string_cannot_weaken_the_guarantees(mongo_uri: str) -> None:
    weak = f"{mongo_uri}&w=0&journal=false&readConcernLevel=local&readPreference=secondary&retryWrites=false"
    store = await MongoStore.open(weak, types=(), timeout=5.0, database=f"test_{uuid4().hex}")
    client = store._connection.client
    assert client.write_concern.document == {"w": "majority", "j": True}
    assert client.read_concern.level == "majority"
    assert client.read_preference.mongos_mode == "primary"
    assert client.options.retry_writes
    await client.drop_database(store._database.name)
    await store.close()


async def test_a_resource_is_there_for_ordinary_tools(mongo: MongoStore) -> None:
    await commit(mongo, put("a", {"value-quantity:http://u.org|kg": ["x"]}, name=[{"family": "Doe"}]))
    document = await mongo._database["Patient"].find_one({"resource.name.family": "Doe"})
    assert document is not None
    assert document["ix"] == {"value-quantity:http://u%2Eorg|kg": ["x"]}
    assert list(document["resource"]) == ["resourceType", "id", "meta", "name"]
    await commit(mongo, put("b", size=1.5))
    document = await mongo._database["Patient"].find_one({"resource.size": Decimal128("1.5")})
    assert document is not None
    assert document["_id"] == "b"


async def test_a_key_over_the_cap_among_very_many_takes_nobody_from_the_others(
    mongo: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "FIRST_LOOK", 10)
    common = [put(f"c{n:02}", keys=[1], packed="") for n in range(30)]
    rare = [put(f"r{n}", keys=[2, 3], packed="") for n in range(3)]
    await commit(mongo, *common, *rare, put("z", keys=[1, 3], packed=""))
    set_found = await mongo.candidates("Patient", [1, 2, 3, 4], cap=4)
    assert {row.id for row in set_found.rows} == {"r0", "r1", "r2", "z"}
    assert set_found.skipped == {1}
    nobody = await mongo.candidates("Patient", [1], cap=4)
    assert (list(nobody.rows), nobody.skipped) == ([], frozenset({1}))


async def test_the_population_of_many_may_be_the_statistics_of_a_moment_ago(
    mongo: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "MANY", 2)
    monkeypatch.setattr(populations, "MANY", 3)
    await commit(mongo, *(put(f"p{n}", keys=[n]) for n in range(3)))
    assert await mongo.population("Patient") == 3
    await commit(mongo, put("later", keys=[9]))
    assert await mongo.population("Patient") == 3


async def test_a_search_whose_every_part_is_common_still_finds_what_it_says(
    mongo: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "LONG", 2)
    await commit(mongo, *(put(f"p{n}", {"gender": ["m"], "city": ["x"]}) for n in range(4)))
    both = And((Equals("gender", "m"), Equals("city", "x"), Not(Equals("_id", "p0"))))
    assert await found(mongo, both) == {"p1", "p2", "p3"}
    assert await pages(mongo, limit=2, filter=both) == [["p1", "p2"], ["p3"]]


async def test_alternatives_of_texts_and_intervals_are_joined(mongo: MongoStore) -> None:
    day = Interval(3.0, 4.0)
    await commit(
        mongo, put("a", {"family": ["x"]}), put("b", {"born": [day]}), put("c", {"born": [day, day]})
    )
    either = Or((Equals("family", "x"), Within("born", low_from=3.0)))
    assert await pages(mongo, limit=2, filter=either) == [["a", "b"], ["c"]]
    assert await mongo.count("Patient", either) == 3


async def test_a_transaction_that_is_run_twice_writes_once(
    mongo: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first commit is answered as a server answers that could not finish the transaction."""
    calls = numbers()
    real = AsyncClientSession.commit_transaction

    async def unlucky(session: AsyncClientSession) -> None:
        if next(calls) == 0:
            await session.abort_transaction()
            raise OperationFailure("again", 112, {"errorLabels": ["TransientTransactionError"]})
        await real(session)

    monkeypatch.setattr(AsyncClientSession, "commit_transaction", unlucky)
    await commit(mongo, put("a", {"family": ["x"]}, keys=[1]), put("b"))
    assert await found(mongo, EVERYTHING) == {"a", "b"}
    assert len(await mongo.history("Patient", "a", limit=9)) == 1
    assert next(calls) == 2


async def test_writers_that_are_never_first_are_told_to_try_again(
    mongo: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = []

    async def raced(*_: object, **__: object) -> None:
        attempts.append(1)
        raise DuplicateKeyError("dup key: canary", 11000)

    monkeypatch.setattr(AsyncClientSession, "with_transaction", raced)
    with pytest.raises(Unavailable) as refused:
        await commit(mongo, put("a"))
    assert len(attempts) > 1
    assert "canary" not in repr(refused.value)
    with pytest.raises(Unavailable):
        await mongo.import_versions([put("a")])


async def test_a_conflict_says_nothing_of_the_resource(mongo: MongoStore) -> None:
    await commit(mongo, put("canary-id"))
    with pytest.raises(WriteConflict) as refused:
        await commit(mongo, put("canary-id"))
    assert "canary" not in str(refused.value)


async def test_a_missing_index_is_a_problem(mongo: MongoStore) -> None:
    assert list(await mongo.problems()) == []
    await mongo._database["Patient.texts"].drop_index("code_1_text_1_id_1")
    assert list(await mongo.problems()) == ["the index Patient.texts(code, text, id) is missing"]


async def test_a_database_of_another_schema_is_refused(mongo: MongoStore, mongo_uri: str) -> None:
    await mongo._database["marks"].update_one({"_id": "store:schema"}, {"$set": {"value": "999"}})
    with pytest.raises(Unavailable, match="schema version 999"):
        await MongoStore.open(mongo_uri, types=TYPES, timeout=5.0, database=mongo._database.name)


async def test_the_driver_does_not_log_what_it_sends(
    mongo: MongoStore, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await commit(mongo, put("a", {"family": ["canary"]}))
        await found(mongo, Equals("family", "canary"))
    assert "canary" not in caplog.text


async def test_a_server_without_transactions_is_refused_in_words() -> None:
    program = engine_program()
    if program is None:
        pytest.skip("NO STANDALONE SERVER TO TEST AGAINST: install the group test-mongo (secantusdb)")
    with engine(program, "--standalone") as uri, pytest.raises(Unavailable, match="replica set"):
        await MongoStore.open(uri, types=TYPES, timeout=5.0)


@pytest.mark.parametrize(
    ("hello", "text"),
    [({}, "replica set"), ({"setName": "rs", "maxWireVersion": 17}, "older than 7.0")],
)
def test_a_server_that_cannot_hold_the_store_is_told_apart(hello: dict[str, Any], text: str) -> None:
    with pytest.raises(Unavailable, match=text):
        connection._require_transactions(hello)


def test_a_router_of_a_sharded_cluster_has_transactions() -> None:
    connection._require_transactions({"msg": "isdbgrid", "maxWireVersion": 25})


@pytest.mark.parametrize("uri", ["mongodb://user:canary@", "mongodb://host/?authMechanism=canary"])
async def test_an_unusable_url_is_not_repeated(uri: str) -> None:
    with pytest.raises(ValueError, match="can't be used") as refused:
        await MongoStore.open(uri, types=TYPES, timeout=1.0)
    assert "canary" not in str(refused.value)


@leaves_sockets
async def test_a_server_that_is_not_there_is_a_timeout() -> None:
    with pytest.raises(StoreTimeout):
        await MongoStore.open("mongodb://127.0.0.1:9/", types=TYPES, timeout=0.3)
    gc.collect()


@leaves_sockets
async def test_a_server_that_stops_answering_is_a_timeout_and_no_longer_when_it_goes_on(
    mongo_uri: str,
) -> None:
    address = urlsplit(mongo_uri)
    if address.hostname is None or "directConnection=true" not in mongo_uri:
        pytest.skip("the network fault needs one directly connected server")
    async with proxy(address.hostname, address.port or 27017) as (port, flowing):
        uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
        store = await MongoStore.open(uri, types=TYPES, timeout=1.0, database=f"test_{uuid4().hex}")
        await commit(store, put("a"))
        flowing.clear()
        with pytest.raises(StoreTimeout):
            await store.read("Patient", "a")
        with pytest.raises((StoreTimeout, Unavailable)):
            await commit(store, put("b"))
        assert [p for p in await store.problems() if "database" in p]
        flowing.set()
        async with asyncio.timeout(10):
            while await store.problems():  # noqa: ASYNC110 - the pool recovers on its own
                await asyncio.sleep(0.05)
        assert await store.read("Patient", "a")
        await store._connection.client.drop_database(store._database.name)
        await store.close()
    gc.collect()


async def test_a_scan_goes_on_from_batch_to_batch(mongo: MongoStore) -> None:
    await commit(mongo, *(put(f"p{n:04}") for n in range(501)), put("p9999"))
    await commit(mongo, deletion("p0000", expected=1))
    assert Counter([s.id async for s in mongo.scan("Patient")]).total() == 501
    assert Counter([s.id async for s in mongo.scan("Patient", history=True)]).total() == 503


def _person(n: int) -> IndexEntries:
    return {"identifier": [f"urn:mrn|{n}"], "family": [f"name{n}"], "birthdate": [Interval(n, n)]}
