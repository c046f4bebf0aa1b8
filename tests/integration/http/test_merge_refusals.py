"""Why a merge is refused: status, code and text of every reason, as HAPI FHIR has them."""

from typing import Any

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import create, patient, put, surname
from tests.integration.http.merges import (
    asked,
    identifier,
    issues,
    merge,
    merge_any,
    merged,
    now,
    parts,
    reference,
    two,
)
from tests.integration.http.serving import Serve

NONE = (
    "There are no {0} resource parameters provided, include either a '{0}-patient', or a"
    " '{0}-patient-identifier' parameter."
)
BOTH = "{1} resource must be provided either by '{0}-patient' or by '{0}-patient-identifier', not both."
NO_REFERENCE = "Reference specified in '{0}-patient' parameter does not have a reference element."
OTHER = 'The request was for "Patient" type but {0}-patient contains a reference for "Person" type'
FINE: dict[str, Any] = {"source": "Patient/1", "target": "Patient/2"}
ROLES = ("source", "target")


async def refused(client: AsyncClient, **given: Any) -> tuple[int, list[tuple[str, str]]]:
    response = await merge(client, **given)
    assert list(parts(response)) == ["input", "outcome"]
    sent, said = asked(**given), parts(response)["input"]
    for parameter in sent["parameter"]:
        said["parameter"].remove(parameter)
    assert said["parameter"] == []
    return response.status_code, issues(response)


@pytest.mark.parametrize("role", ROLES)
async def test_each_side_is_named_in_one_way(client: AsyncClient, role: str) -> None:
    both = {**FINE, f"{role}_identifier": identifier("1")}
    neither = {name: value for name, value in FINE.items() if name != role}
    for given, code, text in (
        (neither, "required", NONE),
        (both, "required", BOTH),
        ({**FINE, role: {"display": "Otti"}}, "required", NO_REFERENCE),
        ({**FINE, role: "Person/1"}, "invalid", OTHER),
    ):
        assert await refused(client, **given) == (400, [(code, text.format(role, role.capitalize()))])


async def test_everything_that_is_wrong_with_the_parameters_is_said_at_once(client: AsyncClient) -> None:
    status, found = await refused(client, target={"display": "Otti"})
    assert (status, [text for _, text in found]) == (
        400,
        [NONE.format("source"), NO_REFERENCE.format("target")],
    )


@pytest.mark.parametrize("role", ROLES)
async def test_each_side_must_be_one_that_is_there(client: AsyncClient, role: str) -> None:
    known, deleted = await two(client)
    await client.delete(f"/Patient/{deleted['id']}")
    family = surname()
    for _ in range(2):
        await create(client, patient(identifier=[identifier(family)]))
    other = {"source": known, "target": known} | {role: None}
    given = {name: value for name, value in other.items() if value}
    missing = f"Resource not found for the reference specified in '{role}-patient' parameter"
    for absent in ("Patient/never", reference(deleted), "http://elsewhere.example/fhir/Patient/1"):
        assert await refused(client, **given, **{role: absent}) == (422, [("not-found", missing)])
    key = f"{role}_identifier"
    none = f"No resources found matching the identifier(s) specified in '{role}-patient-identifier'"
    found = await refused(client, **given, **{key: identifier("never")})
    assert found == (422, [("not-found", none)])
    several = f"Multiple resources found matching the identifier(s) specified in '{role}-patient-identifier'"
    found = await refused(client, **given, **{key: identifier(family)})
    assert found == (422, [("multiple-matches", several)])
    stale = (
        f"The reference in '{role}-patient' parameter has a version specified, but it is not the latest"
        " version of the resource"
    )
    await put(client, {**known, "gender": "male"})
    old = await refused(client, **given, **{role: f"Patient/{known['id']}/_history/1"})
    assert old == (422, [("conflict", stale)])


async def test_the_version_that_is_the_latest_may_be_named(client: AsyncClient) -> None:
    source, target = await two(client)
    versioned = [f"Patient/{one['id']}/_history/1" for one in (source, target)]
    await merged(client, source=versioned[0], target=versioned[1])


async def test_a_record_is_not_merged_into_itself(client: AsyncClient) -> None:
    one, _ = await two(client)
    same = "Source and target resources are the same resource."
    assert await refused(client, source=one, target=one) == (422, [("invalid", same)])


async def test_the_target_must_be_active(client: AsyncClient) -> None:
    source, target = await two(client)
    target = (await put(client, {**target, "active": False})).json()
    text = "Target resource is not active, it must be active to be the target of a merge operation."
    assert await refused(client, source=source, target=target) == (422, [("invalid", text)])


async def test_what_was_replaced_is_neither_source_nor_target(client: AsyncClient) -> None:
    source, target = await two(client)
    other = await create(client, patient(active=True))
    await merged(client, source=source, target=target)
    by = f"by a resource with reference 'Patient/{target['id']}', it is not a suitable"
    text = f"Source resource was previously replaced {by} source for merging."
    assert await refused(client, source=source, target=other) == (422, [("invalid", text)])
    await put(client, {**await now(client, source), "active": True})
    text = f"Target resource was previously replaced {by} target for merging."
    assert await refused(client, source=other, target=source) == (422, [("invalid", text)])


async def test_what_has_no_identifiers_is_not_merged(client: AsyncClient) -> None:
    sent = {
        "resourceType": "Provenance",
        "target": [{"reference": "Patient/x"}],
        "recorded": "2026-01-01T00:00:00Z",
        "agent": [{"who": {"display": "O"}}],
    }
    one, other = [await create(client, sent) for _ in range(2)]
    response = await merge_any(client, "Provenance", source=one, target=other)
    text = (
        "Merge operation cannot be performed on resource type 'Provenance' because it does not have an"
        " 'identifier' element."
    )
    assert (response.status_code, issues(response)) == (422, [("invalid", text)])
    response = await merge_any(client, "Provenance", source_identifier=identifier("1"), target=other)
    assert (response.status_code, issues(response)[0][0]) == (422, "not-found")


async def test_the_result_must_be_the_target_with_its_identifiers_and_its_link(client: AsyncClient) -> None:
    family = surname()
    source = await create(client, patient(active=True))
    target = await create(client, patient(active=True, identifier=[identifier(family)]))
    given = {"source": source, "target_identifier": identifier(family)}
    other = (
        f"'result-patient' must have the same versionless id as the actual resolved target resource"
        f" 'Patient/x'. The actual resolved target resource's id is: 'Patient/{target['id']}'"
    )
    lacking = "'result-patient' must have all the identifiers provided in target-patient-identifier"
    no_link = "'result-patient' must have a 'replaces' link to the source resource."
    status, found = await refused(client, **given, result=patient(id="x"))
    assert (status, found) == (400, [("invalid", text) for text in (other, lacking, no_link)])
    link = {"other": reference(source), "type": "replaces"}
    several = (
        "'result-patient' has multiple 'replaces' links to the source resource. There should be only one."
    )
    doubled = {**target, "link": [link, {**link, "other": reference(f"Patient/{source['id']}/_history/1")}]}
    assert await refused(client, **given, result=doubled) == (400, [("invalid", several)])
    unwanted = (
        "'result-patient' must not have a 'replaces' link to the source resource when the source resource"
        " will be deleted, as the link may prevent deleting the source resource."
    )
    linked = {**target, "link": [link]}
    answer = await refused(client, **given, result=linked, delete_source=True)
    assert answer == (400, [("invalid", unwanted)])
    assert (await now(client, source), await now(client, target)) == (source, target)


async def test_a_merge_of_more_than_the_limit_is_for_later(client: AsyncClient) -> None:
    source, target = await two(client)
    for _ in range(3):
        await create(client, {"resourceType": "RelatedPerson", "patient": reference(source)})
    text = (
        f"HAPI-2880: Number of resources with references to Patient/{source['id']} exceeds the"
        " resource-limit 2. Submit the request asynchronously by adding the HTTP Header"
        " 'Prefer: respond-async'."
    )
    assert await refused(client, source=source, target=target, batch_size=2) == (412, [("exception", text)])
    assert await now(client, source) == source
    await merged(client, source=source, target=target, batch_size=3)


async def test_no_limit_is_above_that_of_a_transaction(serve: Serve) -> None:
    async with serve(max_bundle_entries=1) as client:
        source, target = await two(client)
        for _ in range(2):
            await create(client, {"resourceType": "RelatedPerson", "patient": reference(source)})
        response = await merge(client, source=source, target=target, batch_size=9)
        assert response.status_code == 412
        assert "resource-limit 1." in issues(response)[0][1]
