"""`fhir-mpi export`: a whole index into a file."""

import asyncio
import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import click

from fhir_mpi.batch.carrying import Contents, exported
from fhir_mpi.batch.reading import STDIN
from fhir_mpi.cli.progress import progress
from fhir_mpi.cli.stores import opened, settings_of, store_option

NAME_IN_A_FOLDER: Final = "fhir-mpi-export.ndjson.gz"
STDOUT: Final = STDIN


@click.command("export", short_help="Write the whole index to a file.")
@click.argument("target", metavar="FILE|DIR|-")
@store_option
def export_command(target: str, store: str | None) -> None:
    """Write the whole index, every version of every resource, to a file that `import` reads.

    FILE is NDJSON, packed where its name ends in .gz; in a folder it is fhir-mpi-export.ndjson.gz. Only
    you can read it. It appears under its name once it is complete. It ends with the number of versions
    and a digest of each type, by which `import` proves that nothing was lost on the way.

    \b
    Examples:
      fhir-mpi export backup.ndjson.gz
      fhir-mpi export - --store sqlite:///index.db | fhir-mpi import - --store mongodb://host/mpi
    """
    contents = asyncio.run(_export(target, store))
    for type, content in contents.items():
        click.echo(f"{type}: {content.versions:,} versions, digest {content.digest:064x}", err=True)


async def _export(target: str, store: str | None) -> Contents:
    found: Contents = {}

    def remember(contents: Contents) -> None:
        nonlocal found
        found = contents
        show(sum(content.versions for content in contents.values()))

    async with opened(settings_of(store)) as services:
        with _writable(target) as file, progress("versions") as show:
            async for line in exported(services, on_progress=remember):
                file.write(line)
    return found


@contextmanager
def _writable(target: str) -> Iterator[IO[bytes]]:
    if target == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    place = Path(target)
    place = place / NAME_IN_A_FOLDER if place.is_dir() else place
    part = place.with_name(place.name + ".part")
    try:
        with _private(part) as raw:
            if place.name.endswith(".gz"):
                with gzip.open(raw, "wb", compresslevel=6) as packed:
                    yield packed  # type: ignore[misc]  # it writes bytes, which is all that is asked
            else:
                yield raw
            raw.flush()
            os.fsync(raw.fileno())
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def _private(path: Path) -> IO[bytes]:
    """A file made anew that only its owner reads: it holds personal data."""
    path.unlink(missing_ok=True)
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
