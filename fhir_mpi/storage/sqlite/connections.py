"""Threads and connections: one that writes, a few that read, and SQLite's errors in our words."""

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from fhir_mpi.fhir.outcome import StoreFull, StoreTimeout, Unavailable

T = TypeVar("T")

READERS: Final = 4
READER_CACHE_KIB: Final = 16 * 1024
WRITER_CACHE_KIB: Final = 64 * 1024
CHECKPOINT_PAGES: Final = 16_384
STEPS_BETWEEN_CHECKS: Final = 20_000


class Connections:
    """One file's connections, each used by one thread only.

    What may take long is done in a thread, at the cost of a hop. What looks up a handful of rows by
    key is done in the caller's thread (`look`), since the hop there and back would cost more than the
    look-up itself.

    Reads that take longer than `timeout` seconds are stopped (StoreTimeout); a lock that another
    process holds for longer is Unavailable; a full disk is StoreFull. WAL lets readers go on while
    one process, and in it one thread, writes.
    """

    def __init__(self, path: str, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="sqlite-write")

    def look(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        """What `ask` answers, in the caller's thread: only for rows by key, and few of them."""
        with _our_errors():
            connection = self._connection(READER_CACHE_KIB)
            self._local.deadline = time.monotonic() + self._timeout
            return ask(connection)

    async def read(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        """What `ask` answers on a reading connection, however long it takes."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.look, ask)

    async def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """What `change` answers, in a transaction that holds the write lock from its first statement."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._write, change)

    async def prepare(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """What `change` answers on the writing connection, which makes the file; no transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._prepare, change)

    async def close(self) -> None:
        """Folds the log into the file, ends the threads; waits for what is under way."""
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    def _write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        with _our_errors():
            connection = self._connection(WRITER_CACHE_KIB)
            self._local.deadline = float("inf")
            connection.execute("BEGIN IMMEDIATE")
            try:
                answer = change(connection)
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            return answer

    def _prepare(self, change: Callable[[sqlite3.Connection], T]) -> T:
        with _our_errors():
            _make_private(Path(self._path))
            connection = self._connection(WRITER_CACHE_KIB)
            self._local.deadline = float("inf")
            connection.execute("PRAGMA journal_mode = WAL")
            return change(connection)

    def _connection(self, cache_kib: int) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = self._open(cache_kib)
        return found

    def _open(self, cache_kib: int) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._timeout, isolation_level=None, check_same_thread=False
        )
        self._opened.append(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # What is removed is overwritten: its bytes would else stay in the file until the place is needed.
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA cache_size = {-cache_kib}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {CHECKPOINT_PAGES * 4096}")
        connection.set_progress_handler(self._is_late, STEPS_BETWEEN_CHECKS)
        return connection

    def _is_late(self) -> bool:
        return time.monotonic() > float(self._local.deadline)

    def _close(self) -> None:
        self._readers.shutdown()
        self._writer.shutdown()
        for connection in reversed(self._opened):  # the writer's is the first, and checkpoints as the last
            connection.set_progress_handler(None, 0)
            connection.close()
        self._opened.clear()


def _make_private(path: Path) -> None:
    """Makes the file, for its owner only; SQLite gives its log files the mode of the file they are of."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise Unavailable("the store's file can't be opened or made") from error


@contextmanager
def _our_errors() -> Iterator[None]:
    """SQLite's errors in our words; none of them repeats a statement or a value."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.DatabaseError as error:
        raise _translated(error) from error


def _translated(error: sqlite3.DatabaseError) -> Exception:
    # The low byte of an extended code is the primary one. A full volume can show as an I/O error too.
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_INTERRUPT:
            return StoreTimeout("the store took too long to answer")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Unavailable("the store is locked by another writer")
        case sqlite3.SQLITE_FULL:
            return StoreFull("the store's volume is full")
        case sqlite3.SQLITE_CONSTRAINT | sqlite3.SQLITE_MISMATCH | sqlite3.SQLITE_ERROR:
            return error
        case _:
            return Unavailable("the store's file can't be used")
