"""What stands in the JSON folders is what the server does: new types by JSON alone, faults named."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

import pytest
from httpx import AsyncClient

from fhir_mpi.app import create_app
from fhir_mpi.definitions import CHECKOUT, DefinitionError
from fhir_mpi.settings import Settings
from tests.integration.http.exchanges import create, find, ids, outcome, patient, send
from tests.integration.http.serving import Serve

FOLDERS: Final = ("profiles", "capability", "search_params")


@pytest.fixture
def definitions(tmp_path: Path) -> Path:
    """A copy of the definitions of this checkout, to be changed."""
    for folder in FOLDERS:
        shutil.copytree(CHECKOUT / folder, tmp_path / folder)
    return tmp_path


def rewrite(file: Path, change: Any) -> None:
    found = json.loads(file.read_text(encoding="utf-8"))
    change(found)
    file.write_text(json.dumps(found), encoding="utf-8")


def search_parameter(type: str, code: str, kind: str, expression: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "SearchParameter",
        "id": f"{type}-{code}",
        "url": f"https://example.org/SearchParameter/{type}-{code}",
        "name": code,
        "status": "active",
        "description": f"{code} of {type}",
        "code": code,
        "base": [type],
        "type": kind,
        "expression": expression,
        **more,
    }


def serve_type(definitions: Path, type: str, *interactions: str) -> None:
    entry = {"type": type, "interaction": [{"code": code} for code in interactions]}
    statement = definitions / "capability" / "statement.json"
    rewrite(statement, lambda found: found["rest"][0]["resource"].append(entry))


def component(code: str, expression: str) -> dict[str, str]:
    return {"definition": f"https://example.org/SearchParameter/Patient-{code}", "expression": expression}


def numbered(kind: str, *, since: str) -> dict[str, Any]:
    """A Patient's identifier of a kind, valid from a day on."""
    return {"type": {"coding": [{"code": kind}]}, "value": "7", "period": {"start": since}}


async def test_a_site_searches_by_what_holds_of_one_and_the_same_element(
    serve: Serve, definitions: Path
) -> None:
    parameters = (
        search_parameter("Patient", "kind", "token", "Patient.identifier.type"),
        search_parameter("Patient", "valid", "date", "Patient.identifier.period"),
        search_parameter(
            "Patient",
            "kind-valid",
            "composite",
            "Patient.identifier",
            component=[component("kind", "type"), component("valid", "period")],
        ),
    )
    for parameter in parameters:
        file = definitions / "search_params" / f"{parameter['id']}.json"
        file.write_text(json.dumps(parameter), encoding="utf-8")
    async with serve(definitions=definitions) as client:
        known = await create(
            client,
            patient(identifier=[numbered("MR", since="2001-01-01"), numbered("DL", since="2020-01-01")]),
        )
        await create(client, patient(active=True))
        assert ids(await find(client, "Patient?kind-valid=MR$lt2010")) == [known["id"]]
        assert ids(await find(client, "Patient?kind-valid=DL$sa2019")) == [known["id"]]
        assert ids(await find(client, "Patient?kind-valid=DL$lt2010")) == []
        assert ids(await find(client, "Patient?kind-valid:missing=false")) == [known["id"]]
        outcome(await client.get("/Patient?kind-valid=MR"), 400, "value", "http.kind-valid")
        outcome(await client.get("/Patient?_sort=kind-valid"), 400, "not-supported")
        statement = (await client.get("/metadata")).json()["rest"][0]["resource"][0]
        assert {"kind-valid": "composite"}.items() <= {
            p["name"]: p["type"] for p in statement["searchParam"]
        }.items()


ENCOUNTER: Final = {
    "resourceType": "Encounter",
    "status": "completed",
    "class": [{"coding": [{"system": "urn:class", "code": "IMP"}]}],
    "subject": {"reference": "Patient/somebody"},
    "actualPeriod": {"start": "2024-03-01", "end": "2024-03-05"},
}
OBSERVATION: Final = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
    "subject": {"reference": "Patient/somebody"},
    "valueQuantity": {"value": 71.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
}


async def test_a_resource_type_is_added_by_json_alone(serve: Serve, definitions: Path) -> None:
    serve_type(definitions, "Encounter", "create", "read", "search-type")
    serve_type(definitions, "Observation", "create", "read", "update", "delete", "search-type")
    for parameter in (
        search_parameter("Encounter", "status", "token", "Encounter.status"),
        search_parameter("Encounter", "date", "date", "Encounter.actualPeriod"),
        search_parameter("Encounter", "class", "token", "Encounter.class"),
        search_parameter("Observation", "code", "token", "Observation.code"),
        search_parameter("Observation", "value-quantity", "quantity", "Observation.value.ofType(Quantity)"),
        search_parameter("Observation", "of", "reference", "Observation.subject", target=["Patient"]),
    ):
        (definitions / "search_params" / f"{parameter['id']}.json").write_text(json.dumps(parameter))
    async with serve(definitions=definitions) as client:
        stay, weight = await create(client, ENCOUNTER), await create(client, OBSERVATION)
        assert (await client.get(f"/Encounter/{stay['id']}")).json() == stay
        for search, found in (
            ("Encounter?status=completed&class=urn:class|IMP", [stay["id"]]),
            ("Encounter?date=2024-03", [stay["id"]]),
            ("Encounter?status=planned", []),
            ("Encounter?_id=" + stay["id"], [stay["id"]]),
            ("Observation?code=29463-7&of=Patient/somebody", [weight["id"]]),
            ("Observation?value-quantity=gt70|http://unitsofmeasure.org|kg", [weight["id"]]),
            ("Observation?value-quantity=gt72|http://unitsofmeasure.org|kg", []),
        ):
            assert ids(await find(client, search)) == found, search
        wrong = await send(client, "POST", "/Encounter", {**ENCOUNTER, "status": "done"})
        outcome(wrong, 400, "code-invalid", "Encounter.status")
        outcome(await client.delete(f"/Encounter/{stay['id']}"), 405, "not-supported")
        outcome(await send(client, "POST", "/Encounter/$match", ENCOUNTER), 404, "not-supported")
        statement = (await client.get("/metadata")).json()
        types = {r["type"]: r for r in statement["rest"][0]["resource"]}
        assert {"status", "date", "class", "_id"} <= {p["name"] for p in types["Encounter"]["searchParam"]}
        assert "match" not in {operation["name"] for operation in types["Encounter"]["operation"]}


async def test_an_interaction_that_is_not_declared_is_not_offered(serve: Serve, definitions: Path) -> None:
    def only_reading(found: Any) -> None:
        for entry in found["rest"][0]["resource"]:
            entry["interaction"] = [i for i in entry["interaction"] if i["code"] == "read"]

    rewrite(definitions / "capability" / "statement.json", only_reading)
    async with serve(definitions=definitions) as client:
        for method, path, body in (
            ("POST", "/Patient", patient(active=True)),
            ("PUT", "/Patient/1", patient(id="1", active=True)),
            ("DELETE", "/Patient/1", None),
            ("GET", "/Patient", None),
            ("GET", "/Patient/1/_history", None),
            ("GET", "/Patient/1/_history/1", None),
        ):
            outcome(await send(client, method, path, body), 405, "not-supported")
        patch = await client.patch(
            "/Patient/1", content=b"[]", headers={"content-type": "application/json-patch+json"}
        )
        outcome(patch, 405, "not-supported")
        outcome(await client.get("/Patient/1"), 404, "not-found")
        put = {"request": {"method": "PUT", "url": "Patient/1"}, "resource": patient(id="1", active=True)}
        transaction = {"resourceType": "Bundle", "type": "transaction", "entry": [put]}
        outcome(await send(client, "POST", "/", transaction), 405, "not-supported", "Bundle.entry[0]")


def without(folder: str) -> Any:
    return lambda root: shutil.rmtree(root / folder)


def written(path: str, content: Any) -> Any:
    text = content if isinstance(content, str) else json.dumps(content)
    return lambda root: (root / path).write_text(text, encoding="utf-8")


def copied(path: str, to: str, **changes: Any) -> Any:
    def change(root: Path) -> None:
        found = json.loads((root / path).read_text(encoding="utf-8"))
        (root / to).write_text(json.dumps({**found, **changes}), encoding="utf-8")

    return change


MATCH: Final = "capability/operations/Patient-match.json"
ACTIVE: Final = "search_params/Organization-active.json"
FAULTS: Final = {
    "no-profiles": (without("profiles"), "no StructureDefinition JSON in .*profiles"),
    "no-search-parameters": (without("search_params"), "no SearchParameter JSON in .*search_params"),
    "no-operations": (without("capability/operations"), "no OperationDefinition JSON"),
    "no-statement": (lambda root: (root / "capability/statement.json").unlink(), r"statement\.json"),
    "no-json": (written(ACTIVE, "{"), r"Organization-active\.json"),
    "no-object": (written(ACTIVE, []), r"Organization-active\.json: not a SearchParameter"),
    "wrong-kind": (written(ACTIVE, patient()), r"Organization-active\.json: not a SearchParameter"),
    "no-id": (written(ACTIVE, {"resourceType": "SearchParameter"}), r"active\.json: no id and no url"),
    "same-url": (copied(ACTIVE, "search_params/b.json", id="b"), r"url http\S+Organization-active stands in"),
    "same-id": (copied(ACTIVE, "search_params/b.json", url="urn:b"), r"b\.json: id Organization-active"),
    "operation-without-function": (
        copied(MATCH, "capability/operations/guess.json", id="Patient-guess", url="urn:guess"),
        "operation without a function: Patient-guess",
    ),
    "function-without-operation": (
        lambda root: (root / MATCH).unlink(),
        "operation without a definition: Patient-match",
    ),
    "no-fhirpath": (
        written(ACTIVE, search_parameter("Organization", "active", "token", "Organization.active.encode()")),
        "Organization-active",
    ),
    "unknown-base": (
        written(ACTIVE, search_parameter("Organisation", "active", "token", "Organisation.active")),
        "Organisation",
    ),
    "same-code": (
        written(
            "search_params/b.json", search_parameter("Patient", "family", "string", "Patient.name.family")
        ),
        "Patient-family.*Patient has family|Patient has family",
    ),
}


@pytest.mark.parametrize(("fault", "named"), [pytest.param(*f, id=name) for name, f in FAULTS.items()])
def test_a_definition_that_cannot_be_used_stops_the_start_and_is_named(
    definitions: Path, fault: Any, named: str
) -> None:
    fault(definitions)
    with pytest.raises(DefinitionError, match=named):
        create_app(Settings(store="sqlite:///never-opened", definitions=definitions))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda rest: rest["resource"].append(rest["resource"][0]), "Patient is listed twice"),
        (lambda rest: rest["resource"][0]["interaction"].append({"code": "guess"}), "Patient can't .*guess"),
        (lambda rest: rest["resource"].append({"type": "Pet", "interaction": [{"code": "read"}]}), "Pet"),
    ],
)
def test_a_statement_that_promises_what_cannot_be_stops_the_start(
    definitions: Path, change: Any, named: str
) -> None:
    rewrite(definitions / "capability" / "statement.json", lambda found: change(found["rest"][0]))
    with pytest.raises(DefinitionError, match=named):
        create_app(Settings(store="sqlite:///never-opened", definitions=definitions))


@pytest.mark.parametrize(
    ("content", "named"),
    [("{", "model.json"), ("{}", "model.json"), (None, "model.json"), ("organization", "not for Patient")],
)
def test_a_configured_model_that_cannot_be_used_stops_the_start(
    tmp_path: Path, content: str | None, named: str
) -> None:
    file = tmp_path / "model.json"
    if content == "organization":
        shutil.copy(CHECKOUT / "fhir_mpi" / "models" / "organization.json", file)
    elif content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(DefinitionError, match=named):
        create_app(Settings(store="sqlite:///never-opened", patient_model=file))


async def test_a_configured_model_is_the_one_that_matches(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    shutil.copy(CHECKOUT / "fhir_mpi" / "models" / "patient.json", file)
    async with serve(patient_model=file) as client:
        assert (await client.get("/metadata")).status_code == 200


async def test_a_type_that_is_no_longer_served_is_not_matched_either(serve: Serve, definitions: Path) -> None:
    def drop(found: Any) -> None:
        rest = found["rest"][0]
        rest["resource"] = [entry for entry in rest["resource"] if entry["type"] != "Organization"]

    rewrite(definitions / "capability" / "statement.json", drop)
    async with serve(definitions=definitions) as client:
        body = {"resourceType": "Organization", "name": "x"}
        outcome(await send(client, "POST", "/Organization/$match", body), 404, "not-supported")
        outcome(await send(client, "POST", "/Organization", body), 404, "not-found")


async def test_a_type_with_a_long_history_of_one_definition_is_not_served_by_another(
    serve: Serve, definitions: Path, store_url: str
) -> None:
    from fhir_mpi.interactions.freshness import StaleIndex

    async with serve(store=store_url) as client:
        await create(client, patient(active=True))
    (definitions / "search_params" / "Patient-active.json").unlink()
    with pytest.raises(StaleIndex, match=r"Patient: .*reindex"):
        async with serve(store=store_url, definitions=definitions):
            raise AssertionError("the server started")
    async with serve(store=store_url) as client:
        assert isinstance(client, AsyncClient)


async def test_what_is_conditional_is_offered_where_the_statement_says_so(
    serve: Serve, definitions: Path
) -> None:
    def nothing_conditional(found: Any) -> None:
        for entry in found["rest"][0]["resource"]:
            entry.update(conditionalCreate=False, conditionalUpdate=False, conditionalDelete="not-supported")

    rewrite(definitions / "capability" / "statement.json", nothing_conditional)
    serve_type(definitions, "Encounter", "create", "update", "delete", "search-type")
    async with serve(definitions=definitions) as client:
        known = await create(client, patient(active=True))
        for type, sent in (("Patient", known), ("Encounter", ENCOUNTER)):
            by = f"/{type}?_id={known['id']}"
            outcome(await send(client, "PUT", by, sent), 405, "not-supported")
            outcome(await send(client, "DELETE", by), 405, "not-supported")
            outcome(await send(client, "POST", by, sent), 400, "not-supported")
            header = {"if-none-exist": "_id=1"}
            outcome(await send(client, "POST", f"/{type}", sent, header), 400, "not-supported")
        assert (await client.get(f"/Patient/{known['id']}")).json() == known


async def test_a_type_without_a_history_has_none_in_that_of_the_server_either(
    serve: Serve, definitions: Path
) -> None:
    def without_history(statement: Any) -> None:
        for entry in statement["rest"][0]["resource"]:
            if entry["type"] == "Organization":
                entry["interaction"] = [{"code": "create"}, {"code": "read"}]

    rewrite(definitions / "capability" / "statement.json", without_history)
    async with serve(definitions=definitions) as client:
        await create(client, {"resourceType": "Organization", "name": "x"})
        made = await create(client, patient(active=True))
        outcome(await client.get("/Organization/_history"), 405, "not-supported")
        found = (await client.get("/_history")).json()["entry"]
        assert [entry["resource"]["id"] for entry in found] == [made["id"]]
        searched = (await client.get("/?_tag:missing=true")).json()
        assert ids(searched) == [made["id"]]
        outcome(await client.get("/?_type=Organization"), 400, "value", "http._type")


async def test_what_the_statement_does_not_offer_of_the_whole_server_is_refused(
    serve: Serve, definitions: Path
) -> None:
    def alone(statement: Any) -> None:
        statement["rest"][0]["interaction"] = [{"code": "batch"}]

    rewrite(definitions / "capability" / "statement.json", alone)
    async with serve(definitions=definitions) as client:
        outcome(await client.get("/_history"), 405, "not-supported")
        outcome(await client.get("/?_type=Patient"), 405, "not-supported")
