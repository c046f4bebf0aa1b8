"""The SQLite store's file: private, durable, checked, and honest when it can't be used."""

import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fhir_mpi.fhir.outcome import StoreFull, StoreTimeout, Unavailable
from fhir_mpi.search.filters import EVERYTHING, Equals
from fhir_mpi.storage import populations
from fhir_mpi.storage.opening import open_store
from fhir_mpi.storage.port import Changes, Expunge, ExpungeKind, UnitOfWork
from fhir_mpi.storage.sqlite import SqliteStore, candidates, connections, resources, store
from fhir_mpi.storage.sqlite.connections import Connections
from tests.integration.storage.writes import commit, deletion, found, put

CANARY = "canary-value"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "index.sqlite"


@pytest.fixture
async def opened(path: Path) -> AsyncIterator[SqliteStore]:
    made = await SqliteStore.open(str(path), types=["Patient"], timeout=60.0)
    yield made
    await made.close()


@pytest.fixture
async def hasty(path: Path) -> AsyncIterator[SqliteStore]:
    """One that waits for another process's lock only shortly."""
    made = await SqliteStore.open(str(path), types=["Patient"], timeout=0.5)
    yield made
    await made.close()


@pytest.fixture
async def lines(path: Path) -> AsyncIterator[Connections]:
    made = Connections(str(path), timeout=0.05)
    await made.prepare(lambda connection: None)
    yield made
    await made.close()


def _pragma(name: str) -> Callable[[sqlite3.Connection], Any]:
    return lambda connection: connection.execute(f"PRAGMA {name}").fetchone()[0]


async def test_the_file_and_its_logs_are_for_their_owner_only(opened: SqliteStore, path: Path) -> None:
    await commit(opened, put("a"))
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["index.sqlite", "index.sqlite-shm", "index.sqlite-wal"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


async def test_closing_leaves_one_file_that_holds_everything(path: Path) -> None:
    made = await SqliteStore.open(str(path), types=["Patient"], timeout=1.0)
    write = put("a", {"family": ["x"]})
    await commit(made, write)
    await made.close()
    assert [file.name for file in path.parent.iterdir()] == ["index.sqlite"]
    again = await SqliteStore.open(str(path), types=["Patient", "Organization"], timeout=1.0)
    assert await again.read("Patient", "a") == write.version
    assert await again.read("Organization", "a") is None
    assert await found(again, Equals("family", "x")) == {"a"}
    await again.close()


async def test_bytes_come_back_as_they_went_in(opened: SqliteStore) -> None:
    text = b'{ "resourceType" : "Patient", "x": 1.00, "n": 1E400,\n\t"s": "\\u00e9 \xc3\xa9 \\/" }'
    write = put("a")
    object.__setattr__(write.version, "json", text)
    await commit(opened, write)
    read = await opened.read("Patient", "a")
    assert read is not None
    assert read.json == text


async def test_connections_are_durable_and_check_their_references(lines: Connections) -> None:
    assert await lines.read(_pragma("journal_mode")) == "wal"
    for ask in (lines.read, lines.write):
        assert await ask(_pragma("synchronous")) == 2
        assert await ask(_pragma("foreign_keys")) == 1
        assert await ask(_pragma("busy_timeout")) == 50


async def test_a_file_of_another_schema_is_refused(path: Path) -> None:
    made = await SqliteStore.open(str(path), types=["Patient"], timeout=1.0)
    assert await made.set_mark("schema", "99", expected="1")
    await made.close()
    with pytest.raises(Unavailable, match=r"schema 99.*schema 1;"):
        await SqliteStore.open(str(path), types=["Patient"], timeout=1.0)


async def test_a_database_of_something_else_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (x)")
    connection.close()
    with pytest.raises(Unavailable, match="something else"):
        await SqliteStore.open(str(path), types=["Patient"], timeout=1.0)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("other",)]
    connection.close()


async def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something else altogether " * 500)  # noqa: ASYNC240
    with pytest.raises(Unavailable, match="can't be used"):
        await SqliteStore.open(str(path), types=["Patient"], timeout=1.0)


async def test_a_path_that_can_not_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="opened or made"):
        await SqliteStore.open(str(tmp_path / "file" / "index"), types=["Patient"], timeout=1.0)


async def test_a_query_that_takes_too_long_is_stopped(lines: Connections) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    for _ in range(2):
        with pytest.raises(StoreTimeout, match="took too long") as stopped:
            await lines.read(lambda connection: connection.execute(endless).fetchone())
        assert stopped.value.http_status == 503
    assert await lines.read(lambda connection: connection.execute("SELECT 7").fetchone()) == (7,)


async def test_a_search_that_takes_too_long_is_stopped_and_the_next_one_is_not(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "STEPS_BETWEEN_CHECKS", 1)
    made = await SqliteStore.open(str(path), types=["Patient"], timeout=-1.0)
    await commit(made, *(put(f"p{n}", {"family": [CANARY]}) for n in range(50)))
    with pytest.raises(StoreTimeout) as stopped:
        await found(made, Equals("family", CANARY))
    assert CANARY not in str(stopped.value)
    await made.close()
    made = await SqliteStore.open(str(path), types=["Patient"], timeout=60.0)
    assert len(await found(made, Equals("family", CANARY))) == 50
    await made.close()


async def test_a_lock_held_too_long_is_unavailable_and_nothing_is_done(
    hasty: SqliteStore, path: Path
) -> None:
    await commit(hasty, put("a"))
    outside = sqlite3.connect(path, isolation_level=None)
    outside.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked") as refused:
        await commit(hasty, put(CANARY))
    assert CANARY not in str(refused.value)
    assert list(await hasty.problems()) == [], "reading goes on while another process writes"
    assert await found(hasty, EVERYTHING) == {"a"}
    outside.execute("ROLLBACK")
    outside.close()
    await commit(hasty, put(CANARY))


async def test_a_file_that_has_gone_bad_is_a_problem(opened: SqliteStore, path: Path) -> None:
    await commit(opened, put("a"))
    await opened.close()
    _spoil(path)
    fresh = SqliteStore(Connections(str(path), 1.0), {})
    assert list(await fresh.problems()) == ["the store's file can't be used"]
    await fresh.close()


def _spoil(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"no database at all")


async def test_a_full_volume_refuses_writes_whole_answers_reads_and_recovers(opened: SqliteStore) -> None:
    await commit(opened, put("a", {"family": ["x"]}))
    lines = opened._connections
    pages = await lines.read(_pragma("page_count"))
    await lines.prepare(_pragma(f"max_page_count = {pages + 10}"))
    big = UnitOfWork([put(f"p{n}", {f"code{n}": [CANARY * 50]}, keys=[n]) for n in range(300)])
    with pytest.raises(StoreFull, match="full") as refused:
        await opened.commit(big)
    assert CANARY not in str(refused.value)
    assert await found(opened, EVERYTHING) == await found(opened, Equals("family", "x")) == {"a"}
    assert await opened.population("Patient") == 0
    await lines.prepare(_pragma("max_page_count = 1000000"))
    await commit(opened, put("b", {"another": [CANARY * 50]}))
    assert await found(opened, Equals("code0", CANARY * 50)) == set()
    await opened.commit(big)
    assert await found(opened, Equals("code0", CANARY * 50)) == {"p0"}
    assert await found(opened, Equals("another", CANARY * 50)) == {"b"}


async def test_a_mistake_in_a_statement_is_no_fault_of_the_store(lines: Connections) -> None:
    with pytest.raises(sqlite3.OperationalError, match="syntax"):
        await lines.read(lambda connection: connection.execute("SELEC"))
    with pytest.raises(sqlite3.ProgrammingError):
        await lines.read(lambda connection: connection.execute("SELECT ?"))


async def test_a_large_population_is_counted_once_in_a_while(
    opened: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(populations, "MANY", 3)
    await commit(opened, *(put(f"p{n}", keys=[n]) for n in range(3)))
    assert await opened.population("Patient") == 3
    await commit(opened, put("later", keys=[9]))
    assert await opened.population("Patient") == 3
    monkeypatch.setattr(populations, "monotonic", lambda: float("inf"))
    assert await opened.population("Patient") == 4


async def test_many_keys_are_looked_up_away_from_the_event_loop(
    opened: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "FEW", 1)
    await commit(opened, *(put(f"p{n}", keys=[n]) for n in range(3)))
    threads: list[str] = []
    for module, name in ((candidates, "lookup"), (resources, "read_many")):
        monkeypatch.setattr(module, name, _noting_its_thread(getattr(module, name), threads))
    assert len((await opened.candidates("Patient", [0], cap=9)).rows) == 1
    assert len((await opened.candidates("Patient", [0, 1], cap=9)).rows) == 2
    assert [s.id for s in await opened.read_many("Patient", ["p2"])] == ["p2"]
    assert [s.id for s in await opened.read_many("Patient", ["p2", "p0"])] == ["p2", "p0"]
    assert [name.startswith("sqlite-read") for name in threads] == [False, True, False, True]


def _noting_its_thread(ask: Callable[..., Any], threads: list[str]) -> Callable[..., Any]:
    def noted(*arguments: Any) -> Any:
        threads.append(threading.current_thread().name)
        return ask(*arguments)

    return noted


@pytest.mark.parametrize("url", ["postgres://secret@host/x", "index.sqlite", "sqlite://", "sqlite:///", ""])
async def test_an_unknown_store_url_says_what_is_allowed_and_not_what_it_was(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite:///.*mongodb://") as refused:
        await open_store(url, types=["Patient"])
    assert "secret" not in str(refused.value)


async def test_a_mongodb_url_names_its_database() -> None:
    for url in ("mongodb://127.0.0.1:1", "mongodb://127.0.0.1:1/", "mongodb+srv://name.example"):
        with pytest.raises(ValueError, match="names its database"):
            await open_store(url, types=["Patient"])


async def test_a_relative_path_is_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = await open_store("sqlite:///here/index.sqlite", types=["Patient"])
    await made.close()
    assert (tmp_path / "here" / "index.sqlite").exists()


async def test_a_file_from_before_a_type_had_a_history_tells_it_all_the_same(path: Path) -> None:
    store = await SqliteStore.open(str(path), types=["Patient"], timeout=5.0)
    await commit(store, put("a"))
    await commit(store, put("a", expected=1))
    await store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP INDEX history_changed")
        connection.execute("DROP INDEX resource_changed")
        connection.execute("ALTER TABLE history DROP COLUMN type")
        connection.execute("CREATE INDEX resource_by_time ON resource (type, last_updated)")
    store = await SqliteStore.open(str(path), types=["Patient"], timeout=5.0)
    await commit(store, put("a", expected=2))
    page = await store.changes(Changes(["Patient"], 10))
    assert [stored.version for stored in page.resources] == [3, 2, 1]
    await store.close()
    with closing(sqlite3.connect(path)) as connection:
        indexes = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")
        }
    assert indexes >= {"history_changed", "resource_changed"}
    assert "resource_by_time" not in indexes


async def test_what_is_expunged_is_not_even_in_the_bytes_of_the_file(path: Path) -> None:
    made = await SqliteStore.open(str(path), types=["Patient"], timeout=30.0)
    await commit(made, *(put(f"kept{n}", {"family": ["kept"]}, text="kept " * 40) for n in range(200)))
    for expected in range(3):
        secret = {"family": [f"secret{expected}"]}
        await commit(made, *(put(f"p{n}", secret, expected=expected, text="secret " * 40) for n in range(20)))
    await commit(made, *(deletion(f"p{n}", expected=3) for n in range(20)))
    assert await made.expunge(Expunge("Patient", ExpungeKind.DELETED, 1000)) == 80
    await made.close()
    assert [text in _content(path) for text in (b"kept", b"secret")] == [True, False]


def _content(path: Path) -> bytes:
    return path.read_bytes()
