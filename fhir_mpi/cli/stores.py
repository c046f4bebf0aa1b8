"""The --store option, the settings that go with it, and the services on the store that it names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

import click
from pydantic import ValidationError

from fhir_mpi.app import build_intake, open_services
from fhir_mpi.batch.bench import Bench
from fhir_mpi.cli.failures import CannotDo
from fhir_mpi.definitions import Definitions, load_definitions
from fhir_mpi.fhir.outcome import Unavailable
from fhir_mpi.interactions.intake import Intake
from fhir_mpi.interactions.services import Services
from fhir_mpi.settings import Settings

store_option = click.option(
    "--store",
    envvar="FHIR_MPI_STORE",
    metavar="URL",
    help="sqlite:///path or mongodb://host/database; without it, a file in the platform's data folder."
    "  [env: FHIR_MPI_STORE]",
)


def settings_of(store: str | None) -> Settings:
    """The settings of the environment, on this store. CannotDo naming each one that can't be used."""
    try:
        return Settings(store=store) if store else Settings()
    except ValidationError as error:
        problems = (f"FHIR_MPI_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise CannotDo("; ".join(problems)) from None


def intake_of(settings: Settings) -> Intake:
    """What a worker process builds for itself."""
    return build_intake(load_definitions(settings.definitions), settings)


def bench_of(settings: Settings) -> Bench:
    """What a worker process builds for itself that reads the store too."""
    definitions, intake = _built(settings)
    return Bench(intake, lambda: open_services(settings, definitions, intake, stale=True))


@asynccontextmanager
async def opened(settings: Settings, *, stale: bool = False) -> AsyncIterator[Services]:
    """The services on the store. CannotDo where a definition, a model or the URL can't be used."""
    definitions, intake = _built(settings)
    services = open_services(settings, definitions, intake, stale=stale)
    try:
        found = await services.__aenter__()
    except ValueError as error:
        raise CannotDo(str(error)) from error
    except Unavailable as error:
        raise CannotDo(f"{shown(settings.store)}: {error}") from error
    try:
        yield found
    finally:
        await services.__aexit__(None, None, None)


make_intake = partial(partial, intake_of)
"""`make_intake(settings)` is a picklable call that builds the intake."""
make_bench = partial(partial, bench_of)
"""The same for a bench."""


def shown(store: str) -> str:
    """The URL without its password.

    >>> shown("mongodb://mpi:secret@db.example.org/mpi?replicaSet=rs0")
    'mongodb://db.example.org/mpi'
    """
    parts = urlsplit(store)
    if parts.scheme == "sqlite":
        return store
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _built(settings: Settings) -> tuple[Definitions, Intake]:
    try:
        definitions = load_definitions(settings.definitions)
        return definitions, build_intake(definitions, settings)
    except ValueError as error:  # DefinitionError is one; a model file, an unknown FHIRPath, another
        raise CannotDo(str(error)) from error
