"""Patient/$match and Organization/$match through HTTP, on both stores."""

import json
import unicodedata
from decimal import Decimal
from typing import Any, Final

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import (
    FHIR_JSON,
    Json,
    create,
    entries,
    ids,
    match,
    organization,
    outcome,
    parameters,
    patient,
    person,
    put,
    send,
    stored,
    surname,
)
from tests.integration.http.serving import BASE, Serve

GRADE: Final = "http://hl7.org/fhir/StructureDefinition/match-grade"
EXPLANATION: Final = "https://fhir-mpi.github.io/fhir/StructureDefinition/match-explanation"
ORDER: Final = ("certain", "probable", "possible")


def grade(found: Json) -> str:
    (only,) = [e["valueCode"] for e in found["search"]["extension"] if e["url"] == GRADE]
    return str(only)


async def matches(client: AsyncClient, resource: Json, **values: Any) -> Json:
    response = await match(client, resource, **values)
    assert response.status_code == 200, response.text
    found: Json = response.json()
    return found


@pytest.fixture
async def family(client: AsyncClient) -> str:
    """A family whose Ottilie is known in three records that differ more and more, beside her brother."""
    name = surname()
    brother = {"name": [{"family": name, "given": ["Kunibert"]}], "gender": "male", "birthDate": "1960-01-02"}
    for sent in (
        person(name),
        person(name, address=[], telecom=[]),
        person(name, gender="unknown", telecom=[], address=[]),
        person(name, **brother),
    ):
        await create(client, {k: v for k, v in sent.items() if v})
    return name


async def test_an_answer_has_the_shape_that_the_specification_gives_it(
    client: AsyncClient, family: str
) -> None:
    response = await match(client, person(family))
    found = response.json()
    assert response.headers["content-type"] == FHIR_JSON
    assert (found["resourceType"], found["type"]) == ("Bundle", "searchset")
    assert found["total"] == len(ids(found)) == len(found["entry"]) >= 2
    assert set(found) == {"resourceType", "type", "total", "entry"}
    for one in found["entry"]:
        assert set(one) == {"fullUrl", "resource", "search"}
        assert one["fullUrl"] == f"{BASE}/Patient/{one['resource']['id']}"
        assert one["resource"] == (await client.get(one["fullUrl"])).json()
        assert set(one["search"]) == {"mode", "extension", "score"}
        assert one["search"]["mode"] == "match"
        assert 0 <= one["search"]["score"] <= 1
        assert grade(one) in ORDER


async def test_every_score_explains_itself(client: AsyncClient, family: str) -> None:
    response = await match(client, person(family))
    for one in json.loads(response.text, parse_float=Decimal)["entry"]:
        (working,) = [e["extension"] for e in one["search"]["extension"] if e["url"] == EXPLANATION]
        (weight,) = [part["valueDecimal"] for part in working if part["url"] == "weight"]
        (probability,) = [part["valueDecimal"] for part in working if part["url"] == "probability"]
        compared = [part["extension"] for part in working if part["url"] == "comparison"]
        told = [{part["url"]: value(part) for part in parts} for parts in compared]
        assert all(set(row) == {"name", "level", "weight"} for row in told)
        assert len({row["name"] for row in told}) == len(told) > 3
        rounding = 0.0006 * len(told)
        assert float(sum(row["weight"] for row in told)) == pytest.approx(float(weight), abs=rounding)
        odds = 2 ** float(weight)
        assert float(probability) == pytest.approx(odds / (1 + odds), abs=0.002)
        assert all(part["valueCode"] for part in working if part["url"] == "guard")


def value(part: Json) -> Any:
    (key,) = set(part) - {"url"}
    return part[key]


async def test_matches_are_ordered_by_grade_and_then_by_score(client: AsyncClient, family: str) -> None:
    found = (await matches(client, person(family)))["entry"]
    ranks = [(ORDER.index(grade(one)), -one["search"]["score"]) for one in found]
    assert ranks == sorted(ranks)
    assert grade(found[0]) == "certain"
    scores = [one["search"]["score"] for one in found]
    assert scores == sorted(scores, reverse=True)


async def test_a_bare_patient_is_asked_about_like_one_in_parameters(client: AsyncClient, family: str) -> None:
    bare = await send(client, "POST", "/Patient/$match", person(family))
    assert bare.status_code == 200
    assert bare.json() == await matches(client, person(family))


async def test_the_keys_of_a_request_may_stand_in_any_order(client: AsyncClient, family: str) -> None:
    asked = parameters(person(family))
    asked["parameter"][0] = dict(reversed(asked["parameter"][0].items()))
    last = {k: v for k, v in person(family).items() if k != "resourceType"}
    asked["parameter"][0]["resource"] = {**last, "resourceType": "Patient"}
    body = {"parameter": asked["parameter"], "id": "mixed", "resourceType": "Parameters"}
    response = await send(client, "POST", "/Patient/$match", body)
    assert response.json() == await matches(client, person(family))


async def test_count_is_the_most_that_is_answered(client: AsyncClient, family: str) -> None:
    everybody = await matches(client, person(family))
    found = await matches(client, person(family), count=1)
    assert ids(found) == ids(everybody)[:1]
    assert found["total"] == 1
    assert ids(await matches(client, person(family), count=100_000)) == ids(everybody)


@pytest.mark.parametrize("count", [0, -1])
async def test_a_count_below_one_is_refused(client: AsyncClient, count: int) -> None:
    outcome(await match(client, person("Niemand"), count=count), 400, "value")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"name": "count", "valueInteger": "2"}, "structure"),
        ({"name": "count", "valueInteger": True}, "structure"),
        ({"name": "count", "valueString": "2"}, "invalid"),
        ({"name": "onlyCertainMatches", "valueBoolean": "true"}, "structure"),
        ({"name": "onlyCertainMatches", "valueBoolean": 1}, "structure"),
        ({"name": "onlySingleMatch", "valueBoolean": None}, "structure"),
        ({"name": "onlyCertainMatches"}, "invalid"),
        ({"name": "shoeSize", "valueInteger": 46}, "invalid"),
        ({"name": "resource", "resource": person("Zweiter")}, "invalid"),
        ({"valueInteger": 2}, "structure"),
        ({"name": 1, "valueInteger": 2}, "structure"),
        ({"name": "count", "valueInteger": 2, "valueBoolean": True}, "structure"),
        ("count", "structure"),
    ],
)
async def test_a_parameter_that_is_not_as_defined_is_refused(
    client: AsyncClient, given: Any, code: str
) -> None:
    asked = parameters(person("Niemand"))
    body = {**asked, "parameter": [*asked["parameter"], given]}
    refused = outcome(await send(client, "POST", "/Patient/$match", body), 400, code)
    assert refused["issue"][0]["expression"][0].startswith("Parameters.parameter[1]")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"resourceType": "Parameters"}, "required"),
        ({"resourceType": "Parameters", "parameter": []}, "required"),
        ({"resourceType": "Parameters", "parameter": {}}, "structure"),
        ({"resourceType": "Parameters", "parameters": []}, "structure"),
        ({"resourceType": "Parameters", "parameter": [{"name": "count", "valueInteger": 1}]}, "required"),
        (parameters(organization(name="x")), "invalid"),
        (organization(name="x"), "invalid"),
        ({"active": True}, "invalid"),
        ({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": []}]}, "structure"),
        ({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": {}}]}, "invalid"),
        ({"resourceType": "Parameters", "parameter": [{"name": "resource"}]}, "invalid"),
    ],
)
async def test_a_body_that_asks_about_nobody_is_refused(client: AsyncClient, body: Json, code: str) -> None:
    outcome(await send(client, "POST", "/Patient/$match", body), 400, code)


@pytest.mark.parametrize(
    "nothing",
    [
        {},
        {"active": True},
        {"gender": "female"},
        {"name": [{"use": "official"}]},
        {"name": [{"family": "."}]},
        {"identifier": [{"system": "urn:ids"}]},
    ],
)
async def test_s10_a_patient_with_nothing_to_match_by_is_refused(client: AsyncClient, nothing: Json) -> None:
    outcome(await match(client, patient(**nothing)), 400, "required")


async def test_s10b_a_count_beyond_the_maximum_is_capped_in_silence(serve: Serve) -> None:
    async with serve(match_count=1, match_count_max=2) as client:
        name = surname()
        for _ in range(4):
            await create(client, person(name))
        assert len(ids(await matches(client, person(name), count=100_000))) == 2
        cut = await matches(client, person(name))
        assert (cut["total"], len(ids(cut))) == (1, 1)
        last = cut["entry"][-1]
        assert last["search"] == {"mode": "outcome"}
        (issue,) = last["resource"]["issue"]
        assert (issue["severity"], issue["code"]) == ("warning", "incomplete")
        assert "3 more" in issue["diagnostics"]


async def test_no_match_is_an_empty_answer_and_no_error(client: AsyncClient) -> None:
    asked = person(
        surname(), birthDate="1888-08-08", telecom=[{"system": "phone", "value": "+1 907 555 8888"}]
    )
    asked["name"][0]["given"] = [surname()]
    asked["address"] = [{"city": surname(), "postalCode": "99999"}]
    assert await matches(client, asked) == {"resourceType": "Bundle", "type": "searchset", "total": 0}


async def test_only_certain_matches_leaves_the_others_out(client: AsyncClient, family: str) -> None:
    everybody = await matches(client, person(family))
    certain = [one["resource"]["id"] for one in everybody["entry"] if grade(one) == "certain"]
    found = await matches(client, person(family), onlyCertainMatches=True)
    assert {grade(one) for one in entries(found)} <= {"certain"}
    assert ids(found) == (certain if len(certain) == 1 else [])
    assert ids(await matches(client, person(family), onlyCertainMatches=False)) == ids(everybody)


async def test_only_certain_matches_finds_the_one_who_is_certain(client: AsyncClient) -> None:
    known = await create(client, person(surname()))
    asked = person(known["name"][0]["family"])
    for flag in ("onlyCertainMatches", "onlySingleMatch"):
        found = await matches(client, asked, **{flag: True})
        assert ids(found) == [known["id"]]


async def test_only_a_single_match_is_one_or_none(client: AsyncClient) -> None:
    name = surname()
    for _ in range(2):
        await create(client, person(name))
    assert len(ids(await matches(client, person(name)))) == 2
    assert ids(await matches(client, person(name), onlySingleMatch=True)) == []


async def test_a_deleted_record_is_not_found(client: AsyncClient) -> None:
    known = await create(client, person(surname()))
    asked = person(known["name"][0]["family"])
    assert ids(await matches(client, asked)) == [known["id"]]
    await client.delete(f"/Patient/{known['id']}")
    assert ids(await matches(client, asked)) == []
    await put(client, known)
    assert ids(await matches(client, asked)) == [known["id"]]


async def test_a_changed_record_is_found_under_its_new_data_and_not_its_old(client: AsyncClient) -> None:
    old, new = person(surname()), person(surname(), birthDate="1982-03-04", gender="male")
    new["name"][0]["given"] = ["Balthasar"]
    new["telecom"], new["address"] = [{"system": "phone", "value": "+49 89 5550 777"}], [{"city": "Tutzing"}]
    known = await create(client, old)
    await put(client, {**new, "id": known["id"]})
    assert ids(await matches(client, new)) == [known["id"]]
    assert ids(await matches(client, old)) == []


async def test_asking_stores_nothing(client: AsyncClient, family: str) -> None:
    before = await stored(client)
    await matches(client, person(family))
    assert await stored(client) == before


async def test_organizations_are_matched_by_name_address_and_identifier(client: AsyncClient) -> None:
    name = surname()
    known = organization(
        name=f"Klinikum {name}",
        identifier=[{"system": "urn:bsnr", "value": name}],
        contact=[{"address": {"line": ["Am Ring 4"], "city": "Bernau", "postalCode": "16321"}}],
    )
    made = await create(client, known)
    found = await matches(client, known)
    assert ids(found)[:1] == [made["id"]]
    assert grade(found["entry"][0]) == "certain"
    assert found["entry"][0]["fullUrl"] == f"{BASE}/Organization/{made['id']}"
    outcome(await match(client, organization(identifier=[{"system": "urn:bsnr"}])), 400, "required")
    wrong = await send(client, "POST", "/Organization/$match", parameters(person(name)))
    outcome(wrong, 400, "invalid")


async def test_the_media_type_that_was_asked_for_is_answered(client: AsyncClient, family: str) -> None:
    asked = parameters(person(family))
    response = await send(client, "POST", "/Patient/$match", asked, {"accept": "application/json"})
    assert response.headers["content-type"] == "application/json"
    response = await send(client, "POST", "/Patient/$match?_format=xml", asked)
    outcome(response, 406, "not-supported")


async def test_a_retired_record_is_answered_by_its_survivor_with_the_working_of_the_better(
    client: AsyncClient, family: str
) -> None:
    survivor = await create(client, person(surname()))
    old = surname()
    link = [{"type": "replaced-by", "other": {"reference": f"Patient/{survivor['id']}"}}]
    retired = await create(client, person(old) | {"active": False, "link": link})
    (only,) = [e for e in (await matches(client, person(old)))["entry"] if e["search"]["mode"] == "match"]
    assert (only["resource"]["id"], grade(only)) == (survivor["id"], "certain")
    (working,) = [e["extension"] for e in only["search"]["extension"] if e["url"] == EXPLANATION]
    (told,) = [part["valueReference"] for part in working if part["url"] == "retired"]
    assert told == {"reference": f"Patient/{retired['id']}"}


async def test_a_name_is_found_however_its_letters_are_composed_and_in_either_script(
    client: AsyncClient,
) -> None:
    at_home = {k: v for k, v in person(surname()).items() if k not in ("name", "resourceType")}
    name = [{"family": unicodedata.normalize("NFD", "Ångströmüller"), "given": ["Юлия\u200d"]}]
    kept = await create(client, patient(**at_home, name=name))
    assert kept["name"] == name
    asked = patient(**at_home, name=[{"family": "Aangstroemueller", "given": ["Yuliya"]}])
    (only,) = (await matches(client, asked))["entry"]
    assert (only["resource"]["id"], grade(only)) == (kept["id"], "certain")


async def test_a_flood_of_combining_marks_is_kept_and_matched(client: AsyncClient) -> None:
    at_home = {k: v for k, v in person(surname()).items() if k not in ("name", "resourceType")}
    flooded = patient(**at_home, name=[{"family": "A" + 5_000 * "\u0301\u0323", "given": ["Maren"]}])
    kept = await create(client, flooded)
    assert kept["name"] == flooded["name"]
    (only,) = (await matches(client, flooded))["entry"]
    assert only["resource"]["id"] == kept["id"]
