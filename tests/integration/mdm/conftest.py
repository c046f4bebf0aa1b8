"""The worlds in which links are tested: services that link, on each store."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import Any, TypeAlias

import pytest

from fhir_mpi.app import build_intake, open_services
from fhir_mpi.definitions import Definitions, load_definitions
from fhir_mpi.interactions.intake import Intake
from fhir_mpi.settings import Settings
from tests.integration.http.serving import mongo_uri, new_store_url, serve, store_kind, store_url
from tests.integration.mdm.states import World

__all__ = ["mongo_uri", "new_store_url", "serve", "store_kind", "store_url"]

NewWorld: TypeAlias = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
def new_world(store_url: str) -> NewWorld:
    """Opens a world on the test's store: `new_world(*plugins, **settings)`."""

    @asynccontextmanager
    async def start(*plugins: object, **settings: Any) -> AsyncIterator[World]:
        given = Settings(store=store_url, **{"mdm": "match-and-link", **settings})
        definitions, intake = compiled()
        async with open_services(given, definitions, intake, *plugins) as services:
            yield World(services)

    return start


@pytest.fixture
async def world(new_world: NewWorld) -> AsyncIterator[World]:
    async with new_world() as found:
        yield found


@cache
def compiled() -> tuple[Definitions, Intake]:
    """Definitions and intake, made once: they take a second."""
    definitions = load_definitions()
    return definitions, build_intake(definitions, Settings(store="sqlite:///none"))
