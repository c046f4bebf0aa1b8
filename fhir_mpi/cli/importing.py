"""`fhir-mpi import`: a whole index out of a file."""

import asyncio
import os

import click

from fhir_mpi.batch.carrying import Contents, holds_data, imported
from fhir_mpi.batch.reading import chunks
from fhir_mpi.batch.workers import workers
from fhir_mpi.cli.failures import CannotDo
from fhir_mpi.cli.progress import progress
from fhir_mpi.cli.stores import make_intake, opened, settings_of, store_option


@click.command("import", short_help="Fill an empty store with what export wrote.")
@click.argument("source", metavar="FILE|-")
@store_option
@click.option("--resume", is_flag=True, help="Go on with an import that was stopped.")
@click.option("--workers", "count", type=click.IntRange(1), help="Processes that index; one per core.")
def import_command(source: str, store: str | None, resume: bool, count: int | None) -> None:
    """Fill an empty store with what `export` wrote: every version, its number and its time.

    Afterwards the whole store is read back and compared with the counts and digests of the file. An
    import that was stopped is finished with --resume.

    \b
    Examples:
      fhir-mpi import backup.ndjson.gz --store sqlite:///new.db
      fhir-mpi import backup.ndjson.gz --store mongodb://host/mpi --resume
    """
    contents = asyncio.run(_import(source, store, resume, count or os.cpu_count() or 1))
    for type, content in contents.items():
        click.echo(f"{type}: {content.versions:,} versions, digest {content.digest:064x} verified")


async def _import(source: str, store: str | None, resume: bool, count: int) -> Contents:
    settings = settings_of(store)
    async with opened(settings) as services:
        if not resume and await holds_data(services.store, services.definitions.types):
            raise CannotDo("the store holds data; import into an empty one, or go on with --resume")
        with workers(count, make_intake(settings)) as pool, progress("versions") as show:
            return await imported(
                services,
                pool,
                chunks([source]),
                ahead=2 * count + 8,
                on_progress=lambda contents: show(sum(c.versions for c in contents.values())),
            )
