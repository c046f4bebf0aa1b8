"""Pages of other origins: what a browser lets them ask and read, by setting."""

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import create, patient
from tests.integration.http.serving import Serve

APP = "https://app.example"


async def preflight(
    client: AsyncClient, origin: str, method: str = "PUT", headers: str = "if-match"
) -> dict[str, str]:
    asked = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": headers,
    }
    response = await client.options("/Patient/1", headers=asked)
    return {"status": str(response.status_code), **response.headers}


async def test_without_the_setting_no_page_may(client: AsyncClient) -> None:
    response = await client.get("/metadata", headers={"origin": APP})
    assert "access-control-allow-origin" not in response.headers
    assert (await preflight(client, APP))["status"] == "405"


async def test_a_page_of_a_named_origin_may_ask_and_read(serve: Serve) -> None:
    async with serve(cors_origins=f"{APP}, https://other.example") as client:
        allowed = await preflight(client, APP)
        assert (allowed["status"], allowed["access-control-allow-origin"]) == ("200", APP)
        assert "PATCH" in allowed["access-control-allow-methods"]
        made = await create(client, patient(active=True))
        response = await client.get(f"/Patient/{made['id']}", headers={"origin": APP})
        assert response.headers["access-control-allow-origin"] == APP
        assert "Origin" in response.headers["vary"].split(", ")
        assert {"ETag", "Location", "X-Request-Id"} <= set(
            response.headers["access-control-expose-headers"].split(", ")
        )
        assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize(
    ("path", "status"), [("/Patient/none", 404), ("/Patient?x=1", 400), ("/nowhere", 404)]
)
async def test_a_page_can_read_an_error(serve: Serve, path: str, status: int) -> None:
    async with serve(cors_origins=APP) as client:
        response = await client.get(path, headers={"origin": APP})
        assert (response.status_code, response.headers["access-control-allow-origin"]) == (status, APP)


async def test_a_page_of_another_origin_may_not(serve: Serve) -> None:
    async with serve(cors_origins=APP) as client:
        assert (await preflight(client, "https://evil.example"))["status"] == "400"
        response = await client.get("/metadata", headers={"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in response.headers
        assert (await preflight(client, APP, headers="x-unknown"))["status"] == "400"
        assert (await preflight(client, APP, method="TRACE"))["status"] == "400"


async def test_any_origin_can_be_let_in(serve: Serve) -> None:
    async with serve(cors_origins="*") as client:
        response = await client.get("/metadata", headers={"origin": APP})
        assert response.headers["access-control-allow-origin"] == "*"
