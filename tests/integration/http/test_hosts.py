"""What a client claims to be talking to ends up in links only, and breaks nothing."""

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import create, patient


@pytest.mark.parametrize("host", ["[", "a b", 'evil"><script>', "[::1", "http://x", "a/b", "x:y:z", "", "ü"])
@pytest.mark.parametrize("path", ["/metadata", "/Patient?_count=1"])
async def test_a_host_that_is_none_is_never_repeated(client: AsyncClient, path: str, host: str) -> None:
    await create(client, patient(active=True))
    response = await client.get(path, headers=[(b"host", host.encode())])
    assert response.status_code == 200
    assert f"http://{host}/" not in response.text


@pytest.mark.parametrize("host", ["mpi.example", "mpi.example:8443", "127.0.0.1:8000", "[::1]:8000", "a_b-c"])
async def test_a_host_is_repeated_in_links(client: AsyncClient, host: str) -> None:
    response = await client.get("/metadata", headers={"host": host})
    assert response.json()["implementation"]["url"] == f"http://{host}/fhir"
