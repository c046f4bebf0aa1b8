"""Fixtures of the HTTP tests, from `serving`, and a server that links."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.http.exchanges import surname
from tests.integration.http.linked import Linked
from tests.integration.http.serving import (
    Serve,
    client,
    logged,
    mongo_uri,
    new_store_url,
    serve,
    shared_app,
    store_kind,
    store_url,
)

__all__ = ["client", "logged", "mongo_uri", "new_store_url", "serve", "shared_app", "store_kind", "store_url"]


@pytest.fixture
async def linked(serve: Serve) -> AsyncIterator[Linked]:
    async with serve(mdm="match-and-link", organization_mdm="match-only") as client:
        yield Linked(client, surname())
