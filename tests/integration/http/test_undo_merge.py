"""$hapi.fhir.undo-merge: everything is as it was before, as new versions."""

from typing import Any

from httpx import AsyncClient, Response

from fhir_mpi.fhir.meta import OWN
from tests.integration.http.exchanges import create, organization, patient, put, surname
from tests.integration.http.merges import (
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
    undo,
)
from tests.integration.http.serving import Serve


def said(resource: Any) -> Any:
    """Without what a version says of itself."""
    meta = {key: value for key, value in resource.get("meta", {}).items() if key not in OWN}
    return {**resource, "meta": meta}


def told(response: Response) -> list[tuple[str, str]]:
    """Severity and text of every issue of a success."""
    assert response.status_code == 200, response.text
    assert list(parts(response)) == ["outcome"]
    return [(i["severity"], i["diagnostics"]) for i in parts(response)["outcome"]["issue"]]


async def kin(client: AsyncClient, of: Any) -> Any:
    return await create(client, {"resourceType": "RelatedPerson", "patient": reference(of)})


async def test_an_undone_merge_leaves_everything_as_it_was(client: AsyncClient) -> None:
    source, target = await two(client, identifier=[identifier(surname())])
    other = await kin(client, source)
    await merged(client, source=source, target=target)
    (record,) = await records(client, source)
    response = await undo(client, source=source, target=target)
    text = (
        "Successfully restored 3 resources to their previous versions based on the Provenance resource:"
        f" Provenance/{record['id']}"
    )
    assert told(response) == [("information", text)]
    for before in (source, target, other):
        found = await now(client, before)
        assert said(found) == said(before)
        assert found["meta"]["versionId"] == "3"


async def test_undoing_is_recorded_too(client: AsyncClient) -> None:
    source, target = await two(client)
    await merged(client, source=source, target=target)
    (record,) = await records(client, source)
    await undo(client, source=source, target=target)
    (found,) = [r for r in await records(client, source) if r["id"] != record["id"]]
    assert found["activity"]["coding"][0]["code"] == "unmerge"
    assert [t["reference"] for t in found["target"]] == [
        f"Patient/{target['id']}/_history/3",
        f"Patient/{source['id']}/_history/3",
    ]
    removed = [e["what"]["reference"] for e in found["entity"] if e["role"] == "removal"]
    assert removed == [f"Provenance/{record['id']}"]


async def test_a_source_that_was_deleted_is_there_again(client: AsyncClient) -> None:
    source, target = await two(client, identifier=[identifier(surname())])
    await merged(client, source=source, target=target, delete_source=True)
    assert len(told(await undo(client, source=source, target=target))) == 1
    assert said(await now(client, source)) == said(source)
    assert said(await now(client, target)) == said(target)


async def test_what_is_undone_can_be_merged_and_undone_again(client: AsyncClient) -> None:
    source, target = await two(client)
    for _ in range(2):
        await merged(client, source=source, target=target)
        told(await undo(client, source=source, target=target))
        assert said(await now(client, target)) == said(target)


async def test_a_merge_that_never_was_or_is_undone_is_not_found(client: AsyncClient) -> None:
    source, target = await two(client)
    text = (
        "HAPI-2747: Unable to find a Provenance created by a $merge operation for the provided source and"
        " target resources. Ensure that the provided resource references or identifiers were previously used"
        " as parameters in a successful $merge operation"
    )
    response = await undo(client, source=source, target=target)
    assert (response.status_code, issues(response)) == (404, [("not-found", text)])
    await merged(client, source=source, target=target)
    backwards = await undo(client, source=target, target=source)
    assert backwards.status_code == 404
    await undo(client, source=source, target=target)
    assert (await undo(client, source=source, target=target)).status_code == 404
    never = await undo(client, source="Patient/never", target=target)
    assert (never.status_code, issues(never)[0][0]) == (422, "not-found")
    nothing = await undo(client, target=target)
    assert (nothing.status_code, issues(nothing)[0][0]) == (400, "required")


async def test_any_merge_can_be_undone_not_the_last_one_only(client: AsyncClient) -> None:
    first, target = await two(client, identifier=[identifier(surname())])
    second = await create(client, patient(active=True, identifier=[identifier(surname())]))
    await merged(client, source=first, target=target)
    await merged(client, source=second, target=target)
    told(await undo(client, source=first, target=target))
    found = await now(client, target)
    assert found["link"] == [{"other": reference(second), "type": "replaces"}]
    assert found["identifier"] == [{**second["identifier"][0], "use": "old"}]
    assert said(await now(client, first)) == said(first)
    told(await undo(client, source=second, target=target))
    assert said(await now(client, target)) == said(target)


async def test_later_changes_of_other_elements_stay(client: AsyncClient) -> None:
    source, target = await two(client)
    other = await kin(client, source)
    found = await merged(client, source=source, target=target)
    await put(client, {**found, "gender": "female"})
    await put(client, {**await now(client, other), "active": True})
    told(await undo(client, source=source, target=target))
    assert said(await now(client, target)) == {**said(target), "gender": "female"}
    restored = await now(client, other)
    assert (restored["patient"], restored["active"]) == (reference(source), True)


async def test_later_changes_of_the_same_elements_are_in_the_way(client: AsyncClient) -> None:
    source, target = await two(client)
    other, third = await kin(client, source), await create(client, patient(active=True))
    await merged(client, source=source, target=target)
    changed = (await put(client, {**await now(client, other), "patient": reference(third)})).json()
    response = await undo(client, source=source, target=target)
    text = (
        "HAPI-2732: The resource cannot be restored because the current version of resource"
        f" RelatedPerson/{other['id']} (3) does not match the expected version (2): patient was changed since"
    )
    assert (response.status_code, issues(response)) == (409, [("conflict", text)])
    assert (await now(client, source))["active"] is False
    partly = told(await undo(client, source=source, target=target, partial=True))
    assert [severity for severity, _ in partly] == ["information", "warning"]
    assert partly[0][1].startswith("Successfully restored 2 resources")
    assert partly[1] == ("warning", text)
    assert said(await now(client, source)) == said(source)
    assert await now(client, other) == changed


async def test_what_was_deleted_since_is_in_the_way(client: AsyncClient) -> None:
    source, target = await two(client)
    other = await kin(client, source)
    await merged(client, source=source, target=target)
    await client.delete(f"/RelatedPerson/{other['id']}")
    response = await undo(client, source=source, target=target)
    place = f"RelatedPerson/{other['id']}"
    text = f"HAPI-2751: The resource cannot be restored because {place} was deleted after the merge"
    assert (response.status_code, issues(response)) == (410, [("deleted", text)])


async def test_of_a_chain_the_later_merge_is_undone_first(client: AsyncClient) -> None:
    first, second = await two(client)
    third = await create(client, patient(active=True))
    await merged(client, source=first, target=second)
    await merged(client, source=second, target=third)
    response = await undo(client, source=first, target=second)
    assert response.status_code == 409
    assert f"Patient/{first['id']} (3)" in str(issues(response))
    told(await undo(client, source=second, target=third))
    told(await undo(client, source=first, target=second))
    for before in (first, second, third):
        assert said(await now(client, before)) == said(before)


async def test_a_preview_says_what_would_be_restored_and_restores_nothing(client: AsyncClient) -> None:
    source, target = await two(client)
    await merged(client, source=source, target=target)
    before = await now(client, source), await now(client, target)
    response = await undo(client, source=source, target=target, preview=True)
    first, *others = parts(response)["outcome"]["issue"]
    assert first["details"]["text"] == "Preview only undo-merge operation - no issues detected"
    assert first["diagnostics"] == "Undo would restore 2 resources"
    assert [issue["diagnostics"] for issue in others] == [
        f"Patient/{one['id']} would become version 3" for one in (target, source)
    ]
    assert (await now(client, source), await now(client, target)) == before


async def test_merges_of_other_types_are_undone_by_the_same_operation(client: AsyncClient) -> None:
    source = await create(client, organization(name="O"))
    target = await create(client, organization(name="P"))
    assert (await merge_any(client, "Organization", source=source, target=target)).status_code == 200
    told(await undo(client, type="Organization", source=source, target=target))
    assert said(await now(client, source)) == said(source)


async def test_more_references_than_the_limit_are_not_restored_at_once(serve: Serve, store_url: str) -> None:
    async with serve(store=store_url) as client:
        source, target = await two(client)
        for _ in range(3):
            await kin(client, source)
        await merged(client, source=source, target=target)
    async with serve(store=store_url, max_bundle_entries=2) as client:
        response = await undo(client, source=source, target=target)
    text = "HAPI-2748: Number of references to update (3) exceeds the limit (2)"
    assert (response.status_code, issues(response)) == (400, [("exception", text)])


async def test_unique_identifiers_go_back_to_their_owner(serve: Serve) -> None:
    async with serve(unique_identifiers=frozenset({"urn:merged"})) as client:
        source, target = await two(client, identifier=[identifier("1")])
        await merged(client, source=source, target=target)
        told(await undo(client, source=source, target=target))
        assert (await put(client, {**await now(client, source), "gender": "male"})).status_code == 200
        taken = {**await now(client, target), "identifier": [identifier("1")]}
        assert (await put(client, taken)).status_code == 409


async def test_an_undoing_against_another_merge_is_one_or_the_other(client: AsyncClient) -> None:
    source, target = await two(client)
    third = await create(client, patient(active=True))
    await merged(client, source=source, target=target)
    await merged(client, source=target, target=third)
    assert (await undo(client, source=source, target=target)).status_code == 409
    again = await merge(client, source=source, target=third)
    assert again.status_code == 422
