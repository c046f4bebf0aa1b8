"""Searches of several types at once, on both stores."""

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import (
    Json,
    create,
    followed,
    ids,
    link,
    organization,
    outcome,
    patient,
    surname,
)
from tests.integration.http.serving import BASE

TAG = "urn:system-search"


async def tagged(client: AsyncClient) -> tuple[str, list[str]]:
    """A tag, and the ids of two organizations, a person and three patients that have it."""
    code = surname()
    meta: Json = {"tag": [{"system": TAG, "code": code}]}
    resources = [
        *(patient(meta=meta, active=True) for _ in range(3)),
        *(organization(meta=meta, name=f"Clinic {n}") for n in range(2)),
        {"resourceType": "Person", "meta": meta},
    ]
    return code, [(await create(client, resource))["id"] for resource in resources]


@pytest.mark.parametrize("count", range(1, 8))
async def test_types_follow_each_other_over_all_pages(client: AsyncClient, count: int) -> None:
    code, made = await tagged(client)
    url: str | None = f"{BASE}?_tag={TAG}|{code}&_count={count}"
    seen: list[str] = []
    while url is not None:
        page = (await client.get(url)).json()
        assert (page["type"], page["total"]) == ("searchset", 6)
        assert len(ids(page)) == min(count, 6 - len(seen))
        seen += ids(page)
        url = link(page, "next")
    assert sorted(seen[:3]) == sorted(made[:3])
    assert sorted(seen[3:5]) == sorted(made[3:5])
    assert seen[5:] == made[5:]


@pytest.mark.parametrize("count", range(1, 8))
async def test_previous_leads_back_over_all_types(client: AsyncClient, count: int) -> None:
    code, _ = await tagged(client)
    forth = await followed(client, f"{BASE}?_tag={TAG}|{code}&_count={count}", "next")
    back = await followed(client, link(forth[-1], "self"), "previous")
    assert [ids(page) for page in back[::-1]] == [ids(page) for page in forth]
    again = await followed(client, link(back[-1], "self"), "next")
    assert [ids(page) for page in again] == [ids(page) for page in forth]


async def test_types_can_be_named(client: AsyncClient) -> None:
    code, made = await tagged(client)
    found = (await client.get(f"/?_type=Person,Organization&_tag={code}")).json()
    assert sorted(ids(found)[:2]) == sorted(made[3:5])
    assert ids(found)[2:] == made[5:]
    assert link(found, "self") == f"{BASE}?_type=Organization%2CPerson&_tag={code}"
    counted = (await client.get(f"/?_type=Patient&_tag={code}&_count=0")).json()
    assert (counted["total"], counted.get("entry")) == (3, None)
    without = (await client.get(f"/?_type=Patient&_tag={code}&_total=none&_count=2")).json()
    assert "total" not in without
    assert link(without, "next") is not None


async def test_a_form_can_be_posted(client: AsyncClient) -> None:
    code, made = await tagged(client)
    response = await client.post("/_search", data={"_type": "Patient", "_tag": code, "active": "true"})
    assert sorted(ids(response.json())) == sorted(made[:3])


@pytest.mark.parametrize(
    ("query", "code", "expression"),
    [
        ("", "invalid", "http"),
        ("_format=json", "invalid", "http"),
        ("_type=Encounter", "value", "http._type"),
        ("_type=Patient,patient", "value", "http._type"),
        ("_type=Patient,Organization&family=x", "not-supported", "http.family"),
        ("_tag=x&_cursor=forged", "invalid", None),
    ],
)
async def test_what_no_search_of_several_types_can_be_is_refused(
    client: AsyncClient, query: str, code: str, expression: str | None
) -> None:
    outcome(await client.get(f"/?{query}"), 400, code, expression)
