"""$merge: what it does."""

from typing import Any

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import create, organization, outcome, patient, put, send, surname
from tests.integration.http.merges import (
    asked,
    identifier,
    issues,
    merge,
    merge_any,
    merged,
    now,
    parts,
    records,
    reference,
    two,
)
from tests.integration.http.serving import BASE, Serve

EXTENSION = "http://hapifhir.io/fhir/StructureDefinition/"


async def test_the_survivor_says_whom_it_replaces_and_the_other_by_whom_it_was(client: AsyncClient) -> None:
    source, target = await two(client)
    response = await merge(client, source=source, target=target)
    assert response.status_code == 200
    found = parts(response)
    assert list(found) == ["input", "outcome", "result"]
    assert found["input"] == asked(source=source, target=target)
    (issue,) = found["outcome"]["issue"]
    assert issue == {
        "severity": "information",
        "code": "informational",
        "details": {"text": "Merge operation completed successfully."},
    }
    assert found["result"] == await now(client, target)
    assert found["result"]["link"] == [{"other": reference(source), "type": "replaces"}]
    assert found["result"]["active"] is True
    gone = await now(client, source)
    assert (gone["active"], gone["link"]) == (False, [{"other": reference(target), "type": "replaced-by"}])


async def test_the_survivor_gets_the_identifiers_it_lacks_as_old_ones(client: AsyncClient) -> None:
    family = surname()
    both, own = identifier(f"{family}1"), identifier(f"{family}2", use="official")
    source = await create(client, patient(identifier=[both, own]))
    target = await create(client, patient(identifier=[both]))
    found = await merged(client, source=source, target=target)
    assert found["identifier"] == [both, {**own, "use": "old"}]


async def test_records_are_named_by_identifiers_too(client: AsyncClient) -> None:
    family = surname()
    first, second, third = (identifier(f"{family}{n}") for n in range(3))
    source = await create(client, patient(identifier=[first, second]))
    await create(client, patient(identifier=[first]))
    target = await create(client, patient(identifier=[third]))
    valueless = {"value": f"{family}2"}
    found = await merged(client, source_identifier=[first, second], target_identifier=valueless)
    assert found["id"] == target["id"]
    assert found["link"] == [{"other": reference(source), "type": "replaces"}]


async def test_a_source_can_be_deleted(client: AsyncClient) -> None:
    source, target = await two(client, identifier=[identifier(surname())])
    known = await put(client, {**target, "link": [{"other": reference(source), "type": "seealso"}]})
    assert known.status_code == 200
    found = await merged(client, source=source, target=target, delete_source=True)
    assert "link" not in found
    assert found["identifier"] == [{**source["identifier"][0], "use": "old"}]
    outcome(await client.get(f"/Patient/{source['id']}"), 410, "deleted")


async def test_the_caller_can_say_what_the_survivor_is_to_be(client: AsyncClient) -> None:
    source, target = await two(client, identifier=[identifier(surname())])
    wanted = {**target, "gender": "female", "link": [{"other": reference(source), "type": "replaces"}]}
    found = await merged(client, source=source, target=target, result=wanted)
    assert {**found, "meta": 0} == {**wanted, "meta": 0}
    assert found["meta"]["versionId"] == "2"


async def test_a_result_that_is_no_valid_patient_is_refused(client: AsyncClient) -> None:
    source, target = await two(client)
    links = [{"other": reference(source), "type": "replaces"}]
    response = await merge(
        client, source=source, target=target, result={**target, "gender": "x", "link": links}
    )
    assert response.status_code == 400
    assert [code for code, _ in issues(response)] == ["code-invalid"]
    assert await now(client, source) == source


async def referring(client: AsyncClient, source: Any) -> dict[str, Any]:
    """Resources that refer to a patient, each in its own way, and where they do."""
    url = f"Patient/{source['id']}"
    found = {
        "relative": patient(link=[{"other": {"reference": url}, "type": "seealso"}]),
        "absolute": patient(link=[{"other": {"reference": f"{BASE}/{url}"}, "type": "seealso"}]),
        "versioned": {"resourceType": "RelatedPerson", "patient": {"reference": f"{url}/_history/1"}},
        "person": {"resourceType": "Person", "link": [{"target": {"reference": url, "display": "O"}}]},
        "extension": patient(extension=[{"url": "http://x.example/kin", "valueReference": reference(url)}]),
        "provenance": {
            "resourceType": "Provenance",
            "target": [{"reference": url}],
            "recorded": "2026-01-01T00:00:00Z",
            "agent": [{"who": {"display": "O"}}],
        },
    }
    return {name: await create(client, resource) for name, resource in found.items()}


def without_meta(resource: Any) -> Any:
    return {**resource, "meta": None}


async def test_everything_that_refers_to_the_source_refers_to_the_survivor(client: AsyncClient) -> None:
    source, target = await two(client)
    before = await referring(client, source)
    elsewhere = {"reference": f"http://elsewhere.example/fhir/Patient/{source['id']}"}
    other = await create(client, patient(link=[{"other": elsewhere, "type": "seealso"}]))
    await merged(client, source=source, target=target)
    new = f"Patient/{target['id']}"
    for name, resource in before.items():
        text = str(without_meta(resource)).replace(f"{BASE}/", "").replace("/_history/1", "")
        expected = text.replace(f"Patient/{source['id']}", new)
        found = await now(client, resource)
        assert str(without_meta(found)) == expected, name
        assert found["meta"]["versionId"] == "2"
    assert await now(client, other) == other


async def test_the_records_themselves_keep_what_they_say_of_each_other(client: AsyncClient) -> None:
    source, target = await two(client)
    seen = {"other": reference(source), "type": "seealso"}
    target = (await put(client, {**target, "link": [seen]})).json()
    found = await merged(client, source=source, target=target)
    assert found["link"] == [seen, {"other": reference(source), "type": "replaces"}]


async def test_a_merge_is_recorded_with_the_versions_before_and_after(client: AsyncClient) -> None:
    source, target = await two(client)
    other = await create(client, {"resourceType": "RelatedPerson", "patient": reference(source)})
    await merged(client, source=source, target=target)
    (record,) = await records(client, source)
    assert [t["reference"] for t in record["target"]] == [
        f"Patient/{target['id']}/_history/2",
        f"Patient/{source['id']}/_history/2",
        f"RelatedPerson/{other['id']}/_history/2",
    ]
    revised = [e["what"]["reference"] for e in record["entity"] if e["role"] == "revision"]
    assert revised == [f"Patient/{target['id']}/_history/1", f"Patient/{source['id']}/_history/1"]
    system = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
    assert record["activity"]["coding"] == [{"system": system, "code": "merge"}]
    (reason,) = record["authorization"][0]["concept"]["coding"]
    assert reason["code"] == "PATADMIN"
    assert record["occurredPeriod"]["start"] <= record["occurredPeriod"]["end"] <= record["recorded"]
    assert [c["resourceType"] for c in record["contained"]] == ["Parameters", "OperationOutcome"]
    assert record["contained"][0]["parameter"] == asked(source=source, target=target)["parameter"]
    assert record["agent"]
    validated = await send(client, "POST", "/Provenance/$validate", record)
    assert validated.json()["issue"][0]["severity"] == "information", validated.text


@pytest.mark.parametrize(
    ("wording", "text"),
    [
        ("hapi", "Preview only merge operation - no issues detected"),
        ("spec", "Preview only Patient merge - no issues detected"),
    ],
)
async def test_a_preview_says_what_would_be_and_changes_nothing(
    serve: Serve, wording: str, text: str
) -> None:
    async with serve(merge_preview=wording) as client:
        source, target = await two(client, identifier=[identifier("1")])
        await referring(client, source)
        response = await merge(client, source=source, target=target, preview=True)
        assert response.status_code == 200
        (issue,) = parts(response)["outcome"]["issue"]
        assert (issue["severity"], issue["details"]["text"]) == ("information", text)
        assert issue["diagnostics"] == "Merge would update 8 resources"
        result = parts(response)["result"]
        assert result["id"] == target["id"]
        assert "meta" not in result
        assert result["link"] == [{"other": reference(source), "type": "replaces"}]
        assert (await now(client, source), await now(client, target)) == (source, target)
        assert await records(client, source) == [
            r for r in await records(client, source) if "activity" not in r
        ]


async def test_organizations_are_merged_by_the_operation_of_all_types(client: AsyncClient) -> None:
    source = await create(client, organization(active=True, name="O", identifier=[identifier(surname())]))
    target = await create(client, organization(active=True, name="P"))
    doctor = await create(
        client,
        {
            "resourceType": "Practitioner",
            "qualification": [{"code": {"text": "MD"}, "issuer": reference(source)}],
        },
    )
    response = await merge_any(client, "Organization", source=source, target=target)
    assert response.status_code == 200, response.text
    result = parts(response)["result"]
    assert result["extension"] == [{"url": f"{EXTENSION}replaces", "valueReference": reference(source)}]
    assert result["identifier"] == [{**source["identifier"][0], "use": "old"}]
    gone = await now(client, source)
    assert gone["extension"] == [{"url": f"{EXTENSION}replaced-by", "valueReference": reference(target)}]
    assert gone["active"] is False
    assert (await now(client, doctor))["qualification"][0]["issuer"] == reference(target)
    (record,) = await records(client, source)
    assert record["authorization"][0]["concept"]["coding"][0]["code"] == "RECORDMGT"
    again = await merge_any(client, "Organization", source=source, target=target)
    assert again.status_code == 422
    by = f"Organization/{target['id']}"
    assert issues(again)[0][1].startswith(
        f"Source resource was previously replaced by a resource with reference '{by}'"
    )


async def test_patients_are_merged_by_the_operation_of_all_types_as_by_their_own(client: AsyncClient) -> None:
    source, target = await two(client)
    response = await merge_any(client, "Patient", source=source, target=target)
    assert parts(response)["result"]["link"] == [{"other": reference(source), "type": "replaces"}]


async def test_a_chain_of_merges_leads_to_the_last_survivor(client: AsyncClient) -> None:
    first, second = await two(client)
    third = await create(client, patient(active=True))
    other = await create(client, {"resourceType": "RelatedPerson", "patient": reference(first)})
    await merged(client, source=first, target=second)
    await merged(client, source=second, target=third)
    for retired in (first, second):
        assert (await now(client, retired))["link"][-1] == {"other": reference(third), "type": "replaced-by"}
    assert (await now(client, other))["patient"] == reference(third)
    for backwards in (first, second):
        response = await merge(client, source=third, target=backwards)
        assert response.status_code == 422


async def test_identifiers_that_are_unique_go_over_to_the_survivor(serve: Serve) -> None:
    async with serve(unique_identifiers=frozenset({"urn:merged"})) as client:
        source, target = await two(client, identifier=[identifier("1")])
        found = await merged(client, source=source, target=target)
        assert (await put(client, {**found, "gender": "female"})).status_code == 200
        response = await send(client, "POST", "/Patient", patient(identifier=[identifier("1")]))
        outcome(response, 409, "duplicate")
