"""HAPI's composite example, brought to a server: candidates, verdicts, scores, and what stops the start."""

import json
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient

from fhir_mpi.app import build_intake, create_app
from fhir_mpi.definitions import DefinitionError, load_definitions
from fhir_mpi.matchers import hapi_rules
from fhir_mpi.settings import Settings
from tests.integration.http.exchanges import create, outcome, parameters, patient, send, surname
from tests.integration.http.serving import Serve
from tests.unit.linkage.hapi.test_engine import COMPOSITE, EID, MRN

OWN_EID = {"system": "urn:own-eid", "value": "7"}
Found = tuple[str, str, float]


def file(folder: Path, **changes: Any) -> Path:
    path = folder / "mdm-rules.json"
    path.write_text(json.dumps({**COMPOSITE, **changes}), encoding="utf-8")
    return path


def somebody(family: str, **changes: Any) -> dict[str, Any]:
    name = [{"family": family, "given": ["Peter", "James"]}]
    return patient(**{"name": name, "birthDate": "1970-01-02", "active": True, **changes})


async def matched(client: AsyncClient, sent: dict[str, Any], **values: Any) -> list[Found]:
    """Id, grade and score of each match."""
    response = await send(client, "POST", "/Patient/$match", parameters(sent, **values))
    assert response.status_code == 200, response.text
    entries = [e for e in response.json().get("entry", ()) if e["resource"]["resourceType"] == "Patient"]
    return [
        (e["resource"]["id"], e["search"]["extension"][0]["valueCode"], e["search"]["score"]) for e in entries
    ]


def explained(entry: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Name, level and value of each outcome."""
    found: list[tuple[Any, ...]] = []
    for part in entry["search"]["extension"][1]["extension"]:
        if part["url"] == "comparison":
            told = {p["url"]: p.get("valueString", p.get("valueDecimal")) for p in part["extension"]}
            found.append((told["name"], told["level"], told.get("value")))
    return found


async def test_the_composite_example_of_HAPI_matches_as_in_HAPI(serve: Serve, tmp_path: Path) -> None:
    async with serve(patient_engine="hapi-rules", hapi_rules=file(tmp_path)) as client:
        name = surname()
        same = await create(client, somebody(name))
        misspelt = await create(client, somebody(f"{name}x"))
        by_mrn = await create(client, patient(active=True, identifier=[MRN], birthDate="1999-09-09"))
        await create(client, somebody(f"x{name}", birthDate="1999-09-09"))
        found = await matched(client, somebody(name, identifier=[MRN]))
        assert [(id, grade) for id, grade, _ in found] == [
            (by_mrn["id"], "certain"),
            (same["id"], "possible"),
            (misspelt["id"], "possible"),
        ]
        scores = [score for _, _, score in found]
        assert scores[0] == pytest.approx(1 / 3, abs=1e-6)
        assert scores[1] == pytest.approx(2 / 3, abs=1e-6)
        assert 0.6 < scores[2] < 2 / 3


async def test_every_match_field_is_explained(serve: Serve, tmp_path: Path) -> None:
    async with serve(patient_engine="hapi-rules", hapi_rules=file(tmp_path)) as client:
        name = surname()
        await create(client, somebody(name, identifier=[{**MRN, "value": "8"}]))
        response = await send(client, "POST", "/Patient/$match", parameters(somebody(name)))
        assert explained(response.json()["entry"][0]) == [
            ("rule", "birthday,lastname-jaro", None),
            ("birthday", "matched", 1.0),
            ("lastname-jaro", "matched", 1.0),
            ("mrn", "not-matched", 0.0),
        ]


async def test_candidates_are_what_the_rules_file_searches_for(serve: Serve, tmp_path: Path) -> None:
    async with serve(patient_engine="hapi-rules", hapi_rules=file(tmp_path)) as client:
        name = surname()
        found = await create(client, somebody(name))
        await create(client, somebody(name, active=False))  # the filter wants active=true
        given = [{"family": name, "given": ["Otto"]}]
        await create(client, somebody(name, name=given))  # no given name in common
        assert [id for id, *_ in await matched(client, somebody(name))] == [found["id"]]
        assert await matched(client, {**somebody(name), "id": found["id"]}) == []
        refused = await send(client, "POST", "/Patient/$match", parameters(patient(birthDate="1970-01-02")))
        outcome(refused, 400, "required", "Patient")
        assert "given and family; identifier" in refused.text


async def test_candidates_may_come_by_blocking_keys_instead(serve: Serve, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"patient_engine": "hapi-rules", "hapi_candidates": "blocking"}
    async with serve(hapi_rules=file(tmp_path), **settings) as client:
        name = surname()
        await create(client, somebody(name, active=False))
        assert len(await matched(client, somebody(name))) == 1


async def test_an_EID_in_common_is_a_match_and_leaves_out_the_others(serve: Serve, tmp_path: Path) -> None:
    async with serve(patient_engine="hapi-rules", hapi_rules=file(tmp_path)) as client:
        name = surname()
        await create(client, somebody(name))
        known = await create(client, patient(identifier=[EID], birthDate="1999"))
        assert await matched(client, somebody(name, identifier=[EID])) == [(known["id"], "certain", 1.0)]
        other = {**EID, "value": "E2"}
        assert len(await matched(client, somebody(name, identifier=[other]))) == 1


async def test_more_candidates_than_the_limit_are_cut_and_said_so(serve: Serve, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"patient_engine": "hapi-rules", "hapi_candidate_limit": 2}
    async with serve(hapi_rules=file(tmp_path), **settings) as client:
        name = surname()
        for _ in range(3):
            await create(client, somebody(name))
        answer = (await send(client, "POST", "/Patient/$match", parameters(somebody(name)))).json()
        assert len(answer["entry"]) == 3
        told = answer["entry"][-1]["resource"]["issue"][0]
        assert (told["severity"], told["code"]) == ("warning", "incomplete")
        assert "more than 2 records" in told["diagnostics"]


async def test_without_searches_everybody_is_a_candidate(serve: Serve, tmp_path: Path) -> None:
    rules = file(tmp_path, candidateSearchParams=[])
    async with serve(patient_engine="hapi-rules", hapi_rules=rules) as client:
        await create(client, patient(birthDate="1970-01-02", active=True, name=[{"family": "Sand"}]))
        found = await matched(client, patient(birthDate="1970-01-02", name=[{"family": "Sandt"}]))
        assert [grade for _, grade, _ in found] == ["possible"]


async def test_it_is_an_alternative_to_another_engine(serve: Serve, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    strict = file(other, matchResultMap={"birthday,lastname-jaro": "MATCH"})
    named = f"hapi=hapi-rules, strict=hapi-rules:{strict}"
    async with serve(hapi_rules=file(tmp_path), patient_alternatives=named) as client:
        name = surname()
        await create(client, somebody(name))
        assert [g for _, g, _ in await matched(client, somebody(name), engine="hapi")] == ["possible"]
        assert [g for _, g, _ in await matched(client, somebody(name), engine="strict")] == ["certain"]


async def test_an_index_without_what_the_rules_read_is_stale(
    serve: Serve, store_url: str, tmp_path: Path
) -> None:
    async with serve(store=store_url) as client:
        await create(client, somebody(surname()))
    with pytest.raises(Exception, match="another linkage model"):
        async with serve(store=store_url, patient_engine="hapi-rules", hapi_rules=file(tmp_path)):
            pass


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": ""}, "mdm-rules.json: version may not be blank"),
        (
            {"candidateSearchParams": [{"resourceType": "Patient", "searchParams": ["foo"]}]},
            "HAPI-1511: Error in candidateSearchParams: Patient does not have a search parameter called",
        ),
    ],
)
def test_an_unusable_rules_file_stops_the_start(tmp_path: Path, changes: Any, message: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        create_app(Settings(hapi_rules=file(tmp_path, **changes)))
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (None, "HAPI-1521: Failed to load MDM Rules."),
        (
            {"candidateSearchParams": [{"resourceType": "Patient", "searchParams": ["given:foo"]}]},
            "Error in candidateSearchParams: 'given' of Patient has no modifier 'foo' here",
        ),
        (
            {"candidateSearchParams": [{"resourceType": "Patient", "searchParams": ["_id"]}]},
            "Error in candidateSearchParams: values of '_id' can't be taken from a Patient",
        ),
        (
            {
                "candidateFilterSearchParams": [
                    {"resourceType": "Patient", "searchParam": "birthdate", "fixedValue": "x"}
                ]
            },
            "Error in candidateFilterSearchParams: the value of search parameter",
        ),
        ({"mdmTypes": ["Organization"], "eidSystems": {}}, "mdmTypes are Organization: not Patient"),
    ],
)
async def test_what_this_server_cannot_search_by_stops_the_start(
    serve: Serve, tmp_path: Path, changes: Any, message: str
) -> None:
    rules = None if changes is None else file(tmp_path, **changes)
    with pytest.raises(DefinitionError) as refused:
        async with serve(patient_engine="hapi-rules", hapi_rules=rules):
            pass
    assert message in str(refused.value)


def test_the_EID_systems_are_known_whichever_engine_serves(tmp_path: Path) -> None:
    definitions = load_definitions()
    settings = Settings(hapi_rules=file(tmp_path))
    rules = hapi_rules(definitions, settings)
    assert rules is not None
    assert rules.eid_systems_of("Patient") == ("http://company/patient-eid",)
    model = build_intake(definitions, settings).models["Patient"]
    assert (model.mdm_rules, model.columns) == (rules, ())


@pytest.mark.parametrize("eid", [EID, OWN_EID], ids=["of HAPI's file", "of the MDM rules"])
async def test_the_EID_systems_decide_whom_records_are_linked_to(
    serve: Serve, tmp_path: Path, eid: dict[str, str]
) -> None:
    own = tmp_path / "mdm.json"
    own.write_text(json.dumps({"eidSystems": {"Patient": OWN_EID["system"]}}), encoding="utf-8")
    async with serve(mdm="match-and-link", hapi_rules=file(tmp_path), mdm_rules=str(own)) as client:
        one = await create(client, somebody(surname(), identifier=[eid]))
        other = await create(client, patient(birthDate="1999-09-09", identifier=[eid]))
        response = await client.get(f"/Patient/{other['id']}/$lookup-eid")
        assert response.status_code == 200, response.text
        found = response.json()["parameter"]
        assert [p["valueIdentifier"] for p in found if p["name"] == "eid"] == [eid]
        sources = [p["valueString"] for p in found if p["name"] == "sourceResourceId"]
        assert sorted(sources) == sorted(f"Patient/{each['id']}" for each in (one, other))
