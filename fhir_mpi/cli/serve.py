"""`fhir-mpi serve`: the FHIR API over HTTP."""

import asyncio
import ipaddress
import os
import socket
from typing import Final

import click
import uvicorn

from fhir_mpi import __version__
from fhir_mpi.cli.failures import CannotDo
from fhir_mpi.cli.stores import opened, settings_of, shown, store_option
from fhir_mpi.logging import configure_logging
from fhir_mpi.settings import Settings

KEEP_ALIVE_SECONDS = 75
"""Longer than the idle time of the usual proxies (60), so that they and not we close a connection."""
SHUTDOWN_SECONDS = 30
HEADER_BYTES = 64 * 1024
NO_WEBSOCKETS: Final = "none"
"""uvicorn logs the path and the query of every WebSocket that is asked for, and those hold names."""


@click.command("serve", short_help="Serve the FHIR API over HTTP.")
@store_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one."
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Server processes.")
def serve_command(store: str | None, host: str, port: int, workers: int) -> None:
    """Serve the FHIR API, until Ctrl-C or SIGTERM; requests under way are finished first.

    There is no authentication yet: whoever reaches the port reads and writes every record. Leave it on
    127.0.0.1, or put a proxy before it that authenticates. Logs are JSON lines on standard error.

    \b
    Examples:
      fhir-mpi serve
      fhir-mpi serve --port 9000 --workers 4 --store mongodb://host/mpi
      curl http://127.0.0.1:8080/fhir/metadata
    """
    settings = settings_of(store)
    asyncio.run(_check(settings))
    port = listenable(host, port)
    if not is_loopback(host):
        click.echo(
            f"WARNING: {host} is reachable by other machines and there is NO AUTHENTICATION:"
            " anyone who reaches this port can read and write every record",
            err=True,
        )
    _announce(settings, base_url(host, port, settings))
    os.environ["FHIR_MPI_STORE"] = settings.store  # how the server processes learn of it
    configure_logging(settings.log_level)
    uvicorn.run(
        "fhir_mpi.app:app_from_environment",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        access_log=False,
        log_config=None,
        server_header=False,
        ws=NO_WEBSOCKETS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        h11_max_incomplete_event_size=HEADER_BYTES,
    )


def listenable(host: str, port: int) -> int:
    """The port, or a free one for 0. CannotDo where nobody can listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family) as probe:
            found: int = probe.getsockname()[1]
            return found
    except OSError as error:
        raise CannotDo(f"can't listen on {host}, port {port}: {error.strerror or error}") from error


def is_loopback(host: str) -> bool:
    """
    >>> is_loopback("localhost"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def base_url(host: str, port: int, settings: Settings) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}{settings.base_path}"


async def _check(settings: Settings) -> None:
    """Opens everything once, so that what is amiss is said in one line before any process starts."""
    async with opened(settings):
        pass


def _announce(settings: Settings, base: str) -> None:
    click.echo(f"fhir-mpi {__version__} on {shown(settings.store)}")
    click.echo(f"listening at {base}")
    click.echo("try:")
    click.echo(f"  curl '{base}/metadata'")
    click.echo(
        f"  curl '{base}/Patient/$match' -H 'Content-Type: application/fhir+json' -d"
        """ '{"resourceType": "Patient", "name": [{"family": "Rivera", "given": ["Ana"]}],"""
        """ "birthDate": "1980-02-29"}'"""
    )
