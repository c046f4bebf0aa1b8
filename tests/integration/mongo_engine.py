"""A MongoDB to test against: the one FHIR_MPI_TEST_MONGO_URI names, or a compatible engine started here.

The engine (`secantusdb`, a test dependency, a process of its own that is never imported) is not
MongoDB: what passes on it has been shown to be right there, not on a replica set. It runs without
`--sync-on-commit`: no test here cuts the power, and an fsync for each commit would only slow them.
"""

import asyncio
import os
import re
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

URI_VARIABLE = "FHIR_MPI_TEST_MONGO_URI"
START_SECONDS = 20.0
DROP_SECONDS = 10.0
_LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")


@pytest.fixture(scope="session")
def mongo_uri() -> Iterator[str]:
    """The URI of a server without a database name; every test takes a database of its own."""
    given = os.environ.get(URI_VARIABLE)
    if given:
        yield given
        return
    program = engine_program()
    if program is None:
        pytest.skip(
            f"NO MONGODB TEST IS RUN: set {URI_VARIABLE}, or install the group test-mongo (secantusdb)"
        )
    with engine(program) as uri:
        yield uri


def engine_program() -> Path | None:
    """The engine's executable in this environment, if it is installed."""
    program = Path(sysconfig.get_path("platlib")) / "secantusdb.scripts" / "secantusd-rs"
    return program if program.is_file() else None


@contextmanager
def engine(program: Path, *options: str) -> Iterator[str]:
    """An engine on a free port and an empty folder, ended and removed with the block."""
    with tempfile.TemporaryDirectory(prefix="mongo-engine-") as folder:
        output = Path(folder) / "output"
        arguments = ["--host", "127.0.0.1", "--port", "0", "--storage-path", str(Path(folder) / "data")]
        with output.open("wb") as stream:
            process = subprocess.Popen(
                [program, *arguments, "--log-file-max", "64MB", *options],
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        try:
            yield f"mongodb://{_address(process, output)}/?directConnection=true"
        finally:
            process.kill()
            process.wait()


def _address(process: "subprocess.Popen[bytes]", output: Path) -> str:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        found = _LISTENING.search(output.read_text())
        if found:
            return found[1]
        time.sleep(0.02)
    raise RuntimeError(f"the engine did not start: {output.read_text()[-2000:]}")


def drop_databases(uri: str, names: Iterable[str]) -> None:
    """Drops these, as far as that can be done: a process that a test killed may have left a transaction
    open, on which a drop waits. Their names are random, so what stays is in nobody's way.
    """
    with MongoClient[dict[str, object]](uri, timeoutMS=int(DROP_SECONDS * 1000)) as client:
        for name in names:
            try:
                client.drop_database(name)
            except PyMongoError as error:
                if not error.timeout:
                    raise
                return  # the others would wait for the same


@asynccontextmanager
async def proxy(host: str, port: int) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A port in front of a server; while the event is clear, nothing passes in either direction."""
    flowing = asyncio.Event()
    flowing.set()
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await flowing.wait()
                writer.write(data)
                await writer.drain()
            writer.close()
        except OSError:
            writer.close()  # either side hung up

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        server_reader, server_writer = await asyncio.open_connection(host, port)
        writers.append(server_writer)
        for source, sink in ((reader, server_writer), (server_reader, writer)):
            tasks.add(asyncio.create_task(pump(source, sink)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], flowing
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)  # aborting closes the sockets in the loop's next turn
