"""Running servers on both stores, for every test that speaks HTTP.

`client` talks to one server that a whole session shares per store: tests bring names of their own.
`serve` starts another one on an empty store, with settings and plugins of its own.
"""

import io
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
import structlog
from asgi_lifespan import LifespanManager
from httpx import ASGITransport, AsyncClient

from fhir_mpi.app import create_app
from fhir_mpi.logging import configure_logging
from fhir_mpi.settings import Settings
from tests.integration.mongo_engine import drop_databases, mongo_uri

__all__ = ["client", "logged", "mongo_uri", "new_store_url", "serve", "shared_app", "store_kind", "store_url"]

BASE = "http://mpi.test/fhir"
ROOT = "http://mpi.test"
PATIENCE = 60
"""Seconds that a server may take to start or to stop where other work keeps the machine busy."""

NewStoreUrl: TypeAlias = Callable[[], str]
Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[AsyncClient]]


@pytest.fixture(scope="session", params=["sqlite", pytest.param("mongo", marks=pytest.mark.mongo)])
def store_kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="session")
def new_store_url(
    store_kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NewStoreUrl]:
    """Call it for the URL of an empty store; what is in the stores goes with the session."""
    if store_kind == "sqlite":
        yield lambda: f"sqlite:///{tmp_path_factory.mktemp('store') / 'index.sqlite'}"
        return
    uri: str = request.getfixturevalue("mongo_uri")
    databases: list[str] = []

    def new() -> str:
        databases.append(f"test_{uuid4().hex}")
        return urlunsplit(urlsplit(uri)._replace(path=f"/{databases[-1]}"))

    yield new
    drop_databases(uri, databases)


@pytest.fixture
def store_url(new_store_url: NewStoreUrl) -> str:
    return new_store_url()


@asynccontextmanager
async def running(settings: Settings, *plugins: object) -> AsyncIterator[Any]:
    """The application inside its lifespan."""
    app = create_app(settings, *plugins)
    async with LifespanManager(app, startup_timeout=PATIENCE, shutdown_timeout=PATIENCE) as manager:
        yield manager.app


@asynccontextmanager
async def talking(app: Any) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(transport=ASGITransport(app=app), base_url=BASE) as found:
        yield found


@pytest.fixture(scope="session")
async def shared_app(new_store_url: NewStoreUrl) -> AsyncIterator[Any]:
    async with running(Settings(store=new_store_url())) as app:
        yield app


@pytest.fixture
async def client(shared_app: Any) -> AsyncIterator[AsyncClient]:
    async with talking(shared_app) as found:
        yield found


@pytest.fixture
def serve(new_store_url: NewStoreUrl) -> Serve:
    """Starts a server of the test's own: `serve(*plugins, store=..., **settings)`."""

    @asynccontextmanager
    async def start(
        *plugins: object, store: str | None = None, **settings: Any
    ) -> AsyncIterator[AsyncClient]:
        given = Settings(store=store or new_store_url(), **settings)
        async with running(given, *plugins) as app, talking(app) as found:
            yield found

    return start


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that is logged from here on, down to debug, in the format of production."""
    root, written = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    with monkeypatch.context() as patched:
        patched.setattr("sys.stderr", written)
        configure_logging("debug")
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
