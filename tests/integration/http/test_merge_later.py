"""Merges that are answered later: any number of references, one commit, no trace where cancelled."""

from typing import Any

import pytest
from httpx import AsyncClient, Response

from tests.integration.http.exchanges import create, outcome
from tests.integration.http.merges import asked, issues, merge, merged, now, parts, reference, two, undo
from tests.integration.http.serving import BASE, Serve
from tests.integration.http.test_jobs import LATER, QUICK, ask

ACCEPTED = (
    "Merge request is accepted, and will be processed asynchronously. See task resource returned in this"
    " response for details."
)


async def kin(client: AsyncClient, of: Any, number: int) -> list[Any]:
    return [
        await create(client, {"resourceType": "RelatedPerson", "patient": reference(of)})
        for _ in range(number)
    ]


def accepted(response: Response) -> str:
    """Where to ask for the answer."""
    assert response.status_code == 202, response.text
    found = parts(response)
    assert found["outcome"]["issue"][0]["details"]["text"] == ACCEPTED
    url = response.headers["content-location"]
    (number,) = found["task"]["identifier"]
    assert url == f"{BASE}/_jobs/{number['value']}"
    assert number["system"] == "http://hapifhir.io/batch/jobId"
    return url


async def answer(client: AsyncClient, url: str) -> tuple[str, Any]:
    """Status and parts of the answer that came later."""
    (entry,) = (await ask(client, url)).json()["entry"]
    found = {part["name"]: part["resource"] for part in entry["resource"]["parameter"]}
    return entry["response"]["status"], found


async def test_a_merge_that_is_answered_later_has_no_limit(serve: Serve) -> None:
    async with serve(max_bundle_entries=2, **QUICK) as client:
        source, target = await two(client)
        others = await kin(client, source, 3)
        assert (await merge(client, source=source, target=target)).status_code == 412
        url = accepted(await merge(client, LATER, source=source, target=target))
        status, found = await answer(client, url)
        assert status == "200 OK"
        assert found["input"] == asked(source=source, target=target)
        assert found["result"] == await now(client, target)
        assert [(await now(client, other))["patient"] for other in others] == [reference(target)] * 3
        response = await undo(client, source=source, target=target)
        assert (response.status_code, issues(response)[0][0]) == (400, "exception")
        url = accepted(await undo(client, LATER, source=source, target=target))
        status, found = await answer(client, url)
        assert status == "200 OK"
        assert found["outcome"]["issue"][0]["diagnostics"].startswith("Successfully restored 5 resources")
        assert [(await now(client, other))["patient"] for other in others] == [reference(source)] * 3


async def test_what_is_wrong_is_said_at_once(client: AsyncClient) -> None:
    source, target = await two(client)
    response = await merge(client, LATER, source=source, target=source)
    assert response.status_code == 422
    assert (await undo(client, LATER, source=source, target=target)).status_code == 404
    preview = await merge(client, LATER, source=source, target=target, preview=True)
    assert preview.status_code == 200


async def test_what_is_wrong_by_then_is_said_in_the_answer(serve: Serve, store_url: str) -> None:
    async with serve(store=store_url, jobs=0) as client:
        source, target = await two(client)
        url = accepted(await merge(client, LATER, source=source, target=target))
        await client.delete(f"/Patient/{target['id']}")
    async with serve(store=store_url, **QUICK) as client:
        status, found = await answer(client, url)
        assert status.startswith("422")
        assert found["outcome"]["issue"][0]["code"] == "not-found"
        assert await now(client, source) == source


@pytest.mark.parametrize("operation", ["merge", "undo"])
async def test_what_is_cancelled_before_its_commit_leaves_no_trace(
    serve: Serve, store_url: str, operation: str
) -> None:
    async with serve(store=store_url, jobs=0) as client:
        source, target = await two(client)
        if operation == "undo":
            await merged(client, source=source, target=target)
        before = await now(client, source), await now(client, target)
        call = merge if operation == "merge" else undo
        url = accepted(await call(client, LATER, source=source, target=target))
        assert (await client.delete(url)).status_code == 202
    async with serve(store=store_url, **QUICK) as client:
        outcome(await client.get(url), 404, "not-found")
        assert (await now(client, source), await now(client, target)) == before
