"""What tests send and how they read the answer: short names, nothing else."""

import json
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from httpx import AsyncClient, Response

from tests.integration.http.serving import ROOT

Json = dict[str, Any]

FHIR_JSON = "application/fhir+json"
TYPES = ("Patient", "Organization", "Person", "RelatedPerson", "Practitioner", "Provenance")
REQUEST_ID = re.compile(r"[A-Za-z0-9._~-]{1,64}")
LETTERS = str.maketrans("0123456789abcdef", "bcdfghjklmnpqrst")


def surname() -> str:
    """A family name that nobody else in this session has."""
    return uuid4().hex[:14].translate(LETTERS).capitalize()


def patient(**elements: Any) -> Json:
    return {"resourceType": "Patient", **elements}


def organization(**elements: Any) -> Json:
    return {"resourceType": "Organization", **elements}


def person(family: str, **elements: Any) -> Json:
    """A Patient with enough to be matched by, none of it shared with another family."""
    own = random.Random(family)
    known: Json = {
        "name": [{"family": family, "given": [f"Otti{family[:6].lower()}", "Maren"]}],
        "gender": "female",
        "birthDate": f"{own.randint(1920, 2005)}-{own.randint(1, 12):02d}-{own.randint(1, 28):02d}",
        "telecom": [{"system": "phone", "value": f"+49 30 {own.randint(10**7, 10**8)}"}],
        "address": [
            {
                "line": [f"{family}allee {own.randint(1, 200)}"],
                "city": f"{family}hausen",
                "postalCode": f"{own.randint(10_000, 99_999)}",
            }
        ],
    }
    return patient(**{**known, **elements})


def parameters(resource: Json, **values: Any) -> Json:
    """A Parameters for $match; booleans and integers find their own value key."""
    kinds = {bool: "valueBoolean", int: "valueInteger", str: "valueString"}
    given = [{"name": name, kinds[type(value)]: value} for name, value in values.items()]
    return {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": resource}, *given]}


def bundle(type: str, *entries: Json) -> Json:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries)}


def entry(method: str, url: str, resource: Json | None = None, **more: Any) -> Json:
    """One Bundle entry; `full_url` and `if_match` by name."""
    request: Json = {"method": method, "url": url}
    if "if_match" in more:
        request["ifMatch"] = more.pop("if_match")
    found: Json = {"request": request}
    if resource is not None:
        found["resource"] = resource
    if "full_url" in more:
        found["fullUrl"] = more.pop("full_url")
    return found


async def send(
    client: AsyncClient, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> Response:
    """`body` as FHIR JSON; bytes go as they are."""
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    given = {"content-type": FHIR_JSON} if content is not None else {}
    return await client.request(method, path, content=content, headers={**given, **(headers or {})})


async def create(client: AsyncClient, resource: Json) -> Json:
    """The resource as it was stored."""
    response = await send(client, "POST", f"/{resource['resourceType']}", resource)
    assert response.status_code == 201, response.text
    found: Json = response.json()
    return found


async def put(client: AsyncClient, resource: Json) -> Response:
    return await send(client, "PUT", f"/{resource['resourceType']}/{resource['id']}", resource)


async def match(client: AsyncClient, resource: Json, **values: Any) -> Response:
    return await send(client, "POST", f"/{resource['resourceType']}/$match", parameters(resource, **values))


async def find(client: AsyncClient, search: str) -> Json:
    """The searchset of `Patient?name=x`, known to be one."""
    response = await client.get(f"/{search}")
    assert response.status_code == 200, response.text
    found: Json = response.json()
    assert (found["resourceType"], found["type"]) == ("Bundle", "searchset")
    return found


def ids(searchset: Json) -> list[str]:
    """The ids of the matches of a searchset, in order."""
    return [e["resource"]["id"] for e in searchset.get("entry", ()) if e["search"]["mode"] == "match"]


async def stored(client: AsyncClient) -> Mapping[str, int]:
    """How many resources of every type there are."""
    return {type: (await find(client, f"{type}?_count=0"))["total"] for type in TYPES}


def outcome(response: Response, status: int, code: str, expression: str | None = None) -> Json:
    """The OperationOutcome of a refusal, known to be as every refusal must be."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == FHIR_JSON
    assert REQUEST_ID.fullmatch(response.headers["x-request-id"])
    return issue(response.json(), code, expression)


def issue(found: Json, code: str, expression: str | None = None) -> Json:
    assert found["resourceType"] == "OperationOutcome"
    first: Json = found["issue"][0]
    assert (first["severity"], first["code"]) == ("error", code), found
    assert first["diagnostics"]
    if expression is not None:
        assert first["expression"] == [expression]
    return found


async def alive(client: AsyncClient) -> bool:
    return (await client.get(f"{ROOT}/livez")).status_code == 200


def entries(answer: Json) -> Sequence[Json]:
    found: Sequence[Json] = answer.get("entry", [])
    return found


def link(searchset: Json, relation: str) -> str | None:
    return next((found["url"] for found in searchset["link"] if found["relation"] == relation), None)


async def people(client: AsyncClient, number: int, **elements: object) -> tuple[str, list[str]]:
    """A family of this many and their ids in the order of their birth."""
    family = surname()
    sent = [
        entry("POST", "Patient", patient(name=[{"family": family}], birthDate=f"19{n:02d}-05-01", **elements))
        for n in range(number)
    ]
    answers = (await send(client, "POST", "/", bundle("transaction", *sent))).json()["entry"]
    return family, [answer["response"]["location"].split("/")[-3] for answer in answers]


async def followed(client: AsyncClient, url: str | None, relation: str) -> list[Any]:
    """Every page from this one, over the links of this relation."""
    pages: list[Any] = []
    while url is not None:
        response = await client.get(url)
        assert response.status_code == 200, response.text
        pages.append(response.json())
        url = link(response.json(), relation)
        assert len(pages) < 100
    return pages
