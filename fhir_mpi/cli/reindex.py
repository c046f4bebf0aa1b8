"""`fhir-mpi reindex`: index entries and matching keys made anew."""

import asyncio

import click

from fhir_mpi.cli.failures import CannotDo
from fhir_mpi.cli.progress import progress
from fhir_mpi.cli.stores import opened, settings_of, store_option
from fhir_mpi.interactions.freshness import reindex
from fhir_mpi.interactions.services import Services
from fhir_mpi.search.filters import EVERYTHING


@click.command("reindex", short_help="Make search entries and matching keys anew.")
@click.argument("types", nargs=-1, metavar="[TYPE]...")
@store_option
def reindex_command(types: tuple[str, ...], store: str | None) -> None:
    """Make search entries and matching keys anew, for every type or for those named.

    Needed once after an upgrade or a change of search_params/ or of a linkage model: the server then
    refuses to start until it is done. Resources and their versions stay as they are.

    \b
    Examples:
      fhir-mpi reindex
      fhir-mpi reindex Patient --store sqlite:///index.db
    """
    asyncio.run(_reindex(types, store))


async def _reindex(types: tuple[str, ...], store: str | None) -> None:
    async with opened(settings_of(store), stale=True) as services:
        served = services.definitions.types
        if unknown := set(types) - set(served):
            raise CannotDo(f"{', '.join(sorted(unknown))} is not served; {', '.join(served)} are")
        for type in types or served:
            done = await _reindexed(services, type)
            click.echo(f"{type}: {done:,} resources indexed")


async def _reindexed(services: Services, type: str) -> int:
    total = await services.store.count(type, EVERYTHING)
    done = 0
    with progress(f"{type} resources", total) as show:
        async for done in reindex(services.store, services.intake, type):
            show(done)
    return done
