"""Merges as tests ask for them and look at what came of them."""

from collections.abc import Mapping
from typing import Any

from httpx import AsyncClient, Response

from tests.integration.http.exchanges import Json, create, patient, send

SYSTEM = "urn:merged"


def reference(resource: Json | str) -> Json:
    """To a resource, or what is written."""
    text = resource if isinstance(resource, str) else f"{resource['resourceType']}/{resource['id']}"
    return {"reference": text}


def identifier(value: str, **more: Any) -> Json:
    return {"system": SYSTEM, "value": value, **more}


def asked(noun: str = "patient", /, **given: Any) -> Json:
    """The Parameters of a merge: `source`, `target` (resources or references), `source_identifier`,
    `target_identifier` (one or a list), `result`; others by their names with _ for -.
    """
    parts: list[Json] = []
    for name, value in given.items():
        if name in ("source", "target"):
            said = value if isinstance(value, dict) and "resourceType" not in value else reference(value)
            parts.append({"name": f"{name}-{noun}", "valueReference": said})
        elif name.endswith("_identifier"):
            role = name.removesuffix("_identifier")
            each = value if isinstance(value, list) else [value]
            parts += [{"name": f"{role}-{noun}-identifier", "valueIdentifier": one} for one in each]
        elif name == "result":
            parts.append({"name": f"result-{noun}", "resource": value})
        else:
            kind = "valueBoolean" if isinstance(value, bool) else "valueUnsignedInt"
            parts.append({"name": name.replace("_", "-"), kind: value})
    return {"resourceType": "Parameters", "parameter": parts}


async def merge(client: AsyncClient, headers: Mapping[str, str] | None = None, **given: Any) -> Response:
    return await send(client, "POST", "/Patient/$merge", asked(**given), headers)


async def merge_any(client: AsyncClient, type: str, **given: Any) -> Response:
    return await send(client, "POST", f"/{type}/$hapi.fhir.merge", asked("resource", **given))


def parts(response: Response) -> dict[str, Json]:
    """The parts of the Parameters by name."""
    found = response.json()
    assert found["resourceType"] == "Parameters", found
    return {part["name"]: part["resource"] for part in found["parameter"]}


def issues(response: Response) -> list[tuple[str, str]]:
    """Code and diagnostics of every issue of the outcome, all of them errors."""
    found = parts(response)["outcome"]["issue"]
    assert {issue["severity"] for issue in found} == {"error"}
    return [(issue["code"], issue["diagnostics"]) for issue in found]


async def merged(client: AsyncClient, **given: Any) -> Json:
    """The survivor of a merge that succeeds."""
    response = await merge(client, **given)
    assert response.status_code == 200, response.text
    return parts(response)["result"]


async def two(client: AsyncClient, **elements: Any) -> tuple[Json, Json]:
    """A source and a target."""
    return await create(client, patient(active=True, **elements)), await create(client, patient(active=True))


async def now(client: AsyncClient, resource: Json) -> Json:
    """What it is now."""
    response = await client.get(f"/{resource['resourceType']}/{resource['id']}")
    assert response.status_code == 200, response.text
    found: Json = response.json()
    return found


async def records(client: AsyncClient, resource: Json) -> list[Json]:
    """The Provenances of what happened to a resource."""
    found = await client.get(f"/Provenance?target={resource['resourceType']}/{resource['id']}")
    return [entry["resource"] for entry in found.json().get("entry", [])]


async def undo(
    client: AsyncClient, headers: Mapping[str, str] | None = None, *, type: str = "Patient", **given: Any
) -> Response:
    noun = "patient" if type == "Patient" else "resource"
    return await send(client, "POST", f"/{type}/$hapi.fhir.undo-merge", asked(noun, **given), headers)
