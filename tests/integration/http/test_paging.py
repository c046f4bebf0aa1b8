"""Pages of a searchset: met to the end, in order, forged by nobody (S07, S08), on both stores."""

import time

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import create, find, followed, ids, link, outcome, patient, people
from tests.integration.http.serving import Serve


async def read_all(client: AsyncClient, url: str | None) -> list[list[str]]:
    """The ids of every page, following `next` to the end."""
    return [ids(page) for page in await followed(client, url, "next")]


async def test_s07_a_search_without_criteria_is_paged(serve: Serve) -> None:
    async with serve(page_size=2) as client:
        _, born = await people(client, 5)
        pages = await read_all(client, "/Patient")
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(id for page in pages for id in page) == sorted(born)


@pytest.mark.parametrize(
    "change", [lambda c: "forged", lambda c: c[:-2], lambda c: f"x{c}", lambda c: c.upper()]
)
async def test_s08_a_forged_page_is_refused(client: AsyncClient, change: object) -> None:
    assert callable(change)
    family, _ = await people(client, 3)
    page = await find(client, f"Patient?family={family}&_count=1")
    url, _, cursor = (link(page, "next") or "").partition("_cursor=")
    outcome(await client.get(f"{url}_cursor={change(cursor)}"), 400, "invalid")


@pytest.mark.parametrize(
    ("of", "to"),
    [
        ("&_count=1&", "&_count=2&"),
        ("family=", "given="),
        ("/Patient?", "/Practitioner?"),
        ("&_count", "&_id=x&_count"),
    ],
)
async def test_s08_a_page_belongs_to_its_search(client: AsyncClient, of: str, to: str) -> None:
    family, _ = await people(client, 3)
    page = await find(client, f"Patient?family={family}&_count=1")
    theirs = link(page, "next") or ""
    assert of in theirs
    outcome(await client.get(theirs.replace(of, to)), 400, "invalid")


async def test_s08_an_expired_page_is_gone(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(page_lifetime=60) as client:
        family, _ = await people(client, 3)
        page = await find(client, f"Patient?family={family}&_count=1")
        theirs = link(page, "next") or ""
        assert (await client.get(theirs)).status_code == 200
        later = time.time() + 62
        monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
        outcome(await client.get(theirs), 410, "expired")


async def test_a_page_of_another_worker_on_the_same_store_is_good(serve: Serve, store_url: str) -> None:
    async with serve(store=store_url) as one, serve(store=store_url) as other:
        family, born = await people(one, 3)
        page = await find(one, f"Patient?family={family}&_count=2")
        rest = (await other.get(link(page, "next") or "")).json()
        assert sorted(ids(page) + ids(rest)) == sorted(born)


async def test_a_page_signed_with_another_secret_is_refused(serve: Serve, store_url: str) -> None:
    async with serve(store=store_url, secret="a" * 32) as one, serve(store=store_url, secret="b" * 32) as two:
        family, _ = await people(one, 3)
        page = await find(one, f"Patient?family={family}&_count=2")
        outcome(await two.get(link(page, "next") or ""), 400, "invalid")


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7])
@pytest.mark.parametrize(
    "sort", ["", "&_sort=birthdate", "&_sort=-birthdate", "&_sort=family,-birthdate,_id"]
)
async def test_paging_to_the_end_meets_everybody_once(client: AsyncClient, size: int, sort: str) -> None:
    family, born = await people(client, 6)
    pages = await read_all(client, f"/Patient?family={family}&_count={size}{sort}")
    met = [id for page in pages for id in page]
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
    assert sorted(met) == sorted(born)
    if sort:
        assert met == (born[::-1] if "-birthdate" in sort else born)


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("sort", ["", "&_sort=-birthdate"])
async def test_previous_leads_back_over_the_same_pages(client: AsyncClient, size: int, sort: str) -> None:
    family, _ = await people(client, 6)
    forth = await followed(client, f"/Patient?family={family}&_count={size}{sort}", "next")
    back = await followed(client, link(forth[-1], "self"), "previous")
    assert [ids(page) for page in back[::-1]] == [ids(page) for page in forth]
    assert link(forth[0], "previous") is None
    again = await followed(client, link(back[-1], "self"), "next")
    assert [ids(page) for page in again] == [ids(page) for page in forth]


@pytest.mark.parametrize("url", ["/Patient?family=x", "/StructureDefinition?status=active"])
async def test_a_first_page_has_none_before_it(client: AsyncClient, url: str) -> None:
    assert link(await find(client, url[1:]), "previous") is None


async def test_a_page_stays_good_while_others_write(client: AsyncClient) -> None:
    family, born = await people(client, 4)
    page = await find(client, f"Patient?family={family}&_count=2&_sort=birthdate")
    assert ids(page) == born[:2]
    await client.delete(f"/Patient/{born[0]}")
    await create(client, patient(name=[{"family": family}], birthDate="1900-01-01"))
    rest = await read_all(client, link(page, "next"))
    assert [id for found in rest for id in found] == born[2:]


@pytest.mark.parametrize("search", ["_count=0", "_summary=count", "_summary=count&_count=5"])
async def test_a_client_may_ask_for_the_number_only(client: AsyncClient, search: str) -> None:
    family, _ = await people(client, 3)
    found = await find(client, f"Patient?family={family}&{search}")
    assert found["total"] == 3
    assert "entry" not in found
    assert link(found, "next") is None


async def test_a_sort_puts_who_has_no_value_last_both_ways(client: AsyncClient) -> None:
    family, born = await people(client, 2)
    without = (await create(client, patient(name=[{"family": family}])))["id"]
    for sort, order in (("birthdate", born), ("-birthdate", born[::-1])):
        found = await find(client, f"Patient?family={family}&_sort={sort}")
        assert ids(found) == [*order, without]
