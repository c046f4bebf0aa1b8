"""`fhir-mpi demo`: a thousand invented people, the server up, three requests with their answers."""

import asyncio
import shlex
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import click
import orjson
import uvicorn
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fhir_mpi.app import create_app
from fhir_mpi.batch.carrying import holds_data
from fhir_mpi.batch.loading import store_all
from fhir_mpi.batch.preparing import Preparer
from fhir_mpi.batch.reading import Chunk
from fhir_mpi.cli.failures import CannotDo
from fhir_mpi.cli.serve import NO_WEBSOCKETS, SHUTDOWN_SECONDS, base_url, listenable
from fhir_mpi.cli.stores import opened, settings_of, shown
from fhir_mpi.cli.waterfall import name_of
from fhir_mpi.demo.corruption import duplicated
from fhir_mpi.demo.name_shares import demo_names
from fhir_mpi.fhir.bundle import MATCH_GRADE
from fhir_mpi.fhir.json import encode
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.logging import configure_logging
from fhir_mpi.settings import Settings

HOST: Final = "127.0.0.1"
PEOPLE: Final = 1000
SEED: Final = 2026
PORTS_TRIED: Final = 20
FHIR_JSON: Final = "application/fhir+json"


@click.command("demo", short_help="Show it at work, with a thousand invented people.")
@click.option("--store", metavar="URL", help="An empty store to fill and keep; a temporary one without it.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="The next free one is taken.",
)
@click.option("--exit", "leave", is_flag=True, help="End after the three requests.")
def demo_command(store: str | None, port: int, leave: bool) -> None:
    """Show it at work: a thousand invented people, the server up, three requests with their answers.

    One in ten is registered twice, with the errors that registrations have; many share a home with
    relatives. The server then stays up, until Ctrl-C, for requests of your own. FHIR_MPI_STORE is not
    looked at: nothing of yours is touched.

    \b
    Examples:
      fhir-mpi demo
      fhir-mpi demo --exit
      fhir-mpi demo --store sqlite:///demo.db
    """
    configure_logging("warning")
    with _store(store) as url:
        settings = settings_of(url)
        probe = asyncio.run(_filled(settings))
        click.echo(f"{PEOPLE:,} invented people are in {shown(settings.store)}")
        with _serving(settings, port) as (number, server):
            with closing(HTTPConnection(HOST, number, timeout=30)) as connection:
                _converse(base_url(HOST, number, settings), probe, connection)
            if not leave:
                _stay(server, base_url(HOST, number, settings))


def population() -> list[Resource]:
    """The same invented people every time, duplicates among them."""
    return list(duplicated(PEOPLE, seed=SEED, names=demo_names()))


async def _filled(settings: Settings) -> Resource:
    """Stores the people; answers the Patient to ask for: somebody registered twice, without numbers."""
    people = population()
    documents = tuple(enumerate((encode(person) for person in people), start=1))
    async with opened(settings) as services:
        types = services.definitions.types
        if await holds_data(services.store, types):
            raise CannotDo("this store holds data; the demo wants an empty one")
        prepare = Preparer(frozenset(types), services.clock())
        prepared = prepare.prepared(services.intake, Chunk("demo", documents))
        _, taken = await store_all(services, prepared.writes)
        if taken:
            raise CannotDo("FHIR_MPI_UNIQUE_IDENTIFIERS has the demo refuse its own duplicates")
    again = next(person for person in people if _is_misspelt(person, people))
    return {
        key: again[key] for key in ("resourceType", "name", "gender", "birthDate", "address") if key in again
    }


def _is_misspelt(person: Resource, people: list[Resource]) -> bool:
    """Whether this is somebody registered again under another name."""
    first = next(p for p in people if p["id"] == person["id"].removesuffix("-again"))
    return bool(first["name"] != person["name"])


@contextmanager
def _store(store: str | None) -> Iterator[str]:
    if store:
        yield store
        return
    with tempfile.TemporaryDirectory(prefix="fhir-mpi-demo-") as folder:
        yield f"sqlite:///{Path(folder) / 'demo.db'}"


@contextmanager
def _serving(settings: Settings, port: int) -> Iterator[tuple[int, threading.Thread]]:
    number = _free_port(port)
    config = uvicorn.Config(
        create_app(settings),
        HOST,
        number,
        access_log=False,
        log_config=None,
        server_header=False,
        ws=NO_WEBSOCKETS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="server")
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise CannotDo("the server did not start")
            time.sleep(0.01)
        yield number, thread
    finally:
        server.should_exit = True
        thread.join()


def _free_port(port: int) -> int:
    """The port, or the first free one of those after it."""
    for candidate in range(port, port + PORTS_TRIED):
        try:
            return listenable(HOST, candidate)
        except CannotDo:
            continue
    raise CannotDo(f"ports {port} to {port + PORTS_TRIED - 1} are all taken; name another with --port")


def _converse(base: str, probe: Resource, connection: HTTPConnection) -> None:
    console = Console(highlight=False)
    path = "/" + base.split("/", 3)[3]
    home = probe["address"][0]["line"][0]

    console.rule("1. Who is this? Somebody comes to another desk, with no number to show")
    body = encode(probe)
    _show_curl(f"{base}/Patient/$match", f" -H 'Content-Type: {FHIR_JSON}' -d {shlex.quote(body.decode())}")
    matches = _answer(connection, "POST", f"{path}/Patient/$match", body)
    console.print(_entries(matches), "")

    console.rule("2. A search, as FHIR has it: everybody at that address, eldest first")
    query = f"Patient?address={quote(home)}&_sort=birthdate&_count=5"
    _show_curl(f"{base}/{query}")
    found = _answer(connection, "GET", f"{path}/{query}")
    console.print(_entries(found))
    console.print(f"{found['total']} in all\n")

    best = matches["entry"][0]["resource"]["id"]
    console.rule("3. The record of the best match")
    _show_curl(f"{base}/Patient/{best}")
    record = _answer(connection, "GET", f"{path}/Patient/{best}")
    console.print(orjson.dumps(record, option=orjson.OPT_INDENT_2).decode(), markup=False)


def _show_curl(url: str, rest: str = "") -> None:
    """On one line, however long, so that it can be copied."""
    click.echo(f"curl {shlex.quote(url)}{rest}\n")


def _answer(connection: HTTPConnection, method: str, path: str, body: bytes | None = None) -> Any:
    connection.request(method, path, body, {"Content-Type": FHIR_JSON} if body else {})
    response = connection.getresponse()
    answer = orjson.loads(response.read())
    if response.status >= 400:
        raise CannotDo(f"{method} {path} was answered with {response.status}")
    return answer


def _entries(bundle: Json) -> Table:
    """The Bundle's Patients; with grade and score where it is one of $match."""
    entries = [e for e in bundle.get("entry", ()) if e["resource"]["resourceType"] == "Patient"]
    scored = any("score" in entry["search"] for entry in entries)
    table = Table(*(("grade", "score") if scored else ()), "name", "birth date", "city", "id")
    for entry in entries:
        resource = entry["resource"]
        city = next((a.get("city", "") for a in resource.get("address", ())), "")
        told = (name_of(resource), resource.get("birthDate", ""), city, resource["id"])
        table.add_row(*(_graded(entry["search"]) if scored else ()), *map(escape, told))
    return table


def _graded(search: Json) -> tuple[str, str]:
    grade = next(e["valueCode"] for e in search["extension"] if e["url"] == MATCH_GRADE)
    return grade, f"{search['score']:.4f}"


def _stay(server: threading.Thread, base: str) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the temporary store goes then, too
    try:
        click.echo(f"\nthe server stays up at {base}; Ctrl-C ends it")
        server.join()
    except KeyboardInterrupt:
        click.echo("\nstopped")
