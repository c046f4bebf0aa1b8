"""A server that links Patients, and short names for what is asked of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from httpx import AsyncClient, Response

from tests.integration.http.exchanges import Json, create, outcome, person, put, send, surname

PART = dict[str, Any]


@dataclass(frozen=True)
class Linked:
    """A server that links Patients, and one family of records on it."""

    client: AsyncClient
    family: str

    def person(self, **elements: Any) -> Json:
        return person(self.family, **elements)

    def possibly(self, **elements: Any) -> Json:
        known = self.person(**elements)
        return {key: value for key, value in known.items() if key not in ("telecom", "address", "gender")}

    async def links(self, **asked: str) -> list[PART]:
        return [values(each) for each in await named(await self.query(**asked), "link")]

    async def query(self, **asked: str) -> Response:
        return await self.client.get("/$mdm-query-links", params=asked)

    async def source(self, resource: Json) -> tuple[str, str]:
        """A new record and the golden record that it matches, both as `Patient/1`."""
        name = f"Patient/{(await create(self.client, resource))['id']}"
        (found,) = await self.links(resourceId=name, matchResult="MATCH")
        return name, found["goldenResourceId"]

    async def two(self) -> tuple[str, str, str, str]:
        """Two sources of one person on golden records of their own: source, golden, source, golden."""
        one, first = await self.source(self.person())
        other, second = await self.source(person(surname()))
        await self.call("create-link", goldenResourceId=first, resourceId=other, matchResult="NO_MATCH")
        await put(self.client, {**self.person(), "id": other.split("/")[1]})
        return one, first, other, second

    async def call(self, operation: str, resource: Json | None = None, **parameters: str) -> Response:
        given: list[Json] = [{"name": name, "valueString": value} for name, value in parameters.items()]
        if resource is not None:
            given.append({"name": "resource", "resource": resource})
        body = {"resourceType": "Parameters", "parameter": given}
        return await send(self.client, "POST", f"/$mdm-{operation}", body)


def values(part: Json) -> PART:
    """The parts of a link by name."""
    return {p["name"]: next(v for k, v in p.items() if k.startswith("value")) for p in part["part"]}


async def named(response: Response, name: str) -> Sequence[Json]:
    assert response.status_code == 200, response.text
    return [p for p in response.json().get("parameter", ()) if p["name"] == name]


def told(response: Response, status: int, code: str, text: str) -> None:
    found = outcome(response, status, "conflict" if status == 409 else "invalid")
    assert found["issue"][0]["diagnostics"].startswith(f"HAPI-{code}: {text}"), found
