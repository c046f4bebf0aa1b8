"""`fhir-mpi reindex`: index entries and matching keys made anew."""

import asyncio
import uuid

import click

from fhir_mpi.cli.failures import CannotDo
from fhir_mpi.cli.progress import progress
from fhir_mpi.cli.stores import opened, settings_of, store_option
from fhir_mpi.interactions.freshness import can_rekey, reindex
from fhir_mpi.interactions.rekeying import rekey
from fhir_mpi.interactions.services import Services
from fhir_mpi.search.filters import EVERYTHING


@click.command("reindex", short_help="Make search entries and matching keys anew.")
@click.argument("types", nargs=-1, metavar="[TYPE]...")
@store_option
def reindex_command(types: tuple[str, ...], store: str | None) -> None:
    """Make search entries and matching keys anew, for every type or for those named.

    Needed once after an upgrade or a change of search_params/: the server then refuses to start until it
    is done. Where a linkage model alone was changed, the server re-keys while it serves; this command
    does it beside running servers, or without one. It may be stopped, and goes on where it was.
    Resources and their versions stay as they are.

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
            if type in services.matchers and await can_rekey(services.keys, services.intake, type):
                done, what = await _rekeyed(services, type), "re-keyed"
            else:
                done, what = await _reindexed(services, type), "indexed"
            click.echo(f"{type}: {done:,} resources {what}")


async def _rekeyed(services: Services, type: str) -> int:
    done = 0
    with progress(f"{type} resources", await services.store.count(type, EVERYTHING)) as show:
        async for reached in rekey(services.keys, type, uuid.uuid4().hex):
            done = reached.done
            show(done)
    return done


async def _reindexed(services: Services, type: str) -> int:
    total = await services.store.count(type, EVERYTHING)
    done = 0
    with progress(f"{type} resources", total) as show:
        async for done in reindex(services.keys, services.intake, type):
            show(done)
    return done
