"""Every search parameter that /metadata declares finds its resource, and a value beside it doesn't."""

import json
from typing import Any, Final

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import Json, create, find, ids
from tests.integration.http.exchanges import surname as unique

NAMED: Final = unique()
"""Part of the ids and names here, so that nobody else's data answers."""
SHARED: Final[Json] = {
    "language": "de-AT",
    "meta": {
        "source": f"https://feed.example/{NAMED}",
        "profile": [f"https://example.org/StructureDefinition/{NAMED}"],
        "tag": [{"system": "urn:tags", "code": NAMED}],
        "security": [{"system": "urn:labels", "code": NAMED}],
    },
}
ADDRESS: Final[Json] = {
    "use": "work",
    "text": f"Gasse 1, {NAMED}stadt",
    "line": [f"{NAMED}gasse 1"],
    "city": f"{NAMED}stadt",
    "state": f"{NAMED}land",
    "postalCode": f"{NAMED}99",
    "country": f"{NAMED}reich",
}
PATIENT: Final[Json] = {
    "resourceType": "Patient",
    **SHARED,
    "active": False,
    "identifier": [{"system": "urn:ids", "value": NAMED}],
    "name": [{"family": f"{NAMED}sen", "given": [f"{NAMED}a"]}],
    "telecom": [
        {"system": "phone", "value": f"+49-{NAMED}"},
        {"system": "email", "value": f"{NAMED}@mail.example"},
    ],
    "gender": "other",
    "birthDate": "1931-04-05",
    "deceasedDateTime": "2011-06-07T08:09:10Z",
    "address": [ADDRESS],
    "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": f"x-{NAMED[:8]}"}]}}],
    "generalPractitioner": [{"reference": f"Practitioner/{NAMED}"}],
    "managingOrganization": {"reference": f"Organization/{NAMED}"},
    "link": [{"other": {"reference": f"Patient/{NAMED}"}, "type": "seealso"}],
}
ORGANIZATION: Final[Json] = {
    "resourceType": "Organization",
    **SHARED,
    "active": False,
    "identifier": [{"system": "urn:ids", "value": NAMED}],
    "name": f"{NAMED} Klinikum",
    "type": [{"coding": [{"system": "urn:types", "code": NAMED}]}],
    "contact": [{"address": ADDRESS}],
    "partOf": {"reference": f"Organization/{NAMED}"},
    "endpoint": [{"reference": f"Endpoint/{NAMED}"}],
}
ADDRESSES: Final = {
    "address": (f"{NAMED}g", f"{NAMED}weg"),
    "address-city": (f"{NAMED}stadt", f"{NAMED}dorf"),
    "address-country": (f"{NAMED}reich", f"{NAMED}arm"),
    "address-postalcode": (f"{NAMED}99", f"{NAMED}98"),
    "address-state": (f"{NAMED}land", f"{NAMED}see"),
    "address-use": ("work", "home"),
}
COMMON: Final = {
    "_id": ("{id}", "{id}x"),
    "_lastUpdated": ("ge2020", "lt2020"),
    "_language": ("de-AT", "de-DE"),
    "_profile": (f"https://example.org/StructureDefinition/{NAMED}", f"https://example.org/{NAMED}"),
    "_security": (f"urn:labels|{NAMED}", f"urn:tags|{NAMED}"),
    "_source": (f"https://feed.example/{NAMED}", f"https://feed.example/{NAMED}x"),
    "_tag": (f"urn:tags|{NAMED}", f"urn:labels|{NAMED}"),
    "active": ("false", "true"),
    "identifier": (f"urn:ids|{NAMED}", f"urn:other|{NAMED}"),
    **ADDRESSES,
}
VALUES: Final = {
    "Patient": {
        **COMMON,
        "birthdate": ("1931-04", "1931-05"),
        "death-date": ("2011-06-07", "gt2011-06-07"),
        "deceased": ("true", "false"),
        "email": (f"{NAMED}@mail.example", f"+49-{NAMED}"),
        "family": (NAMED, f"{NAMED}a"),
        "gender": ("other", "unknown"),
        "general-practitioner": (f"Practitioner/{NAMED}", f"Organization/{NAMED}"),
        "given": (f"{NAMED}a", f"{NAMED}sen"),
        "language": (f"urn:ietf:bcp:47|x-{NAMED[:8]}", "de-AT"),
        "link": (f"Patient/{NAMED}", f"Patient/{NAMED}x"),
        "name": (f"{NAMED}sen", f"{NAMED}son"),
        "organization": (f"Organization/{NAMED}", f"Organization/{NAMED}x"),
        "phone": (f"+49-{NAMED}", f"{NAMED}@mail.example"),
        "phonetic": (f"{NAMED}sen", "Xylophon"),
        "telecom": (f"phone|+49-{NAMED}", f"email|+49-{NAMED}"),
    },
    "Organization": {
        **COMMON,
        "endpoint": (f"Endpoint/{NAMED}", f"Endpoint/{NAMED}x"),
        "name": (NAMED, f"{NAMED}x"),
        "partof": (f"Organization/{NAMED}", f"Organization/{NAMED}x"),
        "phonetic": (f"{NAMED}", "Xylophon"),
        "type": (f"urn:types|{NAMED}", f"urn:type|{NAMED}"),
    },
}
CASES: Final = [(type, code) for type, values in VALUES.items() for code in values]


@pytest.fixture
async def known(client: AsyncClient) -> dict[str, str]:
    """The ids of the Patient and the Organization that every parameter must find."""
    made = {}
    for sent in (PATIENT, ORGANIZATION):
        type = sent["resourceType"]
        there = ids(await find(client, f"{type}?identifier=urn:ids|{NAMED}"))
        made[type] = there[0] if there else (await create(client, sent))["id"]
    return made


@pytest.mark.parametrize(("type", "code"), CASES)
async def test_a_search_parameter_finds_what_has_its_value_and_not_what_has_another(
    client: AsyncClient, known: dict[str, str], type: str, code: str
) -> None:
    right, wrong = (value.format(id=known[type]) for value in VALUES[type][code])
    alone = {"identifier": f"urn:ids|{NAMED}"}
    assert await answered(client, type, {**alone, code: right}) == [known[type]]
    assert known[type] not in await answered(client, type, {code: wrong, "_count": "1000"})
    if code not in ("_id", "_lastUpdated"):
        assert await answered(client, type, {**alone, f"{code}:missing": "false"}) == [known[type]]
        assert await answered(client, type, {**alone, f"{code}:missing": "true"}) == []


async def answered(client: AsyncClient, type: str, search: dict[str, str]) -> list[str]:
    response = await client.get(f"/{type}", params=search)
    assert response.status_code == 200, response.text
    return ids(response.json())


@pytest.mark.parametrize("type", VALUES)
async def test_every_search_parameter_that_is_declared_is_tried_here(client: AsyncClient, type: str) -> None:
    statement: Any = json.loads((await client.get("/metadata")).text)
    resource = next(r for r in statement["rest"][0]["resource"] if r["type"] == type)
    assert {p["name"] for p in resource["searchParam"]} == set(VALUES[type])
