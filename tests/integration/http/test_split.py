"""$split: one record becomes two, and who refers to it may go with the new one."""

from typing import Any

from httpx import AsyncClient, Response

from tests.integration.http.exchanges import create, outcome, patient, put, send
from tests.integration.http.merges import merged, now, parts, records, reference, two


async def divided(client: AsyncClient, of: Any, stays: Any, new: Any, **more: Any) -> Response:
    given = [{"name": "stays", "resource": stays}, {"name": "new", "resource": new}]
    given += [{"name": "reference", "valueString": place} for place in more.get("moved", ())]
    given += [{"name": "preview", "valueBoolean": True}] if more.get("preview") else []
    body = {"resourceType": "Parameters", "parameter": given}
    return await send(client, "POST", f"/Patient/{of['id']}/$split", body)


async def both(client: AsyncClient) -> tuple[Any, Any, Any, list[Any]]:
    """A record of two people, what is to stay, what is to be new, and two who refer to it."""
    names = [{"family": "Rivera"}, {"family": "Okafor"}]
    one = await create(client, patient(name=names, active=True))
    kin = {"resourceType": "RelatedPerson", "patient": reference(one)}
    others = [await create(client, kin) for _ in range(2)]
    return one, {**one, "name": names[:1]}, patient(name=names[1:]), others


async def test_one_record_becomes_two_and_who_refers_to_it_is_divided(client: AsyncClient) -> None:
    one, stays, new, (mine, theirs) = await both(client)
    moved = [f"RelatedPerson/{theirs['id']}"]
    response = await divided(client, one, stays, new, moved=moved)
    assert response.status_code == 200, response.text
    found = parts(response)
    text = found["outcome"]["issue"][0]["details"]["text"]
    assert text == "Split operation completed successfully."
    assert found["stays"] == await now(client, one)
    assert found["stays"]["name"] == stays["name"]
    assert found["new"] == await now(client, found["new"])
    assert found["new"]["name"] == new["name"]
    assert (await now(client, theirs))["patient"] == reference(found["new"])
    assert await now(client, mine) == mine
    (record,) = await records(client, one)
    assert record["activity"]["coding"][0]["code"] == "unmerge"
    assert [t["reference"] for t in record["target"]] == [
        f"Patient/{one['id']}/_history/2",
        f"Patient/{found['new']['id']}/_history/1",
        f"RelatedPerson/{theirs['id']}/_history/2",
    ]


async def test_a_preview_changes_nothing(client: AsyncClient) -> None:
    one, stays, new, (_, theirs) = await both(client)
    moved = [f"RelatedPerson/{theirs['id']}"]
    found = parts(await divided(client, one, stays, new, moved=moved, preview=True))
    (issue,) = found["outcome"]["issue"]
    assert issue["details"]["text"] == "Preview only split operation - no issues detected"
    assert issue["diagnostics"] == "Split would update 3 resources"
    assert (found["stays"], found["new"]) == (stays, new)
    assert await now(client, one) == one
    assert await records(client, one) == []


async def test_what_cannot_be_divided_is_refused(client: AsyncClient) -> None:
    one, stays, new, _ = await both(client)
    never = {**stays, "id": "never"}
    outcome(await divided(client, never, never, new), 404, "not-found")
    outcome(await divided(client, one, {**stays, "id": "other"}, new), 400, "invalid")
    outcome(await divided(client, one, stays, {"resourceType": "Person"}), 400, "invalid")
    outcome(await divided(client, one, stays, {**new, "id": one["id"]}), 400, "invalid")
    outcome(await divided(client, one, stays, {**new, "gender": "x"}), 400, "code-invalid")
    outcome(await divided(client, one, stays, new, moved=["RelatedPerson/stranger"]), 400, "value")
    assert await now(client, one) == one
    await put(client, {**one, "gender": "male"})
    outcome(await divided(client, one, stays, new), 409, "conflict")


async def test_a_record_that_was_replaced_is_not_divided(client: AsyncClient) -> None:
    source, target = await two(client)
    await merged(client, source=source, target=target)
    retired = await now(client, source)
    outcome(await divided(client, source, retired, patient(active=True)), 422, "processing")
