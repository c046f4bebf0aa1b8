"""The stewards' queue: what needs a person, who is at it, what was decided, and the way back."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import AsyncClient, Response

from fhir_mpi.mdm.review import MOST_SAMPLED, bucket
from tests.integration.http.exchanges import Json, outcome
from tests.integration.http.serving import Serve
from tests.integration.mdm.states import person, possibly

FAR = "2999-01-01"


def said(part: Json) -> dict[str, Any]:
    """The parts of a part, by name."""
    return {p["name"]: next(v for k, v in p.items() if k.startswith("value")) for p in part["part"]}


def parameters(**values: Any) -> Json:
    kinds = {int: "valueInteger", str: "valueString", float: "valueDecimal"}
    codes = {"decision": "valueCode", "state": "valueCode", "until": "valueDateTime"}
    given = [{"name": n, codes.get(n, kinds[type(v)]): v} for n, v in values.items()]
    return {"resourceType": "Parameters", "parameter": given}


class Desk:
    """What a steward can do over HTTP."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client

    async def put(self, id: str, resource: Json) -> None:
        response = await self.client.put(f"/Patient/{id}", json={**resource, "id": id})
        assert response.status_code in (200, 201), response.text

    async def page(self, **query: Any) -> Json:
        response = await self.client.get("/$mdm-review-queue", params=query or None)
        assert response.status_code == 200, response.text
        found: Json = response.json()
        return found

    async def queue(self, **query: Any) -> list[dict[str, Any]]:
        parts = (await self.page(**query)).get("parameter", ())
        return [said(part) for part in parts if part["name"] == "item"]

    async def first(self, **query: Any) -> dict[str, Any]:
        found = await self.queue(**query)
        assert len(found) == 1, found
        return found[0]

    async def act(self, what: str, item: dict[str, Any], steward: str = "anna", **more: Any) -> Response:
        given: dict[str, Any] = {
            "goldenResourceId": item["goldenResourceId"],
            "resourceId": item["sourceResourceId"],
            "version": item["version"],
            "steward": steward,
            **({"linkVersion": item["linkVersion"]} if what == "decide" else {}),
            **more,
        }
        return await self.client.post(f"/$mdm-review-{what}", json=parameters(**given))

    async def done(
        self, what: str, item: dict[str, Any], steward: str = "anna", **more: Any
    ) -> dict[str, Any]:
        response = await self.act(what, item, steward, **more)
        assert response.status_code == 200, response.text
        return said(response.json()["parameter"][0])

    async def history(self, item: dict[str, Any]) -> list[dict[str, Any]]:
        query = {"goldenResourceId": item["goldenResourceId"], "resourceId": item["sourceResourceId"]}
        response = await self.client.get("/$mdm-review-history", params=query)
        assert response.status_code == 200, response.text
        return [said(part) for part in response.json().get("parameter", ())]

    async def link(self, source: str) -> list[tuple[str, str]]:
        """Result and source of every link of a source record."""
        found = await self.client.get("/$mdm-query-links", params={"resourceId": f"Patient/{source}"})
        parts = [said(part) for part in found.json()["parameter"] if part["name"] == "link"]
        return sorted((part["matchResult"], part["linkSource"]) for part in parts)


@pytest.fixture
async def desk(serve: Serve) -> AsyncIterator[Desk]:
    """Patient 1, and 2 who possibly is the same."""
    async with serve(mdm="match-and-link", mdm_review_sample=0) as client:
        found = Desk(client)
        await found.put("1", person("a"))
        await found.put("2", possibly("a"))
        yield found


async def test_what_is_possible_waits_for_a_person(desk: Desk) -> None:
    item = await desk.first()
    assert item["sourceResourceId"] == "Patient/2"
    assert (item["reason"], item["state"], item["version"]) == ("possible-match", "open", 0)
    assert (item["matchResult"], item["linkSource"], item["linkVersion"]) == ("POSSIBLE_MATCH", "AUTO", 1)
    assert 0 < item["score"] < 1
    assert await desk.history(item) == []


async def test_what_is_claimed_is_a_stewards_until_it_is_given_back(desk: Desk) -> None:
    item = await desk.done("claim", await desk.first(), note="I know her")
    assert (item["state"], item["assignee"], item["version"], item["note"]) == (
        "claimed",
        "anna",
        1,
        "I know her",
    )
    assert await desk.queue() == []
    assert [each["version"] for each in await desk.queue(assignee="anna")] == [1]
    assert await desk.queue(assignee="bert") == []
    for what in ("claim", "decide"):
        more = {"decision": "match"} if what == "decide" else {}
        refused = await desk.act(what, item, "bert", **more)
        text = outcome(refused, 409, "conflict")["issue"][0]["diagnostics"]
        assert "claimed by anna" in text
    item = await desk.done("release", item, "bert")
    assert (item["state"], "assignee" in item) == ("open", False)
    assert [each["version"] for each in await desk.queue()] == [2]


async def test_two_stewards_at_once_are_told_who_was_first(desk: Desk) -> None:
    item = await desk.first()
    answers = await asyncio.gather(*(desk.act("claim", item, f"steward{n}") for n in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    winner = said(next(a for a in answers if a.status_code == 200).json()["parameter"][0])
    for answer in answers:
        if answer.status_code == 409:
            text = outcome(answer, 409, "conflict")["issue"][0]["diagnostics"]
            assert f"claimed by {winner['assignee']}" in text
            assert "version 1" in text
    assert len(await desk.history(item)) == 1


async def test_a_match_that_is_decided_is_a_persons_and_can_be_undone(desk: Desk) -> None:
    item = await desk.done("decide", await desk.first(), decision="match", note="asked her")
    assert (item["state"], item["decision"], item["matchResult"], item["linkSource"]) == (
        "decided",
        "match",
        "MATCH",
        "MANUAL",
    )
    assert await desk.link("2") == [("MATCH", "MANUAL")]
    assert await desk.queue() == []
    assert [each["decision"] for each in await desk.queue(state="decided")] == ["match"]
    item = await desk.done("undo", item, "bert", note="it was her sister")
    assert (item["state"], item["matchResult"], item["linkSource"]) == ("open", "POSSIBLE_MATCH", "AUTO")
    assert await desk.link("2") == [("POSSIBLE_MATCH", "AUTO")]
    assert (await desk.first())["version"] == 2
    told = [(each["action"], each["steward"], each["note"]) for each in await desk.history(item)]
    assert told == [("undo", "bert", "it was her sister"), ("decide", "anna", "asked her")]


async def test_what_is_no_match_gets_a_golden_record_of_its_own_until_that_is_undone(desk: Desk) -> None:
    item = await desk.done("decide", await desk.first(), decision="no-match")
    assert await desk.link("2") == [("MATCH", "AUTO"), ("NO_MATCH", "MANUAL")]
    goldens = "/Patient?_tag=http://hapifhir.io/fhir/NamingSystem/mdm-record-status|GOLDEN_RECORD"
    assert (await desk.client.get(goldens)).json()["total"] == 2
    await desk.done("undo", item)
    assert await desk.link("2") == [("POSSIBLE_MATCH", "AUTO")]
    assert (await desk.client.get(goldens)).json()["total"] == 1


async def test_what_a_steward_defers_comes_back_when_it_is_time_or_the_link_changes(desk: Desk) -> None:
    item = await desk.done("decide", await desk.first(), decision="defer", until=FAR)
    assert (item["state"], item["until"][:10]) == ("deferred", FAR)
    assert await desk.queue() == []
    await desk.put("2", person("a", telecom=None, address=None))
    assert [(each["state"], each["version"]) for each in await desk.queue()] == [("open", 1)]
    await desk.put("3", possibly("a"))
    other = next(each for each in await desk.queue() if each["sourceResourceId"] == "Patient/3")
    await desk.done("decide", other, decision="defer")
    assert "Patient/3" not in [each["sourceResourceId"] for each in await desk.queue()]
    assert "Patient/3" in [each["sourceResourceId"] for each in await desk.queue(state="deferred")]
    refused = await desk.act("decide", {**other, "version": 1}, decision="defer", until="2001-01-01")
    outcome(refused, 400, "value")
    late = "9999-12-31T23:59:59-12:00"
    outcome(await desk.act("decide", {**other, "version": 1}, decision="defer", until=late), 400, "value")


async def test_a_possible_duplicate_is_none_or_is_merged(desk: Desk) -> None:
    await desk.put("1", person("b"))
    await desk.put("2", person("c"))
    await desk.put("3", person("d"))
    await desk.put("3", possibly("b"))
    golden = {s: (await desk.client.get(f"/Patient/{s}/$lookup-eid")).json() for s in "12"}
    ids = [
        next(p["valueString"] for p in found["parameter"] if p["name"] == "goldenResourceId")
        for found in golden.values()
    ]
    found = await desk.queue(reason="possible-duplicate")
    for item in found:
        refused = await desk.act("decide", item, decision="match")
        text = outcome(refused, 400, "invalid")["issue"][0]["diagnostics"]
        assert "$mdm-merge-golden-resources" in text
        outcome(await desk.act("decide", item, decision="confirm"), 400, "invalid")
        item = await desk.done("decide", item, decision="no-match")
        assert (item["matchResult"], item["linkSource"]) == ("NO_MATCH", "MANUAL")
        item = await desk.done("undo", item)
        assert (item["matchResult"], item["linkSource"]) == ("POSSIBLE_DUPLICATE", "AUTO")
    assert len(found) == 1
    assert len(set(ids)) == 2


async def test_a_persons_link_that_the_matching_speaks_against_comes_back(desk: Desk) -> None:
    item = await desk.done("decide", await desk.first(), decision="match")
    assert await desk.queue(reason="contradiction") == []
    await desk.put("2", person("z"))
    item = await desk.first()
    assert (item["reason"], item["state"], item["linkSource"]) == ("contradiction", "open", "MANUAL")
    item = await desk.done("decide", item, decision="confirm", note="she changed her name")
    assert await desk.queue() == []
    assert await desk.link("2") == [("MATCH", "MANUAL")]
    item = await desk.done("undo", item)
    assert (item["state"], await desk.link("2")) == ("open", [("MATCH", "MANUAL")])
    assert [each["action"] for each in await desk.history(item)] == ["undo", "decide", "decide"]


async def test_a_refusal_that_the_matching_speaks_against_comes_back(desk: Desk) -> None:
    await desk.done("decide", await desk.first(), decision="no-match")
    await desk.put("2", person("a"))
    assert [each["reason"] for each in await desk.queue()] == ["contradiction"]
    item = await desk.first()
    refused = await desk.act("decide", item, decision="match")
    outcome(refused, 400, "invalid")  # it matches a golden record of its own by now
    await desk.done("decide", item, decision="confirm")
    assert await desk.queue() == []


async def test_a_sample_of_the_automatic_matches_is_looked_at(serve: Serve) -> None:
    async with serve(mdm="match-and-link", mdm_review_sample=0.1) as client:
        desk = Desk(client)
        for number in range(40):
            await desk.put(f"s{number}", person(f"sample{number}"))
        links = (await client.get("/$mdm-query-links?_count=100")).json()["parameter"]
        pairs = [said(part) for part in links if part["name"] == "link"]
        wanted = {
            pair["sourceResourceId"]
            for pair in pairs
            if bucket(("Patient", pair["goldenResourceId"][8:], pair["sourceResourceId"][8:])) < MOST_SAMPLED
        }
        found = await desk.queue(reason="sample")
        assert {item["sourceResourceId"] for item in found} == wanted
        for item in found:
            await desk.done("decide", item, decision="confirm")
        assert await desk.queue() == []
        assert {tuple(pair) for item in found for pair in await desk.link(item["sourceResourceId"][8:])} <= {
            ("MATCH", "AUTO")
        }


async def test_the_queue_is_filtered_sorted_and_paged(desk: Desk) -> None:
    for number in range(3, 7):
        await desk.put(str(number), possibly("a"))
    everything = await desk.queue()
    assert len(everything) == 5
    scores = [item["score"] for item in await desk.queue(_sort="-score")]
    assert scores == sorted(scores, reverse=True)
    page = await desk.page(_count=2)
    assert [part["name"] for part in page["parameter"]] == ["next", "item", "item"]
    following = await desk.queue(_count=10, _offset=page["parameter"][0]["valueInteger"])
    assert [*(said(p) for p in page["parameter"][1:]), *following] == everything
    assert await desk.queue(reason="sample,contradiction") == []
    assert await desk.queue(minScore=1) == []
    assert len(await desk.queue(maxScore=1, resourceType="Patient")) == 5
    assert await desk.queue(changedBefore="2001") == []
    assert len(await desk.queue(changedSince="2001", changedBefore=FAR)) == 5
    assert "parameter" not in await desk.page(reason="sample")


@pytest.mark.parametrize(
    ("query", "code", "where"),
    [
        ({"state": "lost"}, "value", "state"),
        ({"reason": "boredom"}, "value", "reason"),
        ({"resourceType": "Person"}, "value", "resourceType"),
        ({"_sort": "age"}, "value", "_sort"),
        ({"_count": 0}, "value", "_count"),
        ({"_offset": -1}, "value", "_offset"),
        ({"state": "open,claimed"}, "invalid", "state"),
        ({"state": "open", "assignee": "anna"}, "invalid", "state"),
        ({"state": "decided", "_sort": "score"}, "invalid", "_sort"),
    ],
)
async def test_a_queue_that_there_is_not_is_refused(
    desk: Desk, query: dict[str, Any], code: str, where: str
) -> None:
    refused = await desk.client.get("/$mdm-review-queue", params=query)
    outcome(refused, 400, code, f"Parameters.parameter.where(name='{where}').value")


async def test_an_action_that_does_not_fit_is_refused(desk: Desk) -> None:
    item = await desk.first()
    outcome(await desk.act("undo", item), 409, "conflict")
    outcome(await desk.act("release", item), 409, "conflict")
    outcome(await desk.act("claim", {**item, "version": 7}), 409, "conflict")
    outcome(await desk.act("decide", {**item, "linkVersion": 7}, decision="match"), 409, "conflict")
    outcome(await desk.act("decide", item, decision="perhaps"), 400, "value")
    outcome(await desk.act("decide", item, decision="confirm"), 400, "invalid")
    outcome(await desk.act("decide", item, decision="match", until=FAR), 400, "invalid")
    outcome(await desk.act("claim", {**item, "sourceResourceId": "Patient/1"}), 400, "invalid")
    outcome(await desk.act("claim", {**item, "sourceResourceId": "Patient/9"}), 404, "not-found")
    outcome(await desk.act("claim", {**item, "sourceResourceId": "Organization/1"}), 400, "invalid")
    item = await desk.done("note", item, note="looks like her")
    assert (item["state"], item["version"], item["note"]) == ("open", 1, "looks like her")
    decided = await desk.done("decide", item, decision="match")
    for what in ("claim", "release", "decide"):
        more = {"decision": "match"} if what == "decide" else {}
        text = outcome(await desk.act(what, decided, **more), 409, "conflict")["issue"][0]["diagnostics"]
        assert "it is decided in version 2" in text


async def test_what_changed_after_a_decision_is_not_undone_blindly(desk: Desk) -> None:
    item = await desk.done("decide", await desk.first(), decision="match")
    body = {
        "goldenResourceId": item["goldenResourceId"],
        "resourceId": "Patient/2",
        "matchResult": "NO_MATCH",
    }
    changed = await desk.client.post("/$mdm-update-link", json=parameters(**body))
    assert changed.status_code == 200, changed.text
    await desk.put("2", person("a"))
    item = await desk.first()
    outcome(await desk.act("undo", item), 409, "conflict")


async def test_there_is_no_queue_where_nothing_is_linked(serve: Serve) -> None:
    async with serve() as client:
        refused = await client.get("/$mdm-review-queue")
        outcome(refused, 405, "not-supported")
