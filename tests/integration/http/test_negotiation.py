"""Media types in and out (R5 http.html#mime-type), sloppy clients included."""

from decimal import Decimal

import pytest
from httpx import AsyncClient

from fhir_mpi.fhir.json import encode
from tests.integration.http.exchanges import FHIR_JSON, create, outcome, patient, send

JSON = "application/json"


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (FHIR_JSON, FHIR_JSON),
        (JSON, JSON),
        ("text/json", JSON),
        ("application/json+fhir", FHIR_JSON),
        ("*/*", FHIR_JSON),
        ("application/*", FHIR_JSON),
        ("application/fhir+json;application/json;text/json", FHIR_JSON),
        ("application/fhir+xml;q=0.9, application/fhir+json;q=0.8", FHIR_JSON),
        ("text/html, application/json; charset=utf-8", JSON),
        ("APPLICATION/FHIR+JSON; fhirVersion=5.0", FHIR_JSON),
        (None, FHIR_JSON),
    ],
)
async def test_a_client_is_answered_in_what_it_accepts(
    client: AsyncClient, accept: str | None, answered: str
) -> None:
    known = await create(client, patient(active=True))
    headers = {} if accept is None else {"accept": accept}
    if accept is None:
        del client.headers["accept"]
    for path in (f"/Patient/{known['id']}", "/Patient?_count=1", "/metadata"):
        response = await client.get(path, headers=headers)
        assert (response.status_code, response.headers["content-type"]) == (200, answered)


@pytest.mark.parametrize(
    "accept", ["application/fhir+xml", "text/html", "application/xml", "nonsense", "text/*"]
)
@pytest.mark.parametrize(
    "path", ["/metadata", "/Patient?_count=1", "/Patient/{id}", "/Patient/{id}/_history"]
)
async def test_a_client_that_accepts_nothing_of_ours_is_told(
    client: AsyncClient, accept: str, path: str
) -> None:
    known = await create(client, patient(active=True))
    response = await client.get(path.format(id=known["id"]), headers={"accept": accept})
    outcome(response, 406, "not-supported")


@pytest.mark.parametrize(
    ("wanted", "status", "answered"),
    [
        ("json", 200, FHIR_JSON),
        ("application/fhir+json", 200, FHIR_JSON),
        ("application/fhir%2Bjson", 200, FHIR_JSON),
        ("application/json", 200, JSON),
        ("xml", 406, FHIR_JSON),
        ("application/fhir%2Bxml", 406, FHIR_JSON),
        ("", 406, FHIR_JSON),
    ],
)
async def test_format_goes_before_accept(
    client: AsyncClient, wanted: str, status: int, answered: str
) -> None:
    known = await create(client, patient(active=True))
    for path in (f"/Patient/{known['id']}?", "/metadata?", "/Patient?_count=1&"):
        response = await client.get(f"{path}_format={wanted}", headers={"accept": "text/html"})
        assert (response.status_code, response.headers["content-type"]) == (status, answered)


@pytest.mark.parametrize(
    "content_type", [FHIR_JSON, JSON, "text/json", f"{FHIR_JSON}; charset=UTF-8", f'{JSON};charset="utf-8"']
)
async def test_a_body_may_come_under_any_name_of_json(client: AsyncClient, content_type: str) -> None:
    response = await send(client, "POST", "/Patient", patient(active=True), {"content-type": content_type})
    assert response.status_code == 201


async def test_a_body_without_a_type_is_taken_for_json(client: AsyncClient) -> None:
    response = await client.post("/Patient", content=b'{"resourceType":"Patient","active":true}')
    assert response.status_code == 201


async def test_an_answer_is_indented_for_who_likes_it_with_every_digit_kept(client: AsyncClient) -> None:
    body = encode(patient(extension=[{"url": "urn:x", "valueDecimal": Decimal("1.50")}]))
    created = await send(client, "POST", "/Patient?_pretty=true", body)
    assert b'\n  "resourceType": "Patient"' in created.content
    assert b'"valueDecimal": 1.50\n' in created.content
    plain = await client.get(f"/Patient/{created.json()['id']}?_pretty=false")
    assert b"\n" not in plain.content
