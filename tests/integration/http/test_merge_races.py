"""Merges at the same time as other writes: one wins, the other learns why, nothing is lost."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from httpx import AsyncClient, Response

from fhir_mpi.storage.mongo import MongoStore
from fhir_mpi.storage.port import UnitOfWork
from fhir_mpi.storage.sqlite import SqliteStore
from tests.integration.http.exchanges import create, patient, put
from tests.integration.http.merges import issues, merge, now, parts, reference, two, undo

First = Callable[[Callable[[], Awaitable[Any]]], None]


@pytest.fixture
def first(monkeypatch: pytest.MonkeyPatch) -> Iterator[First]:
    """Call it with what another is to do after the next merge has looked, and before it commits."""

    def arrange(act: Callable[[], Awaitable[Any]]) -> None:
        done: list[Any] = []

        def patched(kind: Any) -> None:
            real = kind.commit

            async def beaten(self: Any, work: UnitOfWork) -> None:
                if not done:
                    done.append(work)
                    await act()
                await real(self, work)

            monkeypatch.setattr(kind, "commit", beaten)

        patched(SqliteStore)
        patched(MongoStore)

    yield arrange
    monkeypatch.undo()


def conflict(response: Response) -> str:
    """The text of a 409."""
    assert response.status_code == 409, response.text
    ((code, text),) = issues(response)
    assert code == "conflict"
    return text


async def test_of_two_merges_in_opposite_directions_one_wins(client: AsyncClient, first: First) -> None:
    one, other = await two(client)
    first(lambda: merge(client, source=other, target=one))
    assert "not active" in conflict(await merge(client, source=one, target=other))
    assert [(await now(client, r))["active"] for r in (one, other)] == [True, False]


async def test_of_two_merges_of_one_source_one_wins(client: AsyncClient, first: First) -> None:
    source, target = await two(client)
    third = await create(client, patient(active=True))
    first(lambda: merge(client, source=source, target=third))
    text = conflict(await merge(client, source=source, target=target))
    assert f"Patient/{third['id']}" in text
    assert "link" not in await now(client, target)
    assert (await now(client, source))["link"] == [{"other": reference(third), "type": "replaced-by"}]


async def test_a_merge_into_what_is_merged_at_the_same_time_leads_to_its_survivor(
    client: AsyncClient, first: First
) -> None:
    one, other = await two(client)
    third = await create(client, patient(active=True))
    first(lambda: merge(client, source=one, target=other))
    assert (await merge(client, source=other, target=third)).status_code == 200
    for retired in (one, other):
        assert (await now(client, retired))["link"][-1] == {"other": reference(third), "type": "replaced-by"}
    assert "replaced-by" not in str(await now(client, third))


async def test_an_update_of_the_source_is_not_lost(client: AsyncClient, first: First) -> None:
    source, target = await two(client)
    number = {"system": "urn:n", "value": source["id"]}
    first(lambda: put(client, {**source, "identifier": [number]}))
    assert (await merge(client, source=source, target=target)).status_code == 200
    assert (await now(client, target))["identifier"] == [{**number, "use": "old"}]
    assert (await now(client, source))["identifier"] == [number]


async def test_an_update_of_what_refers_to_the_source_is_not_lost(client: AsyncClient, first: First) -> None:
    source, target = await two(client)
    kin = await create(client, {"resourceType": "RelatedPerson", "patient": reference(source)})
    first(lambda: put(client, {**kin, "gender": "female"}))
    assert (await merge(client, source=source, target=target)).status_code == 200
    found = await now(client, kin)
    assert (found["gender"], found["patient"]) == ("female", reference(target))


async def test_a_new_reference_that_comes_with_another_conflict_follows_too(
    client: AsyncClient, first: First
) -> None:
    source, target = await two(client)
    made: list[Any] = []

    async def act() -> None:
        made.append(await create(client, {"resourceType": "RelatedPerson", "patient": reference(source)}))
        await put(client, {**target, "gender": "male"})

    first(act)
    assert (await merge(client, source=source, target=target)).status_code == 200
    assert (await now(client, made[0]))["patient"] == reference(target)


@pytest.mark.parametrize("which", [0, 1])
async def test_a_record_that_is_deleted_meanwhile_is_not_merged(
    client: AsyncClient, first: First, which: int
) -> None:
    pair = await two(client)
    source, target = pair
    first(lambda: client.delete(f"/Patient/{pair[which]['id']}"))
    assert "Resource not found" in conflict(await merge(client, source=source, target=target))
    assert await now(client, pair[1 - which]) == pair[1 - which]


async def test_a_version_that_was_named_and_is_no_more_current_is_a_conflict(
    client: AsyncClient, first: First
) -> None:
    source, target = await two(client)
    first(lambda: put(client, {**source, "gender": "male"}))
    versioned = f"Patient/{source['id']}/_history/1"
    assert "not the latest" in conflict(await merge(client, source=versioned, target=target))


async def test_a_record_that_others_keep_changing_is_given_up_with_409(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = await two(client)
    for kind in (SqliteStore, MongoStore):
        real = kind.commit

        async def beaten(self: Any, work: UnitOfWork, real: Any = real) -> None:
            if len(work.writes) > 1:
                known = await now(client, target)
                await put(client, {**known, "gender": "male" if known.get("gender") != "male" else "female"})
            await real(self, work)

        monkeypatch.setattr(kind, "commit", beaten)
    text = conflict(await merge(client, source=source, target=target))
    assert text == "others keep changing these resources; try again"


async def test_an_undoing_that_meets_another_merge_is_a_conflict(client: AsyncClient, first: First) -> None:
    source, target = await two(client)
    third = await create(client, patient(active=True))
    assert (await merge(client, source=source, target=target)).status_code == 200
    first(lambda: merge(client, source=target, target=third))
    response = await undo(client, source=source, target=target)
    assert response.status_code == 409
    assert (await now(client, source))["link"] == [{"other": reference(third), "type": "replaced-by"}]


async def test_an_update_that_an_undoing_meets_is_not_lost(client: AsyncClient, first: First) -> None:
    source, target = await two(client)
    found = parts(await merge(client, source=source, target=target))["result"]
    first(lambda: put(client, {**found, "gender": "female"}))
    assert (await undo(client, source=source, target=target)).status_code == 200
    assert (await now(client, target))["gender"] == "female"
    assert (await now(client, source))["active"] is True


async def test_of_many_merges_around_a_circle_no_circle_comes(client: AsyncClient) -> None:
    people = [await create(client, patient(active=True)) for _ in range(8)]
    rounds = [merge(client, source=people[n], target=people[(n + 1) % 8]) for n in range(8)]
    answers = await asyncio.gather(*rounds)
    assert {answer.status_code for answer in answers} <= {200, 409, 422}
    assert [answer.status_code for answer in answers].count(200) <= 7
    found = {f"Patient/{p['id']}": await now(client, p) for p in people}
    leads = {
        url: next((e["other"]["reference"] for e in p.get("link", []) if e["type"] == "replaced-by"), None)
        for url, p in found.items()
    }
    for url in leads:
        seen = [url]
        while (following := leads[seen[-1]]) is not None:
            assert following not in seen
            seen.append(following)
        assert found[seen[-1]]["active"] is True
