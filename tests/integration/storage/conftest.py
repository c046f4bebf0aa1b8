"""A second store on the database of `store`, as another process would have it."""

from collections.abc import AsyncIterator

import pytest

from fhir_mpi.storage.opening import open_store
from fhir_mpi.storage.port import Store
from tests.integration.conftest import TYPES


@pytest.fixture
async def other(store: Store, store_url: str) -> AsyncIterator[Store]:
    opened = await open_store(store_url, types=TYPES)
    yield opened
    await opened.close()
