"""What tests of batches and transactions send and how they read the answer."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from httpx import AsyncClient, Response

from tests.integration.http.exchanges import Json, bundle, entry, find, patient, send


async def post(
    client: AsyncClient, type: str, *entries: Json, headers: Mapping[str, str] | None = None
) -> Response:
    return await send(client, "POST", "/", bundle(type, *entries), headers)


async def run(client: AsyncClient, type: str, *entries: Json, prefer: str | None = None) -> Sequence[Json]:
    """The answers to the entries of a Bundle that is taken."""
    response = await post(client, type, *entries, headers={"prefer": prefer} if prefer else {})
    assert response.status_code == 200, response.text
    found = response.json()
    assert found["type"] == f"{type}-response"
    answers: Sequence[Json] = found["entry"]
    assert len(answers) == len(entries)
    return answers


def statuses(answers: Sequence[Json]) -> list[str]:
    return [answer["response"]["status"][:3] for answer in answers]


def born_as(answer: Json) -> str:
    """The id in a location."""
    found: str = answer["response"]["location"].split("/")[-3]
    return found


def making(criteria: str, resource: Json, **more: Any) -> Json:
    """A conditional create."""
    found = entry("POST", resource["resourceType"], resource, **more)
    found["request"]["ifNoneExist"] = criteria
    return found


def patching(url: str, content_type: str, data: bytes, **more: Any) -> Json:
    binary = {"resourceType": "Binary", "contentType": content_type, "data": b64encode(data).decode()}
    return entry("PATCH", url, binary, **more)


def numbered(number: str, **elements: Any) -> Json:
    return patient(identifier=[{"system": "urn:n", "value": number}], **elements)


def by(number: str) -> str:
    return f"identifier=urn:n|{number}"


async def total(client: AsyncClient, number: str) -> int:
    found: int = (await find(client, f"Patient?{by(number)}&_count=0"))["total"]
    return found
