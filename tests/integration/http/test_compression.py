"""Compressed answers and requests, as a client wishes and within bounds, on both stores."""

import gzip
import json
from collections.abc import Callable

import brotli
import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import Json, bundle, create, entry, outcome, patient, surname
from tests.integration.http.serving import ROOT, Serve

LONG = "x" * 4000
UNPACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "br": brotli.decompress}


async def raw(
    client: AsyncClient, method: str, url: str, accepted: str, **options: object
) -> tuple[int, Json, bytes]:
    """Status, headers and the body as it came over the wire."""
    headers = {"accept-encoding": accepted}
    async with client.stream(method, url, headers=headers, **options) as response:  # type: ignore[arg-type]
        body = b"".join([chunk async for chunk in response.aiter_raw()])
        return response.status_code, dict(response.headers), body


@pytest.fixture
async def long(client: AsyncClient) -> Json:
    """A Patient of more than four thousand bytes."""
    return await create(client, patient(name=[{"text": LONG, "family": surname()}]))


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br", "br"),
        ("br;q=0.2, gzip;q=0.8", "gzip"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("GZIP", "gzip"),
    ],
)
async def test_an_answer_is_compressed_as_the_client_wishes(
    client: AsyncClient, long: Json, accepted: str, encoding: str
) -> None:
    status, headers, body = await raw(client, "GET", f"/Patient/{long['id']}", accepted)
    assert (status, headers["content-encoding"], headers["vary"]) == (200, encoding, "Accept-Encoding")
    assert len(body) == int(headers["content-length"]) < 1000
    assert headers["etag"] == 'W/"1"'
    assert json.loads(UNPACK[encoding](body)) == long


@pytest.mark.parametrize("accepted", ["", "identity", "deflate", "gzip;q=0", "br;q=none"])
async def test_it_is_not_for_who_does_not_ask(client: AsyncClient, long: Json, accepted: str) -> None:
    _, headers, body = await raw(client, "GET", f"/Patient/{long['id']}", accepted)
    assert "content-encoding" not in headers
    assert json.loads(body) == long


async def test_what_is_short_or_has_no_body_stays_as_it_is(client: AsyncClient, long: Json) -> None:
    _, headers, _ = await raw(client, "GET", f"{ROOT}/livez", "gzip")
    assert "content-encoding" not in headers
    response = await client.get(f"/Patient/{long['id']}", headers={"if-none-match": 'W/"1"'})
    assert (response.status_code, response.content) == (304, b"")
    assert "content-encoding" not in response.headers


async def test_a_large_answer_and_an_error_are_compressed_too(client: AsyncClient) -> None:
    family = surname()
    sent = [entry("POST", "Patient", patient(name=[{"family": family, "text": LONG}])) for _ in range(30)]
    await client.post(
        "/", json=bundle("transaction", *sent), headers={"content-type": "application/fhir+json"}
    )
    _, headers, body = await raw(client, "GET", f"/Patient?family={family}&_count=50", "br")
    assert headers["content-encoding"] == "br"
    assert len(json.loads(brotli.decompress(body))["entry"]) == 30
    status, headers, body = await raw(client, "GET", "/Patient?nonsense=1", "gzip")
    assert (status, headers["content-encoding"]) == (400, "gzip")
    assert json.loads(gzip.decompress(body))["issue"][0]["code"] == "not-supported"


async def test_a_site_can_do_without(serve: Serve) -> None:
    async with serve(compression=False) as client:
        made = await create(client, patient(name=[{"text": LONG}]))
        _, headers, _ = await raw(client, "GET", f"/Patient/{made['id']}", "gzip, br")
        assert not {"content-encoding", "vary"} & headers.keys()


@pytest.mark.parametrize("name", ["gzip", "GZIP", "x-gzip"])
async def test_a_body_may_come_as_gzip(client: AsyncClient, name: str) -> None:
    family = surname()
    sent = gzip.compress(json.dumps(patient(name=[{"family": family}])).encode())
    headers = {"content-type": "application/fhir+json", "content-encoding": name}
    response = await client.post("/Patient", content=sent, headers=headers)
    assert response.status_code == 201
    form = {"content-type": "application/x-www-form-urlencoded", "content-encoding": name}
    found = await client.post(
        "/Patient/_search", content=gzip.compress(f"family={family}".encode()), headers=form
    )
    assert found.json()["total"] == 1


@pytest.mark.parametrize(
    "broken",
    [
        gzip.compress(b'{"resourceType":"Patient"}')[:-4],
        gzip.compress(b'{"resourceType":"Patient"}') + b"more",
        b'{"resourceType":"Patient"}',
        b"",
    ],
    ids=["cut off", "followed", "plain", "empty"],
)
async def test_a_broken_stream_is_malformed(client: AsyncClient, broken: bytes) -> None:
    headers = {"content-type": "application/fhir+json", "content-encoding": "gzip"}
    outcome(await client.post("/Patient", content=broken, headers=headers), 400, "structure")


async def test_a_bomb_is_never_unpacked(serve: Serve) -> None:
    bomb = gzip.compress(b'{"resourceType":"Patient","x":"' + b" " * 50_000_000)
    assert len(bomb) < 60_000
    async with serve(max_body=100_000) as client:
        headers = {"content-type": "application/fhir+json", "content-encoding": "gzip"}
        outcome(await client.post("/Patient", content=bomb, headers=headers), 413, "too-long")


@pytest.mark.parametrize("name", ["br", "deflate", "gzip, gzip", "zstd"])
async def test_another_encoding_of_a_body_is_refused_with_what_is_taken(
    client: AsyncClient, name: str
) -> None:
    headers = {"content-type": "application/fhir+json", "content-encoding": name}
    response = await client.post("/Patient", content=b"{}", headers=headers)
    outcome(response, 415, "not-supported")
    assert response.headers["accept-encoding"] == "gzip"
