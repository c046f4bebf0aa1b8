"""$mdm-submit and $mdm-clear as jobs: what they do, and that they go on where another process stopped."""

from typing import Any

import pytest
from httpx import AsyncClient, Response

from fhir_mpi.interactions.jobs import Running, follow, take_away
from fhir_mpi.mdm.link import MatchResult
from fhir_mpi.operations import mdm_submit
from fhir_mpi.operations.background import JOBS
from fhir_mpi.operations.call import Answer, Call
from fhir_mpi.operations.mdm_clear import clear
from fhir_mpi.operations.mdm_submit import submit
from fhir_mpi.storage.port import JobConflict
from tests.integration.http.serving import Serve
from tests.integration.http.test_jobs import LATER, QUICK, ask
from tests.integration.mdm.conftest import NewWorld
from tests.integration.mdm.states import World, person, possibly

LINKS: dict[str, Any] = {"mdm": "match-and-link", **QUICK}
BASE = "http://mpi.test/fhir"


def parameters(*given: tuple[str, str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": n, t: v} for n, t, v in given]}


async def post(client: AsyncClient, path: str, *given: tuple[str, str, Any], **headers: str) -> Response:
    return await client.post(path, json=parameters(*given), headers=headers)


async def result(client: AsyncClient, response: Response) -> dict[str, Any]:
    """What the job answers in the end."""
    assert response.status_code == 202, response.text
    told = {each["name"]: each["valueString"] for each in response.json()["parameter"]}
    assert response.headers["content-location"] == f"{BASE}/_jobs/{told['jobId']}"
    (entry,) = (await ask(client, response.headers["content-location"])).json()["entry"]
    assert "resource" in entry, entry
    found: dict[str, Any] = entry["resource"]
    return found


async def linked(client: AsyncClient) -> int:
    found = (await client.get("/$mdm-query-links?_count=100")).json()
    return sum(each["name"] == "link" for each in found.get("parameter", ()))


async def test_sources_are_submitted_and_linked_by_a_job(serve: Serve, store_url: str) -> None:
    async with serve(store=store_url) as client:
        for number, who in enumerate("aabc"):
            await client.put(f"/Patient/{number}", json={**person(who), "id": str(number)})
        clinic = {"resourceType": "Organization", "id": "o", "name": "Arden Clinic Tessel"}
        await client.put("/Organization/o", json=clinic)
    async with serve(store=store_url, **LINKS) as client:
        assert await linked(client) == 0
        one = await result(client, await post(client, "/Patient/3/$mdm-submit", **LATER))
        assert (one["parameter"], await linked(client)) == ([{"name": "submitted", "valueDecimal": 1}], 1)
        criteria = ("criteria", "valueString", f"birthdate={person('b')['birthDate']}")
        await result(client, await post(client, "/Patient/$mdm-submit", criteria, **LATER))
        assert await linked(client) == 2
        everything = await result(client, await post(client, "/$mdm-submit", **LATER))
        assert everything["parameter"] == [{"name": "submitted", "valueDecimal": 5}]
        assert await linked(client) == 5


async def test_what_cannot_be_submitted_is_refused_before_there_is_a_job(serve: Serve) -> None:
    async with serve(**LINKS) as client:
        unknown = ("criteria", "valueString", "height=7")
        assert (await post(client, "/Patient/$mdm-submit", unknown, **LATER)).status_code == 400
        assert (await post(client, "/Patient/none/$mdm-submit", **LATER)).status_code == 404
        await client.put("/Patient/1", json={**person("a"), "id": "1"})
        link = next(p for p in (await client.get("/$mdm-query-links")).json()["parameter"] if "part" in p)
        golden = next(p["valueString"] for p in link["part"] if p["name"] == "goldenResourceId")
        assert (await post(client, f"/{golden}/$mdm-submit", **LATER)).status_code == 400


async def test_clearing_ends_golden_records_and_links_and_leaves_sources(serve: Serve) -> None:
    async with serve(**LINKS) as client:
        for number, who in enumerate("aabc"):
            await client.put(f"/Patient/{number}", json={**person(who), "id": str(number)})
        before = [(await client.get(f"/Patient/{number}")).json() for number in range(4)]
        size = ("batchSize", "valueDecimal", 2)
        told = await result(client, await post(client, "/$mdm-clear", size))
        assert told["parameter"] == [{"name": "cleared", "valueDecimal": 3}]
        assert await linked(client) == 0
        assert [(await client.get(f"/Patient/{number}")).json() for number in range(4)] == before
        assert (await client.get("/Patient?_summary=count")).json()["total"] == 4
        history = (await client.get("/$mdm-link-history?resourceId=Patient/0")).json()["parameter"]
        assert len(history) == 2
        await result(client, await post(client, "/$mdm-submit", **LATER))
        assert await linked(client) == 4


async def test_clearing_takes_the_types_that_are_named(serve: Serve) -> None:
    async with serve(**LINKS) as client:
        await client.put("/Patient/1", json={**person("a"), "id": "1"})
        clinic = {"resourceType": "Organization", "id": "o", "name": "Arden Clinic Tessel"}
        await client.put("/Organization/o", json=clinic)
        await result(client, await post(client, "/$mdm-clear", ("resourceType", "valueString", "Patient")))
        assert await linked(client) == 1


async def test_a_type_that_is_not_linked_and_a_size_of_no_use_are_refused(serve: Serve) -> None:
    async with serve(**{**LINKS, "organization_mdm": "match-only"}) as client:
        for given in (
            ("resourceType", "valueString", "Organization"),
            ("batchSize", "valueDecimal", 0),
            ("batchSize", "valueDecimal", 1.5),
            ("batchSize", "valueDecimal", 1001),
        ):
            response = await post(client, "/$mdm-clear", given)
            assert response.status_code == 400
            (told,) = response.json()["issue"]
            assert told["expression"] == [f"Parameters.parameter.where(name='{given[0]}').value"]
        refused = await post(client, "/$mdm-clear", ("resourceType", "valueString", "Observation"))
        assert "HAPI-1500: $mdm-clear does not support resource type: Observation" in refused.text


async def test_what_a_person_said_and_what_was_merged_is_cleared_too(world: World) -> None:
    await world.put("1", person("a"))
    await world.put("2", person("b"))
    await world.put("3", possibly("a"))
    await world.state()
    await world.says("3", "A", MatchResult.NO_MATCH)
    await world.state()
    await world.merges("B", "A")
    await run(world, await clear(world.services, Call({}, BASE)))
    assert await world.state() == []
    assert await world.goldens() == {}
    assert await world.services.store.pending_count() == 0


async def test_a_submission_goes_on_behind_what_another_process_did(
    new_world: NewWorld, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mdm_submit, "LINKED_TOGETHER", 2)
    async with new_world(mdm="match-only") as world:
        for number in range(7):
            await world.put(str(number), person("abc"[number % 3]))
    async with new_world() as world:
        answer = await submit(world.services, Call({"resourceType": "Patient"}, BASE, later=True))
        with pytest.raises(Killed):
            await run(world, answer, commits=2)
        reached = len(await world.links())
        assert 0 < reached < 7
        job, _ = await follow(world.services, job_id(answer))
        assert job.progress == f"{reached} submitted"
        await run(world, answer)
        assert len(await world.links()) == 7
        _, done = await follow(world.services, job_id(answer))
        assert done is not None
        assert done.resource["parameter"] == [{"name": "submitted", "valueDecimal": 7}]
        assert [link.version for link in await world.links()] == [1] * 7


async def test_a_clearing_goes_on_behind_what_another_process_did(world: World) -> None:
    for who in "abcde":
        await world.put(who, person(who))
    answer = await clear(world.services, Call({"batchSize": 2}, BASE))
    with pytest.raises(Killed):
        await run(world, answer, commits=1)
    assert len(await world.state()) == 3
    await run(world, answer)
    assert await world.state() == []
    _, done = await follow(world.services, job_id(answer))
    assert done is not None
    assert done.resource["parameter"] == [{"name": "cleared", "valueDecimal": 5}]


async def test_a_job_that_was_taken_away_stops_where_it_is(world: World) -> None:
    for who in "abcde":
        await world.put(who, person(who))
    answer = await clear(world.services, Call({"batchSize": 2}, BASE))
    with pytest.raises(Killed):
        await run(world, answer, commits=1)
    running = await running_of(world, answer)
    await take_away(world.services, job_id(answer), lambda kind: JOBS[kind].withdraw)
    with pytest.raises(JobConflict):
        await JOBS["mdm-clear"].run(world.services, running)
    assert len(await world.state()) == 3


class Killed(BaseException):
    """The process ends."""


class Mortal(Running):
    """A job whose process ends after so many commits."""

    left = 10**6

    async def commit(self, *given: Any, **said: Any) -> None:
        if not self.left:
            raise Killed
        await super().commit(*given, **said)
        self.left -= 1


def job_id(answer: Any) -> str:
    assert isinstance(answer, Answer)
    found: str = answer.resource["parameter"][0]["valueString"]
    return found


async def running_of(world: World, answer: Any) -> Mortal:
    job = await world.services.store.job(job_id(answer))
    assert job is not None
    return Mortal(world.services, job)


async def run(world: World, answer: Any, commits: int = 10**6) -> None:
    """Runs the job that an operation accepted, until its process is killed."""
    running = await running_of(world, answer)
    running.left = commits
    job = await world.services.store.job(job_id(answer))
    assert job is not None
    await JOBS[job.kind].run(world.services, running)
