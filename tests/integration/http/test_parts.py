"""_summary, _elements and _total: parts of what is found, on both stores."""

from typing import Any

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import (
    Json,
    bundle,
    create,
    entry,
    find,
    ids,
    link,
    outcome,
    patient,
    put,
    send,
    surname,
)

SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "Resource encoded in summary mode",
}
NARRATIVE = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Ana</div>'}


async def ana(client: AsyncClient, **elements: Any) -> Json:
    known: Json = {
        "text": NARRATIVE,
        "active": True,
        "name": [{"family": surname(), "given": ["Ana"], "extension": [{"url": "urn:x", "valueCode": "y"}]}],
        "birthDate": "1980-02-29",
        "deceasedBoolean": False,
        "photo": [{"title": "me"}],
        "contact": [{"name": {"family": "Ott"}}],
        "meta": {"tag": [{"system": "urn:t", "code": "kept"}]},
    }
    return await create(client, patient(**known, **elements))


def content(resource: Json) -> set[str]:
    return set(resource) - {"resourceType", "id", "meta"}


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("_summary=true", {"active", "name", "birthDate", "deceasedBoolean"}),
        ("_summary=text", {"text"}),
        ("_summary=data", {"active", "name", "birthDate", "deceasedBoolean", "photo", "contact"}),
        ("_elements=birthDate", {"active", "birthDate", "deceasedBoolean"}),
        ("_elements=id,resourceType,Patient.photo", {"active", "photo", "deceasedBoolean"}),
        ("_elements=nothing", {"active", "deceasedBoolean"}),
    ],
)
async def test_a_part_is_answered_and_tagged_as_one(client: AsyncClient, asked: str, kept: set[str]) -> None:
    made = await ana(client)
    found = await find(client, f"Patient?_id={made['id']}&{asked}")
    (only,) = found["entry"]
    read = (await client.get(f"/Patient/{made['id']}?{asked}")).json()
    older = (await client.get(f"/Patient/{made['id']}/_history/1?{asked}")).json()
    assert only["resource"] == read == older
    assert content(read) == kept
    assert read["meta"] == {**made["meta"], "tag": [*made["meta"]["tag"], SUBSETTED]}
    assert asked.split("=")[0] in (link(found, "self") or "")


async def test_a_summary_leaves_out_what_is_none_at_every_level(client: AsyncClient) -> None:
    made = await ana(client)
    (only,) = (await find(client, f"Patient?_id={made['id']}&_summary=true"))["entry"]
    assert only["resource"]["name"] == [{"family": made["name"][0]["family"], "given": ["Ana"]}]


@pytest.mark.parametrize("asked", ["_summary=false", "_elements=", "_summary="])
async def test_the_whole_is_answered_byte_for_byte(client: AsyncClient, asked: str) -> None:
    made = await ana(client)
    (only,) = (await find(client, f"Patient?_id={made['id']}&{asked}"))["entry"]
    assert only["resource"] == made
    assert (await client.get(f"/Patient/{made['id']}?{asked}")).json() == made


async def test_what_comes_along_is_a_part_too(client: AsyncClient) -> None:
    other = await ana(client)
    refers = [{"other": {"reference": f"Patient/{other['id']}"}, "type": "seealso"}]
    made = await create(client, patient(link=refers))
    found = await find(client, f"Patient?_id={made['id']}&_include=Patient:link&_summary=text")
    assert [content(e["resource"]) for e in found["entry"]] == [set(), {"text"}]


async def test_a_part_does_not_take_the_place_of_the_whole(client: AsyncClient) -> None:
    number = surname()
    made = await ana(client, identifier=[{"system": "urn:n", "value": number}])
    url = f"Patient/{made['id']}"
    part = (await client.get(f"/{url}?_summary=true")).json()
    for response in (
        await put(client, part),
        await send(client, "PUT", f"/Patient?identifier=urn:n|{number}", part),
        await send(client, "POST", "/", bundle("transaction", entry("PUT", url, part))),
    ):
        text = outcome(response, 422, "processing")["issue"][0]["diagnostics"]
        assert "contact, photo would be lost" in text
    assert (await client.get(f"/{url}")).json() == made


async def test_a_part_that_is_all_there_is_can_be_stored(client: AsyncClient) -> None:
    made = await create(client, patient(active=True, meta={"tag": [SUBSETTED]}))
    changed = await put(client, {**made, "active": False})
    assert (changed.status_code, changed.headers["etag"]) == (200, 'W/"2"')


@pytest.mark.parametrize(
    ("asked", "expression"),
    [("_summary=brief", "http._summary"), ("_summary=true&_elements=name", "http._elements")],
)
async def test_a_part_that_is_none_is_refused(client: AsyncClient, asked: str, expression: str) -> None:
    made = await ana(client)
    for path in ("/Patient", f"/Patient/{made['id']}"):
        response = await client.get(f"{path}?{asked}")
        assert response.status_code == 400
        assert response.json()["issue"][0]["expression"] == [expression]


async def test_a_count_is_no_way_to_read(client: AsyncClient) -> None:
    made = await ana(client)
    outcome(await client.get(f"/Patient/{made['id']}?_summary=count"), 400, "value", "http._summary")


async def test_the_total_can_be_left_out(client: AsyncClient) -> None:
    made = await ana(client)
    search = f"Patient?_id={made['id']}"
    for asked, total in (("accurate", 1), ("estimate", 1), ("none", None)):
        found = await find(client, f"{search}&_total={asked}")
        assert (found.get("total"), ids(found)) == (total, [made["id"]])
    assert (await find(client, f"{search}&_total=none&_count=0"))["total"] == 1
    outcome(await client.get("/Patient?_total=some"), 400, "value", "http._total")
    outcome(await client.get("/Patient?_elements=" + "a," * 300), 400, "too-costly", "http._elements")


async def test_three_keys_sort_one_after_the_other(client: AsyncClient) -> None:
    family = surname()
    people = [("b", "1980", "male"), ("a", "1990", "male"), ("a", "1980", "female"), ("a", "1980", "male")]
    made = {}
    for given, born, gender in people:
        name = [{"family": family, "given": [given]}]
        stored = await create(client, patient(name=name, birthDate=born, gender=gender))
        made[(given, born, gender)] = stored["id"]
    found = await find(client, f"Patient?family={family}&_sort=given,-birthdate,gender")
    expected = [("a", "1990", "male"), ("a", "1980", "female"), ("a", "1980", "male"), ("b", "1980", "male")]
    assert ids(found) == [made[key] for key in expected]


async def test_every_page_has_the_first_and_itself_among_its_links(client: AsyncClient) -> None:
    family = surname()
    for _ in range(3):
        await create(client, patient(name=[{"family": family}]))
    page = await find(client, f"Patient?family={family}&_count=2")
    following = link(page, "next") or ""
    second = (await client.get(following)).json()
    assert (link(second, "self"), link(second, "first")) == (following, link(page, "self"))
    assert link(second, "next") is None
