"""Both stores for every integration test: `store_url` names an empty one, `store` is it, open."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest

from fhir_mpi.storage.opening import open_store
from fhir_mpi.storage.port import Store
from tests.integration.mongo_engine import drop_databases, mongo_uri

__all__ = ["mongo_uri", "store", "store_url"]

TYPES = ("Patient", "Organization")


@pytest.fixture(params=["sqlite", pytest.param("mongo", marks=pytest.mark.mongo)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty store that nobody else uses; what is in it goes with the test."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'index.sqlite'}"
        return
    uri: str = request.getfixturevalue("mongo_uri")
    database = f"test_{uuid4().hex}"
    yield urlunsplit(urlsplit(uri)._replace(path=f"/{database}"))
    drop_databases(uri, [database])


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """An open, empty store for Patient and Organization."""
    opened = await open_store(store_url, types=TYPES)
    yield opened
    await opened.close()
