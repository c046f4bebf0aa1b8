"""What Inferno's kits ask of an index, row by row (identity matching, US Core, IPA), with invented people.

The row numbers are those of the conformance reference. Where the kit's own files lie beside the
repository, they are tried too.
"""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from httpx import AsyncClient, Response

from tests.integration.http.exchanges import (
    Json,
    find,
    ids,
    outcome,
    parameters,
    patient,
    person,
    put,
    send,
    surname,
)
from tests.integration.http.serving import Serve

SLOPPY: Final = {"accept": "application/fhir+json;application/json;text/json"}
KIT: Final = Path(__file__).parents[3] / "shared" / "data" / "idi"
V2_0203: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
PROFILES: Final = "http://hl7.org/fhir/us/identity-matching/StructureDefinition/"


def typed(code: str, value: str, system: str = V2_0203) -> Json:
    """An identifier with a type and no system, as the kit sends them."""
    return {"type": {"coding": [{"system": system, "code": code}]}, "value": value}


def somebody(family: str, **more: Any) -> Json:
    """A Patient as the kit has them; nobody of another family shares anything with them."""
    known = person(family, gender="male", identifier=[typed("DL", f"D{family}"), typed("MR", f"M{family}")])
    known["telecom"].append({"system": "email", "value": f"{family}@mail.example"})
    return {**known, **more}


def backwards(value: Any) -> Any:
    """The same JSON with every object's keys the other way round: `resourceType` last."""
    if isinstance(value, list):
        return [backwards(item) for item in value]
    if isinstance(value, dict):
        return {key: backwards(value[key]) for key in reversed(value)}
    return value


async def ask(client: AsyncClient, resource: Json, **values: Any) -> Response:
    return await send(client, "POST", "/Patient/$match", backwards(parameters(resource, **values)))


async def test_1_01_a_patient_with_identifiers_of_no_system_is_created(client: AsyncClient) -> None:
    sent = somebody(
        surname(),
        identifier=[typed(code, f"{code}-1") for code in ("PPN", "MR", "DL", "STID")],
        text={"status": "additional", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
    )
    response = await send(client, "POST", "/Patient", backwards(sent), SLOPPY)
    assert response.status_code == 201, response.text


async def test_1_02_a_patient_comes_with_its_own_id_meta_and_links_to_nobody_yet(client: AsyncClient) -> None:
    sent = somebody(
        surname(),
        id="1244780",
        meta={"versionId": "3", "lastUpdated": "2020-01-01T00:00:00Z", "source": "#x"},
        link=[{"other": {"reference": "Patient/1433204"}, "type": "replaces"}],
    )
    assert (await put(client, sent)).status_code in (200, 201)
    found = await client.get("/Patient/1244780", headers=SLOPPY)
    assert (found.status_code, found.json()["link"]) == (200, sent["link"])


async def test_1_03_and_6_10_patients_are_listed_with_a_total(serve: Serve) -> None:
    async with serve() as client:
        await send(client, "POST", "/Patient", somebody(surname()))
        response = await client.get("/Patient", headers=SLOPPY)
        found = response.json()
        assert (response.status_code, found["resourceType"], found["total"]) == (200, "Bundle", 1)
        for entry in found["entry"]:
            assert any(name.get("use", "official") == "official" for name in entry["resource"]["name"])


async def test_2_01_and_2_02_the_statement_names_the_operation(client: AsyncClient) -> None:
    response = await client.get("/metadata")
    assert (response.status_code, response.json()["resourceType"]) == (200, "CapabilityStatement")
    (own,) = [r for r in response.json()["rest"][0]["resource"] if r["type"] == "Patient"]
    named = {operation["definition"] for operation in own["operation"]}
    assert "http://hl7.org/fhir/OperationDefinition/Patient-match" in named


async def test_4_03_a_flag_that_is_a_text_is_refused_and_nothing_breaks(client: AsyncClient) -> None:
    body = parameters(somebody(surname()))
    body["parameter"].append({"name": "onlyCertainMatches", "valueBoolean": "true"})
    outcome(await send(client, "POST", "/Patient/$match", body), 400, "structure")


async def test_4_04_an_asserted_profile_is_no_hindrance(client: AsyncClient) -> None:
    asked = somebody(surname(), meta={"profile": [f"{PROFILES}IDI-Patient"]})
    response = await ask(client, asked, onlyCertainMatches=True)
    assert (response.status_code, response.json()["resourceType"]) == (200, "Bundle")


async def test_4_11_at_most_as_many_as_counted_are_answered(client: AsyncClient) -> None:
    family = surname()
    for _ in range(3):
        await send(client, "POST", "/Patient", somebody(family))
    response = await ask(client, somebody(family), onlyCertainMatches=False, count=2)
    assert response.json()["total"] == 2 == len(ids(response.json()))


async def test_4_68_to_4_76_the_records_of_one_person_are_found_scored_and_in_order(
    client: AsyncClient,
) -> None:
    family = surname()
    for sent in (
        somebody(family),
        somebody(family, identifier=[typed("MR", f"M{family}")], gender="unknown"),
        somebody(family, telecom=[], identifier=[]),
    ):
        made = await send(client, "POST", "/Patient", {k: v for k, v in sent.items() if v})
        assert made.status_code == 201
    asked = somebody(family, meta={"profile": [f"{PROFILES}IDI-Patient-L0"]})
    found = (await ask(client, asked, onlyCertainMatches=False)).json()
    assert found["total"] == 3
    assert found["entry"][0]["resource"]["resourceType"] == "Patient"
    scores = [entry["search"]["score"] for entry in found["entry"]]
    assert all(0.5 <= score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)


async def test_4_69_identifiers_of_no_system_match_by_type_and_value(client: AsyncClient) -> None:
    family = surname()
    one = (await send(client, "POST", "/Patient", somebody(family))).json()
    licence = typed("DL", f"D{family}", "urn:oid:2.16.840.1.113883.4.3.51")
    asked = patient(identifier=[licence], name=one["name"], birthDate=one["birthDate"])
    assert ids((await ask(client, asked)).json()) == [one["id"]]


@pytest.mark.parametrize(
    ("search", "finds"),
    [
        ("_id={id}", True),
        ("identifier={mr}", True),
        ("identifier=urn:mrn%7C{mr}", True),
        ("identifier=urn:other%7C{mr}", False),
        ("name={family}", True),
        ("birthdate=1956-12-01&name={family}", True),
        ("gender=male&name={family}", True),
        ("gender=female&name={family}", False),
        ("family={family}&gender=male", True),
        ("birthdate=ge1956-11-30&family={family}", True),
        ("birthdate=gt1956-12-01&family={family}", False),
        ("given=wladimir&family={family}", True),
        ("name={family}\\,x", False),
        ("death-date=2020&family={family}", False),
    ],
)
async def test_6_searches_of_the_patient_group_find_by_get_and_by_post(
    client: AsyncClient, search: str, finds: bool
) -> None:
    family = surname()
    number = {"system": "urn:mrn", "value": f"M{family}"}
    sent = somebody(family, identifier=[number], birthDate="1956-12-01")
    sent["name"][0]["given"] = ["Wladimir"]
    one = (await send(client, "POST", "/Patient", sent)).json()
    asked = search.format(id=one["id"], mr=f"M{family}", family=family)
    found = await find(client, f"Patient?{asked}")
    assert ids(found) == ([one["id"]] if finds else [])
    form = {"content-type": "application/x-www-form-urlencoded"}
    posted = await client.post("/Patient/_search", content=asked.encode(), headers=form)
    assert posted.json()["total"] == found["total"]


@pytest.fixture
def kit() -> Path:
    if not KIT.is_dir():
        pytest.skip("THE KIT'S OWN PATIENTS AND QUERIES ARE NOT BESIDE THE REPOSITORY: they were not tried")
    return KIT


async def test_the_kits_own_people_are_found_by_its_own_queries_once_those_are_repaired(
    serve: Serve, kit: Path
) -> None:
    async with serve() as client:
        for file in sorted((kit / "patients").glob("*.json")):
            assert (await put(client, json.loads(file.read_text()))).status_code == 201
        queries = sorted((kit / "queries").glob("*.json"))
        assert len(queries) == 12
        refused = set()
        for file in queries:
            given = json.loads(file.read_text())
            outcome(await send(client, "POST", "/Patient/$match", backwards(given)), 400, "structure")
            response = await send(client, "POST", "/Patient/$match", repaired(given))
            if response.status_code == 400:
                outcome(response, 400, "required")
                refused.add(file.stem)
                continue
            assert response.json()["total"] == len(ids(response.json()))
            assert all(0 <= entry["search"]["score"] <= 1 for entry in response.json().get("entry", []))
        assert refused == {"base_profile_last_name"}  # a family name alone is too little to go by


def repaired(query: Json) -> Json:
    """The query with flags and counts that are what they are meant to be."""
    found: Json = json.loads(json.dumps(query))
    found.pop("id", None)
    for given in found["parameter"]:
        if isinstance(given.get("valueBoolean"), str):
            given["valueBoolean"] = given["valueBoolean"] == "true"
        if isinstance(given.get("valueInteger"), str):
            given["valueInteger"] = int(given["valueInteger"])
    return found
