"""The ways a resource comes in, so that one table of bodies can try them all."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

from httpx import AsyncClient, Response

from tests.integration.http.exchanges import FHIR_JSON

WAYS: Final = ("create", "update", "match", "batch")
TARGETS: Final = {
    "create": ("POST", "/Patient"),
    "update": ("PUT", "/Patient/hostile"),
    "match": ("POST", "/Patient/$match"),
    "batch": ("POST", "/"),
}


def around(way: str, resource: bytes) -> bytes:
    """The body of one way in with this Patient in its midst."""
    if way == "match":
        return b'{"resourceType":"Parameters","parameter":[{"name":"resource","resource":%s}]}' % resource
    if way == "batch":
        request = b'"request":{"method":"POST","url":"Patient"}'
        return b'{"resourceType":"Bundle","type":"batch","entry":[{"resource":%s,%s}]}' % (resource, request)
    return resource


async def ask(
    client: AsyncClient,
    way: str,
    body: bytes | AsyncIterator[bytes],
    headers: Mapping[str, str] | None = None,
) -> Response:
    method, path = TARGETS[way]
    given = {"content-type": FHIR_JSON, **(headers or {})}
    return await client.request(method, path, content=body, headers=given)
