"""Batch and transaction Bundles (R5 http.html#transaction), on both stores."""

from typing import Any

import pytest
from httpx import AsyncClient

from tests.integration.http.bundles import born_as, run, statuses
from tests.integration.http.exchanges import (
    Json,
    bundle,
    create,
    entry,
    find,
    ids,
    issue,
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
from tests.integration.http.serving import BASE


async def test_a_batch_answers_every_entry_in_its_place(client: AsyncClient) -> None:
    known, name = await create(client, patient(active=True)), surname()
    one = f"Patient/{known['id']}"
    answers = await run(
        client,
        "batch",
        entry("GET", one),
        entry("POST", "Patient", patient(name=[{"family": name}])),
        entry("PUT", one, {**known, "active": False}),
        entry("GET", f"{one}/_history/1"),
        entry("GET", f"Patient?family={name}"),
        entry("HEAD", one),
        entry("DELETE", one),
        entry("GET", one),
        entry("GET", "metadata"),
    )
    assert statuses(answers) == ["200", "201", "200", "200", "200", "200", "204", "410", "200"]
    assert answers[0]["resource"] == known
    assert answers[1]["response"]["location"].startswith(f"{BASE}/Patient/")
    assert answers[1]["response"]["etag"] == 'W/"1"'
    assert answers[2]["response"]["etag"] == 'W/"2"'
    assert answers[3]["resource"] == known
    assert ids(answers[4]["resource"]) == [born_as(answers[1])]
    assert "resource" not in answers[5]
    issue(answers[7]["response"]["outcome"], "deleted")
    assert answers[8]["resource"]["resourceType"] == "CapabilityStatement"


@pytest.mark.parametrize(
    ("method", "url", "status", "code"),
    [
        ("GET", "Patient/never-was", "404", "not-found"),
        ("GET", "nothing/of/the/kind", "404", "not-found"),
        ("GET", "Encounter/1", "404", "not-found"),
        ("GET", "Patient?nonsense=1", "400", "not-supported"),
        ("GET", "Patient/1/$match", "404", "not-found"),
        ("DELETE", "Patient", "400", "invalid"),
        ("DELETE", "metadata", "405", "not-supported"),
        ("GET", "Patient/$match", "405", "not-supported"),
        ("GET", "../livez", "404", "not-found"),
        ("GET", "http://elsewhere.test/fhir/metadata", "404", "not-found"),
        ("GET", "http://mpi.test/fhirs/metadata", "404", "not-found"),
        ("GET", "urn:uuid:1", "404", "not-found"),
        ("POST", "Bundle", "404", "not-found"),
        ("GET", "http://[/Patient", "404", "not-found"),
        ("GET", "Patient/%00", "404", "not-found"),
    ],
)
async def test_an_entry_of_a_batch_is_refused_as_the_request_alone_would_be(
    client: AsyncClient, method: str, url: str, status: str, code: str
) -> None:
    sent = {"resourceType": "Bundle"} if method == "POST" else None
    answers = await run(client, "batch", entry(method, url, sent), entry("GET", "metadata"))
    assert statuses(answers) == [status, "200"]
    issue(answers[0]["response"]["outcome"], code)


async def test_a_batch_knows_if_match(client: AsyncClient) -> None:
    known = await create(client, patient(active=True))
    one = f"Patient/{known['id']}"
    answers = await run(
        client,
        "batch",
        entry("PUT", one, known, if_match='W/"2"'),
        entry("PUT", one, known, if_match='W/"1"'),
        entry("DELETE", one, if_match='W/"x\u00e9"'),
    )
    assert statuses(answers) == ["412", "200", "400"]


@pytest.mark.parametrize("type", ["batch", "transaction"])
async def test_a_bundle_may_ask_who_somebody_is(client: AsyncClient, type: str) -> None:
    family = surname()
    known = await create(client, person(family))
    asked = entry("POST", "Patient/$match", parameters(person(family)))
    empty = entry("POST", "Patient/$match", parameters(patient(active=True)))
    answers = await run(client, "batch", asked, empty) if type == "batch" else await run(client, type, asked)
    assert ids(answers[0]["resource"]) == [known["id"]]
    if type == "batch":
        issue(answers[1]["response"]["outcome"], "required")


async def test_references_between_the_entries_of_a_transaction_find_each_other(client: AsyncClient) -> None:
    house, name = "urn:uuid:0b5f4f5e-4b0b-4d0e-9c5f-0c1f6f0f5d11", surname()
    managed = patient(name=[{"family": name}], managingOrganization={"reference": house})
    answers = await run(
        client,
        "transaction",
        entry("POST", "Patient", {**managed, "generalPractitioner": [{"reference": house}]}),
        entry("POST", "Organization", organization(name="Haus"), full_url=house),
        entry("GET", f"Patient?family={name}"),
    )
    assert statuses(answers) == ["201", "201", "200"]
    stored_patient = answers[2]["resource"]["entry"][0]["resource"]
    reference = f"Organization/{born_as(answers[1])}"
    assert stored_patient["managingOrganization"]["reference"] == reference
    assert stored_patient["generalPractitioner"] == [{"reference": reference}]
    found = await find(client, f"Patient?organization={reference}")
    assert ids(found) == [born_as(answers[0])]


@pytest.mark.parametrize("scheme", ["urn:uuid:", "urn:oid:"])
async def test_a_reference_to_an_entry_that_is_not_there_refuses_the_transaction(
    client: AsyncClient, scheme: str
) -> None:
    before, nowhere = await stored(client), {"reference": f"{scheme}1.2.3"}
    good = entry("POST", "Patient", patient(active=True))
    bad = entry("POST", "Patient", patient(generalPractitioner=[{"display": "x"}, nowhere]))
    where = "Bundle.entry[1].resource.generalPractitioner[1].reference"
    outcome(await send(client, "POST", "/", bundle("transaction", good, bad)), 400, "invalid", where)
    assert await stored(client) == before


async def test_a_url_with_a_slash_before_it_is_the_same_in_a_batch_and_a_transaction(
    client: AsyncClient,
) -> None:
    for type in ("batch", "transaction"):
        id = f"slash-{surname()}"
        answers = await run(client, type, entry("PUT", f"/Patient/{id}", patient(id=id, active=True)))
        assert statuses(answers) == ["201"]
        assert born_as(answers[0]) == id


async def test_a_transaction_reads_what_it_wrote_wherever_the_read_stands(client: AsyncClient) -> None:
    known, name = await create(client, patient(active=True)), surname()
    one = f"Patient/{known['id']}"
    answers = await run(
        client,
        "transaction",
        entry("GET", one),
        entry("GET", f"Patient?family={name}"),
        entry("PUT", one, {**known, "active": False}, if_match='W/"1"'),
        entry("POST", "Patient", patient(name=[{"family": name}])),
        entry("DELETE", "Patient/never-was"),
    )
    assert statuses(answers) == ["200", "200", "200", "201", "204"]
    assert answers[0]["resource"]["active"] is False
    assert len(ids(answers[1]["resource"])) == 1
    assert answers[2]["response"]["etag"] == 'W/"2"'
    assert answers[2]["response"]["lastModified"] == answers[0]["resource"]["meta"]["lastUpdated"]
    assert "etag" not in answers[4]["response"]


async def test_a_transaction_deletes_and_brings_back(client: AsyncClient) -> None:
    gone, back = await create(client, patient(active=True)), await create(client, patient(active=True))
    await client.delete(f"/Patient/{back['id']}")
    answers = await run(
        client,
        "transaction",
        entry("PUT", f"Patient/{back['id']}", back),
        entry("DELETE", f"Patient/{gone['id']}", if_match='W/"1"'),
    )
    assert statuses(answers) == ["201", "204"]
    assert (await client.get(f"/Patient/{gone['id']}")).status_code == 410
    assert (await client.get(f"/Patient/{back['id']}")).headers["etag"] == 'W/"3"'


@pytest.mark.parametrize(
    ("bad", "status", "code", "expression"),
    [
        (entry("PUT", "Patient/a", patient(id="b")), 400, "invalid", "Bundle.entry[1].resource.id"),
        (entry("PUT", "Patient/a", patient(active=True)), 400, "invalid", "Bundle.entry[1].resource.id"),
        (
            entry("PUT", "Patient/a", patient(id="a"), if_match='W/"4"'),
            412,
            "conflict",
            "Bundle.entry[1]",
        ),
        (
            entry("PUT", "Patient/a", patient(id="a"), if_match="x"),
            400,
            "value",
            "Bundle.entry[1].request.ifMatch",
        ),
        (
            entry("POST", "Patient", patient(birthDate="1957-13-01")),
            400,
            "value",
            "Bundle.entry[1].resource.birthDate",
        ),
        (
            entry("POST", "Patient", organization(name="x")),
            400,
            "invalid",
            "Bundle.entry[1].resource.resourceType",
        ),
        (entry("POST", "Encounter", {"resourceType": "Encounter"}), 404, "not-found", "Bundle.entry[1]"),
        (
            entry("PUT", "Encounter/1", {"resourceType": "Encounter", "id": "1"}),
            404,
            "not-found",
            "Bundle.entry[1]",
        ),
        (entry("DELETE", "Encounter/1"), 404, "not-found", "Bundle.entry[1]"),
        (entry("POST", "Patient/a", patient(id="a")), 400, "invalid", "Bundle.entry[1].request.url"),
        (entry("PUT", "Patient", patient(id="a")), 400, "invalid", "Bundle.entry[1].request.url"),
        (entry("DELETE", "no/such/path"), 400, "invalid", "Bundle.entry[1].request.url"),
    ],
)
async def test_a_transaction_with_an_entry_that_cannot_be_done_does_nothing(
    client: AsyncClient, bad: Json, status: int, code: str, expression: str
) -> None:
    before = await stored(client)
    good = entry("POST", "Patient", patient(active=True))
    response = await send(client, "POST", "/", bundle("transaction", good, bad, good))
    outcome(response, status, code, expression)
    assert await stored(client) == before


@pytest.mark.parametrize(
    "second", [entry("DELETE", "Patient/twice"), entry("PUT", "Patient/twice", patient(id="twice"))]
)
async def test_a_transaction_may_not_write_a_resource_twice(client: AsyncClient, second: Json) -> None:
    first = entry("PUT", "Patient/twice", patient(id="twice", active=True))
    response = await send(client, "POST", "/", bundle("transaction", first, second))
    outcome(response, 400, "invalid")
    assert (await client.get("/Patient/twice")).status_code == 404


NO_REQUESTS = [
    ({}, "structure"),
    ({"request": {"method": "GET"}}, "structure"),
    ({"request": {"method": "GET", "url": 1}}, "structure"),
    ({"request": {"url": "Patient"}}, "value"),
    (entry("get", "Patient/1"), "value"),
    (entry("POST", "Patient"), "structure"),
    (entry("PATCH", "Patient/1"), "structure"),
    ({**entry("PUT", "Patient/1"), "resource": []}, "structure"),
    ({**entry("POST", "Patient/$match"), "resource": "x"}, "structure"),
    (entry("POST", "Patient", patient(active=True), full_url=["urn:uuid:1"]), "structure"),
    (entry("PUT", "Patient/1", patient(id="1", active=True), if_match=1), "structure"),
    ({"request": {"method": "GET", "url": "Patient/1", "ifNoneMatch": {}}}, "structure"),
    ({"request": {"method": ["GET"], "url": "Patient/1"}}, "value"),
    (entry("POST", "", bundle("batch")), "invalid"),
    (entry("POST", "/", bundle("batch")), "invalid"),
    (entry("POST", BASE, bundle("batch")), "invalid"),
    (entry("POST", "?_format=json", bundle("batch")), "invalid"),
    (entry("POST", "%2F", bundle("batch")), "invalid"),
    (entry("POST", "//", bundle("batch")), "invalid"),
    (entry("PUT", "Patient/1", patient(id="1", active=True), full_url=f"{BASE}/Patient/2"), "invalid"),
    (entry("GET", "http://elsewhere.test/fhir/Patient"), "not-found"),
]


@pytest.mark.parametrize(("bad", "code"), NO_REQUESTS)
async def test_an_entry_that_is_no_request_refuses_the_whole_transaction(
    client: AsyncClient, bad: Any, code: str
) -> None:
    before = await stored(client)
    good = entry("POST", "Patient", patient(active=True))
    response = await send(client, "POST", "/", bundle("transaction", good, bad))
    refused = outcome(response, 404 if code == "not-found" else 400, code)
    assert refused["issue"][0]["expression"][0].startswith("Bundle.entry[1]")
    assert await stored(client) == before


@pytest.mark.parametrize(("bad", "code"), NO_REQUESTS)
async def test_an_entry_that_is_no_request_is_refused_alone_in_a_batch(
    client: AsyncClient, bad: Any, code: str
) -> None:
    good = entry("POST", "Patient", patient(active=True))
    answers = await run(client, "batch", good, bad, good)
    assert statuses(answers) == ["201", "404" if code == "not-found" else "400", "201"]
    refused = issue(answers[1]["response"]["outcome"], code)
    assert refused["issue"][0]["expression"][0].startswith("Bundle.entry[1]")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (patient(active=True), "invalid"),
        (bundle("collection"), "invalid"),
        ({"resourceType": "Bundle"}, "invalid"),
        ({"resourceType": "Bundle", "type": ["batch"]}, "invalid"),
        ({"resourceType": "Bundle", "type": "batch", "entry": {}}, "structure"),
        ({"resourceType": "Bundle", "type": "batch", "entry": ["x"]}, "structure"),
    ],
)
async def test_what_is_no_batch_or_transaction_is_refused(client: AsyncClient, body: Json, code: str) -> None:
    outcome(await send(client, "POST", "/", body), 400, code)


async def test_two_entries_of_a_transaction_may_not_go_by_one_name(client: AsyncClient) -> None:
    before = await stored(client)
    same = entry("POST", "Patient", patient(active=True), full_url="urn:uuid:1")
    response = await send(client, "POST", "/", bundle("transaction", same, same))
    outcome(response, 400, "invalid", "Bundle.entry[1].fullUrl")
    assert await stored(client) == before


@pytest.mark.parametrize("type", ["batch", "transaction"])
async def test_a_bundle_without_entries_is_answered_by_one(client: AsyncClient, type: str) -> None:
    response = await send(client, "POST", "/", {"resourceType": "Bundle", "type": type})
    assert response.json() == {"resourceType": "Bundle", "type": f"{type}-response"}


async def test_a_batch_entry_is_refused_where_it_is_longer_than_a_request_may_be(client: AsyncClient) -> None:
    long = patient(name=[{"family": "x" * 1000, "given": ["y" * 1000]}] * 600)
    answers = await run(client, "batch", entry("POST", "Patient", long))
    assert statuses(answers) == ["413"]


async def test_a_conflict_while_a_transaction_runs_is_told(client: AsyncClient) -> None:
    known = await create(client, patient(active=True))
    refused = await put(client, {**known, "active": False})
    assert refused.status_code == 200
    response = await send(
        client,
        "POST",
        "/",
        bundle("transaction", entry("PUT", f"Patient/{known['id']}", known, if_match='W/"1"')),
    )
    outcome(response, 412, "conflict", "Bundle.entry[0]")
