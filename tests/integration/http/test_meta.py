"""$meta, $meta-add and $meta-delete over HTTP, on both stores."""

from typing import Any, Final

import pytest
from httpx import AsyncClient, Response

from tests.integration.http.exchanges import Json, create, find, outcome, patient, send, surname
from tests.integration.http.serving import Serve

GREEN: Final = {"system": "urn:colour", "code": "green", "display": "Green"}
RED: Final = {"system": "urn:colour", "code": "red"}
PROFILE: Final = "urn:profile:one"


def given(**meta: Any) -> Json:
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}


def told(response: Response) -> Json:
    assert response.status_code == 200, response.text
    (value,) = response.json()["parameter"]
    assert value["name"] == "return"
    found: Json = value["valueMeta"]
    return found


async def test_the_meta_of_a_resource_is_told_whole(client: AsyncClient) -> None:
    made = await create(client, patient(meta={"tag": [GREEN], "source": "urn:here"}))
    path = f"/Patient/{made['id']}/$meta"
    assert told(await client.get(path)) == made["meta"]
    assert told(await client.get(path, params={"_format": "json"})) == made["meta"]
    assert told(await send(client, "POST", path)) == made["meta"]
    assert (await client.head(path)).status_code == 200
    outcome(await client.get(path, params={"else": "x"}), 400, "invalid", "http")
    outcome(await client.get("/Patient/never/$meta"), 404, "not-found")
    outcome(await client.get("/Nothing/never/$meta"), 404, "not-supported")


async def test_tags_are_added_in_a_new_version_and_found_by(client: AsyncClient) -> None:
    family = surname()
    made = await create(client, patient(meta={"tag": [GREEN]}, name=[{"family": family}]))
    path = f"/Patient/{made['id']}"
    added = told(
        await send(client, "POST", f"{path}/$meta-add", given(tag=[RED, {**GREEN, "display": "Verde"}]))
    )
    assert (added["versionId"], added["tag"]) == ("2", [GREEN, RED])
    current = (await client.get(path)).json()
    assert (current["meta"], current["name"]) == (added, made["name"])
    assert (await find(client, f"Patient?_tag=urn:colour|red&name={family}"))["total"] == 1
    assert (await client.get(f"{path}/_history/1")).json() == made


async def test_what_is_there_already_makes_no_version(client: AsyncClient) -> None:
    made = await create(client, patient(meta={"tag": [GREEN], "profile": [PROFILE]}))
    path = f"/Patient/{made['id']}"
    again = await send(client, "POST", f"{path}/$meta-add", given(tag=[GREEN], profile=[PROFILE]))
    assert told(again) == made["meta"]
    none = await send(client, "POST", f"{path}/$meta-delete", given(tag=[RED], security=[RED]))
    assert told(none) == made["meta"]


async def test_profiles_and_labels_are_taken_away(client: AsyncClient) -> None:
    made = await create(client, patient(meta={"profile": [PROFILE], "security": [RED, GREEN]}))
    path = f"/Patient/{made['id']}"
    label = {"system": "urn:colour", "code": "green", "version": "7"}
    left = told(
        await send(client, "POST", f"{path}/$meta-delete", given(profile=[PROFILE], security=[label]))
    )
    assert (left["versionId"], left.get("profile"), left["security"]) == ("2", None, [RED])
    history = (await client.get(f"{path}/_history")).json()
    assert [entry["request"]["method"] for entry in history["entry"]] == ["PATCH", "POST"]


async def test_only_profiles_tags_and_labels_of_what_is_given_count(client: AsyncClient) -> None:
    made = await create(client, patient(meta={"source": "urn:here"}))
    path = f"/Patient/{made['id']}/$meta-add"
    added = told(await send(client, "POST", path, given(versionId="7", source="urn:there", tag=[RED])))
    assert (added["versionId"], added["source"], added["tag"]) == ("2", "urn:here", [RED])


@pytest.mark.parametrize("name", ["$meta-add", "$meta-delete"])
async def test_a_change_of_meta_is_posted_to_a_resource_that_is_there(client: AsyncClient, name: str) -> None:
    made = await create(client, patient())
    path = f"/Patient/{made['id']}/{name}"
    refused = await client.get(path)
    outcome(refused, 405, "not-supported")
    assert refused.headers["allow"] == "POST"
    outcome(await send(client, "POST", path, b""), 400, "structure")
    outcome(await send(client, "POST", path, {"resourceType": "Parameters"}), 400, "required")
    bad = "Parameters.parameter[0].valueMeta.tag[0].code"
    outcome(await send(client, "POST", path, given(tag=[{"code": 7}])), 400, "structure", bad)
    outcome(await send(client, "POST", f"/Patient/never/{name}", given(tag=[RED])), 404, "not-found")
    await client.delete(f"/Patient/{made['id']}")
    outcome(await send(client, "POST", path, given(tag=[RED])), 410, "deleted")
    outcome(await send(client, "POST", f"/Patient/{name}", given(tag=[RED])), 404, "not-supported")


async def test_the_meta_in_use_is_told_of_a_type_and_of_all(serve: Serve) -> None:
    async with serve() as client:
        assert (await client.get("/$meta")).json() == {"resourceType": "Parameters"}
        await create(client, patient(meta={"tag": [GREEN, {"code": "bare"}], "profile": [PROFILE]}))
        again = await create(client, patient(meta={"tag": [GREEN], "security": [RED]}))
        await create(client, {"resourceType": "Person", "meta": {"tag": [RED, GREEN]}})
        green = {"system": "urn:colour", "code": "green"}
        assert told(await client.get("/Person/$meta")) == {"tag": [green, RED]}
        known = {"profile": [PROFILE], "security": [RED], "tag": [green, {"code": "bare"}]}
        assert as_sets(told(await client.get("/Patient/$meta"))) == as_sets(known)
        everywhere = told(await send(client, "POST", "/$meta", {"resourceType": "Parameters"}))
        assert as_sets(everywhere) == as_sets({**known, "tag": [green, {"code": "bare"}, RED]})
        await client.delete(f"/Patient/{again['id']}")
        assert "security" not in told(await client.get("/Patient/$meta"))


def as_sets(meta: Json) -> dict[str, set[str]]:
    return {name: {str(value) for value in values} for name, values in meta.items()}


async def test_a_change_of_meta_needs_no_if_match_where_updates_do(serve: Serve) -> None:
    async with serve(if_match_required=True) as client:
        made = await create(client, patient())
        path = f"/Patient/{made['id']}/$meta-add"
        assert told(await send(client, "POST", path, given(tag=[RED])))["versionId"] == "2"
