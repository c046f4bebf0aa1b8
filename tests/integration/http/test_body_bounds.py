"""Bodies that are too long, too deep, too many, of the wrong kind or not there: B06-B10, B16, B25-B28."""

import gzip
from collections.abc import AsyncIterator
from typing import Final

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import alive, bundle, entry, issue, outcome, patient, send, stored
from tests.integration.http.ways_in import WAYS, around, ask

KIB: Final = 1024
LIMITS: Final = {"create": KIB * KIB, "update": KIB * KIB, "match": 256 * KIB, "batch": 10 * KIB * KIB}
NOT_OBJECTS: Final = {
    "empty": b"",
    "white-space": b" \n",
    "number": b"42",
    "text": b'"Patient"',
    "true": b"true",
    "null": b"null",
    "array": b'[{"resourceType":"Patient"}]',
}


def padded(way: str, size: int) -> bytes:
    """A body of exactly this many bytes, all of them read: white space is part of it."""
    body = around(
        way,
        b'{"resourceType":"Patient","id":"hostile","name":[{"family":"Bound","given":["Ada"]}],"birthDate":"1944-02-03"}',
    )
    return body + b" " * (size - len(body))


async def chunks(body: bytes, size: int = 64 * KIB) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", [pytest.param(b, id=f"B08-{n}") for n, b in NOT_OBJECTS.items()])
async def test_a_body_that_is_no_object_is_refused(client: AsyncClient, way: str, body: bytes) -> None:
    refused = outcome(await ask(client, way, body), 400, "structure")
    told = refused["issue"][0]["diagnostics"]
    assert (told == "No body was supplied in request") is (body == b"")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("declared", [pytest.param(True, id="declared"), pytest.param(False, id="chunked")])
async def test_b07_a_body_beyond_the_bound_is_too_long(client: AsyncClient, way: str, declared: bool) -> None:
    before = await stored(client)
    body = padded(way, LIMITS[way] + 1)
    outcome(await ask(client, way, body if declared else chunks(body)), 413, "too-long")
    assert await stored(client) == before
    assert await alive(client)


@pytest.mark.parametrize("way", WAYS)
async def test_b07_a_body_of_just_the_bound_is_taken(client: AsyncClient, way: str) -> None:
    response = await ask(client, way, chunks(padded(way, LIMITS[way])))
    assert response.status_code in (200, 201), response.text


async def test_b07_a_declared_length_is_believed_before_the_first_byte(client: AsyncClient) -> None:
    asked_for = []

    async def nothing() -> AsyncIterator[bytes]:
        asked_for.append(True)
        yield b""

    response = await ask(client, "create", nothing(), {"content-length": str(10**9)})
    outcome(response, 413, "too-long")
    assert asked_for == []


@pytest.mark.parametrize("way", ["create", "update", "batch"])
@pytest.mark.parametrize("bracket", [b"[", b'{"a":'], ids=["lists", "objects"])
async def test_b06_a_million_brackets_are_refused(client: AsyncClient, way: str, bracket: bytes) -> None:
    body = bracket * (1_000_000 // len(bracket))
    outcome(await ask(client, way, body), 400, "structure")
    assert await alive(client)


@pytest.mark.parametrize(("depth", "status"), [(30, 201), (33, 400)])
async def test_b06_sixty_four_levels_are_the_most(client: AsyncClient, depth: int, status: int) -> None:
    leaf = b'[{"url":"urn:x","valueBoolean":true}]'
    nested = b'[{"url":"urn:x","extension":' * depth + leaf + b"}]" * depth
    response = await ask(client, "create", b'{"resourceType":"Patient","extension":%s}' % nested)
    assert response.status_code == status, response.text


@pytest.mark.parametrize(
    ("id", "expected"),
    [("other", "which matches the request URL"), (None, "must contain an ID element for update")],
)
async def test_b10_an_update_needs_the_id_of_its_url(
    client: AsyncClient, id: str | None, expected: str
) -> None:
    body = patient(active=True) if id is None else patient(id=id, active=True)
    refused = outcome(await send(client, "PUT", "/Patient/mine", body), 400, "invalid", "Patient.id")
    assert expected in refused["issue"][0]["diagnostics"]
    assert (await client.get("/Patient/mine")).status_code == 404


async def test_b16_a_string_beyond_a_mebibyte_is_too_long_even_inside_a_batch(client: AsyncClient) -> None:
    before = await stored(client)
    body = around("batch", b'{"resourceType":"Patient","name":[{"family":"%s"}]}' % (b"x" * (KIB * KIB + 1)))
    outcome(await ask(client, "batch", body), 400, "too-long")
    assert await stored(client) == before


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "application/fhir+xml",
        "application/json; charset=latin-1",
        "nonsense",
    ],
)
async def test_b25_a_body_of_another_type_is_refused(
    client: AsyncClient, way: str, content_type: str
) -> None:
    response = await ask(client, way, padded(way, 300), {"content-type": content_type})
    outcome(response, 415, "not-supported")


@pytest.mark.parametrize("way", WAYS)
async def test_b25_a_client_that_accepts_xml_only_is_refused_before_anything_is_done(
    client: AsyncClient, way: str
) -> None:
    before = await stored(client)
    response = await ask(client, way, padded(way, 300), {"accept": "application/fhir+xml"})
    outcome(response, 406, "not-supported")
    assert await stored(client) == before


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("encoding", ["br", "deflate", "identity, gzip"])
async def test_b27_a_body_of_another_encoding_is_refused_unopened(
    client: AsyncClient, way: str, encoding: str
) -> None:
    bomb = gzip.compress(padded(way, KIB * KIB))
    response = await ask(client, way, bomb, {"content-encoding": encoding})
    outcome(response, 415, "not-supported")


@pytest.mark.parametrize("way", WAYS)
async def test_b27_a_bomb_is_unpacked_to_its_bound_only(client: AsyncClient, way: str) -> None:
    bomb = gzip.compress(padded(way, 24 * KIB * KIB))
    response = await ask(client, way, bomb, {"content-encoding": "gzip"})
    outcome(response, 413, "too-long")


@pytest.mark.parametrize("type", ["batch", "transaction"])
async def test_b28_ten_thousand_and_one_entries_are_too_costly(client: AsyncClient, type: str) -> None:
    before = await stored(client)
    body = bundle(type, *[entry("POST", "Patient", patient(active=True))] * 10_001)
    outcome(await send(client, "POST", "/", body), 413, "too-costly")
    assert await stored(client) == before


async def test_b28b_one_bad_entry_of_a_batch_leaves_the_others_alone(client: AsyncClient) -> None:
    before = await stored(client)
    good, bad = entry("POST", "Patient", patient(active=True)), entry("POST", "Patient", patient(nick="x"))
    answers = (await send(client, "POST", "/", bundle("batch", good, bad, good))).json()["entry"]
    assert [a["response"]["status"] for a in answers] == ["201 Created", "400 Bad Request", "201 Created"]
    issue(answers[1]["response"]["outcome"], "structure", "Patient.nick")
    assert (await stored(client))["Patient"] == before["Patient"] + 2


async def test_b28b_one_bad_entry_of_a_transaction_stores_none(client: AsyncClient) -> None:
    before = await stored(client)
    good, bad = entry("POST", "Patient", patient(active=True)), entry("POST", "Patient", patient(nick="x"))
    response = await send(client, "POST", "/", bundle("transaction", good, bad, good))
    outcome(response, 400, "structure", "Bundle.entry[1].resource.nick")
    assert await stored(client) == before
