"""Search through HTTP (cases S01-S14), on both stores: hostile values are literals, limits are told."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from httpx import AsyncClient

from fhir_mpi.fhir.outcome import StoreTimeout
from fhir_mpi.storage.opening import open_store
from fhir_mpi.storage.port import Store
from tests.integration.http.exchanges import (
    Json,
    alive,
    create,
    find,
    ids,
    link,
    organization,
    outcome,
    patient,
    people,
    send,
    surname,
)
from tests.integration.http.serving import BASE, Serve

FORM = {"content-type": "application/x-www-form-urlencoded"}


def asked(searchset: Json) -> list[tuple[str, str]]:
    """What the self link says was understood."""
    return parse_qsl(urlsplit(link(searchset, "self") or "").query)


@pytest.mark.parametrize("prefer", [None, "handling=strict", "return=minimal"])
async def test_s01_an_unknown_name_is_refused(client: AsyncClient, prefer: str | None) -> None:
    headers = {} if prefer is None else {"prefer": prefer}
    response = await client.get("/Patient?shoe-size=46", headers=headers)
    refused = outcome(response, 400, "not-supported", "http.shoe-size")
    assert 'Unknown search parameter "shoe-size"' in refused["issue"][0]["diagnostics"]
    assert "birthdate" in refused["issue"][0]["diagnostics"]


async def test_s01b_an_unknown_name_with_an_underscore_is_left_out(client: AsyncClient) -> None:
    family, (one,) = await people(client, 1)
    found = await find(client, f"Patient?family={family}&_totalMethod=count&_score=true")
    assert ids(found) == [one]
    assert asked(found) == [("family", family)]


@pytest.mark.parametrize(
    "prefer", ["handling=lenient", "return=minimal; handling=lenient", "handling = lenient"]
)
async def test_s01c_a_lenient_client_is_warned(client: AsyncClient, prefer: str) -> None:
    family, (one,) = await people(client, 1)
    response = await client.get(
        f"/Patient?family={family}&shoe-size=46&family:phonetic=x", headers={"prefer": prefer}
    )
    found = response.json()
    assert response.status_code == 200
    assert ids(found) == [one]
    assert (found["total"], asked(found)) == (1, [("family", family)])
    last = found["entry"][-1]
    assert last["search"] == {"mode": "outcome"}
    issues = last["resource"]["issue"]
    assert {(i["severity"], i["code"]) for i in issues} == {("warning", "not-supported")}
    assert [i["expression"] for i in issues] == [["http.shoe-size"], ["http.family"]]


@pytest.mark.parametrize(
    "search",
    [
        "identifier[$ne]=",
        "identifier[$ne]=x",
        "family[$regex]=.*",
        "$where=1",
        "family.$ne=x",
    ],
)
async def test_s02_an_operator_in_a_name_is_an_unknown_name(client: AsyncClient, search: str) -> None:
    response = await client.get(f"/Patient?{search}")
    outcome(response, 400, "not-supported")


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("family", '{"$gt":""}'),
        ("family", "$regex"),
        ("_id", "$where"),
        ("name", "$regex"),
        ("identifier", '{"$ne":null}'),
        ("identifier", "$ne|"),
        ("family", ".*"),
        ("family", "^"),
        ("family", "(a+)+$"),
        ("family", "%"),
        ("family", "_"),
        ("family:contains", "%"),
        ("family:contains", ".*"),
        ("family", "' OR 1=1 --"),
        ("family", 'x" OR "1"="1'),
        ("family:exact", "*"),
        ("family", "x" * 7_000),
        ("gender", "../../etc/passwd"),
        ("_tag", "*"),
        ("phone", "\x1f"),
    ],
)
async def test_s02_s03_a_hostile_value_is_a_literal_that_finds_nobody(
    client: AsyncClient, code: str, value: str
) -> None:
    await create(client, patient(name=[{"family": "Wörtlich"}], gender="female"))
    found = await find(client, f"Patient?{code}={quote(value)}")
    assert (found["total"], ids(found)) == (0, [])


@pytest.mark.parametrize("value", ["a%c", "a_c", "a.*c", "$where", "(a+)+$", "a\\c", "a'b", 'a"b'])
async def test_s03_a_hostile_value_finds_exactly_who_has_it(client: AsyncClient, value: str) -> None:
    name = f"{surname()}{value}"
    one = await create(client, patient(name=[{"family": name}]))
    await create(client, patient(name=[{"family": name.replace(value, "abbc")}]))
    escaped = quote(value.replace("\\", "\\\\").replace("$", "\\$"))
    found = await find(client, f"Patient?family:exact={name.removesuffix(value)}{escaped}")
    assert ids(found) == [one["id"]]


@pytest.mark.parametrize(
    "search",
    [
        "&".join(["gender=male"] * 51),
        "family=" + ",".join(f"n{n}" for n in range(101)),
        "_id=" + ",".join(f"n{n}" for n in range(101)),
    ],
)
async def test_s04_too_much_at_once_is_too_costly(client: AsyncClient, search: str) -> None:
    outcome(await client.get(f"/Patient?{search}"), 400, "too-costly")


async def test_s04_a_query_of_more_than_eight_kilobytes_must_be_posted(client: AsyncClient) -> None:
    long = "family=" + "x" * 9000
    outcome(await client.get(f"/Patient?{long}"), 414, "too-long")
    posted = await client.post("/Patient/_search", content=long.encode(), headers=FORM)
    assert (posted.status_code, posted.json()["total"]) == (200, 0)


@pytest.mark.parametrize("count", ["-1", "abc", "1e9", "NaN", "1.0", "0x1", "²", "+1", " 1"])
async def test_s05_a_count_that_is_no_whole_number_is_refused(client: AsyncClient, count: str) -> None:
    outcome(await client.get("/Patient", params={"_count": count}), 400, "value", "http._count")


async def test_s05_a_count_above_the_maximum_is_capped_and_the_link_says_so(client: AsyncClient) -> None:
    found = await find(client, f"Patient?family={surname()}&_count=999999")
    assert asked(found)[-1] == ("_count", "1000")


@pytest.mark.parametrize(
    "search",
    [
        "organization.nonsense=x",
        "organization:Patient.name=x",
        "_has:Observation:patient:code=1",
        "_filter=name eq x",
        "_text=x",
        "_content=x",
        "_list=1",
        "_type=Patient",
        "_include=Patient:family",
        "_contained=true",
        "_sort=shoe-size",
        "_sort=birthdate,-shoe-size",
        "family:above=x",
        "gender:contains=x",
    ],
)
async def test_s06_what_this_server_does_not_offer_is_refused_and_lenience_warns(
    client: AsyncClient, search: str
) -> None:
    outcome(await client.get(f"/Patient?{search}"), 400, "not-supported")
    lenient = await client.get(
        f"/Patient?{search}&family={surname()}", headers={"prefer": "handling=lenient"}
    )
    assert lenient.status_code == 200
    assert lenient.json()["entry"][-1]["resource"]["issue"][0]["severity"] == "warning"
    assert [code for code, _ in asked(lenient.json())] == ["family"]


async def test_s07b_a_search_without_criteria_can_be_forbidden(serve: Serve) -> None:
    async with serve(search_without_criteria=False) as client:
        outcome(await client.get("/Patient"), 400, "too-costly")
        outcome(await client.get("/Patient?_count=0"), 400, "too-costly")
        outcome(await client.get("/Patient?family="), 400, "too-costly")
        outcome(await client.get("/Patient?_unknown=1"), 400, "too-costly")
        assert (await client.get("/Patient?gender=male")).status_code == 200


async def test_s09_a_store_that_takes_too_long_is_no_partial_answer(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Store] = []

    async def opening(*args: Any, **options: Any) -> Store:
        opened.append(await open_store(*args, **options))
        return opened[-1]

    async def slow(*_: object) -> None:
        raise StoreTimeout("the store did not answer in time")

    monkeypatch.setattr("fhir_mpi.app.open_store", opening)
    async with serve() as client:
        await people(client, 2)
        with monkeypatch.context() as patched:
            patched.setattr(type(opened[0]), "search", slow)
            response = await client.get("/Patient")
            outcome(response, 503, "timeout")
            assert int(response.headers["retry-after"]) > 0
            assert await alive(client)
        assert (await client.get("/Patient")).json()["total"] == 2


async def test_s09_a_write_that_waits_too_long_for_the_store_is_not_done(
    serve: Serve, store_kind: str, tmp_path: Path
) -> None:
    if store_kind != "sqlite":
        pytest.skip("only SQLite has one lock for all writers")
    async with serve(store=f"sqlite:///{tmp_path / 'busy.sqlite'}", store_timeout=1) as client:
        with closing(sqlite3.connect(tmp_path / "busy.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            response = await send(client, "POST", "/Patient", patient(active=True))
            refused = outcome(response, 503, "transient")
            assert "sqlite" not in json.dumps(refused).lower()
            assert (await client.get("/Patient")).json()["total"] == 0
            other.execute("ROLLBACK")
        assert (await send(client, "POST", "/Patient", patient(active=True))).status_code == 201


@pytest.mark.parametrize(
    "search", ["gender=female&gender=male", "family=%(f)s&given=Nobody", "family=%(f)s&family=zz"]
)
async def test_s12_repeated_parameters_mean_and(client: AsyncClient, search: str) -> None:
    family, _ = await people(client, 2, gender="female")
    assert (await find(client, f"Patient?{search % {'f': family}}"))["total"] == 0
    both = await find(client, f"Patient?family={family}&birthdate=ge1900-06-01&birthdate=lt1902")
    assert both["total"] == 1


async def test_s14_a_posted_search_finds_the_same_and_leaves_nothing_in_the_url(client: AsyncClient) -> None:
    family, born = await people(client, 3)
    got = await find(client, f"Patient?family={family}&_sort=birthdate")
    form = f"family={family}&_sort=birthdate".encode()
    posted = await client.post("/Patient/_search", content=form, headers=FORM)
    assert posted.json() == got
    mixed = await client.post(
        "/Patient/_search?_sort=birthdate", content=f"family={family}".encode(), headers=FORM
    )
    assert ids(mixed.json()) == born


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"family=x", "application/json", 415, "not-supported"),
        (b"family=\xff", FORM["content-type"], 400, "invalid"),
        (b"family=%ff", FORM["content-type"], 400, "value"),
        (b"family=%00", FORM["content-type"], 400, "value"),
        (b"x" * (1024 * 1024 + 1), FORM["content-type"], 413, "too-long"),
        (b"shoe-size=1", FORM["content-type"], 400, "not-supported"),
    ],
)
async def test_a_posted_search_is_refused_like_any_other(
    client: AsyncClient, content: bytes, content_type: str, status: int, code: str
) -> None:
    response = await client.post("/Patient/_search", content=content, headers={"content-type": content_type})
    outcome(response, status, code)


async def test_a_searchset_has_total_links_and_full_urls(client: AsyncClient) -> None:
    family, (one,) = await people(client, 1)
    found = await find(client, f"Patient?family={family}")
    assert found["total"] == 1
    url = f"{BASE}/Patient?family={family}"
    assert found["link"] == [{"relation": "self", "url": url}, {"relation": "first", "url": url}]
    (only,) = found["entry"]
    assert only["fullUrl"] == f"{BASE}/Patient/{one}"
    assert only["search"] == {"mode": "match"}
    assert only["resource"] == (await client.get(f"/Patient/{one}")).json()


async def test_links_follow_the_address_that_the_client_uses(client: AsyncClient) -> None:
    family, _ = await people(client, 2)
    response = await client.get(f"/Patient?family={family}&_count=1", headers={"host": "other.example:8080"})
    for url in [link(response.json(), "next"), response.json()["entry"][0]["fullUrl"]]:
        assert url is not None
        assert url.startswith("http://other.example:8080/fhir/Patient")


async def test_a_type_is_searched_alone(client: AsyncClient) -> None:
    name = surname()
    await create(client, organization(name=name))
    assert (await find(client, f"Organization?name={name}"))["total"] == 1
    assert (await find(client, f"Patient?name={name}"))["total"] == 0


async def test_an_update_is_found_by_what_it_says_now_and_not_by_what_it_said(client: AsyncClient) -> None:
    old, new = surname(), surname()
    known = await create(client, patient(name=[{"family": old}]))
    await send(client, "PUT", f"/Patient/{known['id']}", {**known, "name": [{"family": new}]})
    assert ids(await find(client, f"Patient?family={new}")) == [known["id"]]
    assert ids(await find(client, f"Patient?family={old}")) == []


async def test_the_self_link_repeats_the_search(client: AsyncClient) -> None:
    search: list[tuple[str, str | int | float | bool | None]] = [
        ("family", "a b"),
        ("birthdate", "ge1950"),
        ("identifier", "urn:x|1,2"),
        ("name", "ü\\,$"),
    ]
    response = await client.get("/Patient", params=search)
    assert asked(response.json()) == search
    assert re.fullmatch(r"[\x21-\x7e]+", link(response.json(), "self") or "")
