"""The definitions that the server runs by, read and searched like any other resource."""

from collections.abc import Sequence
from typing import Any

import pytest
from fhir.resources import get_fhir_model_class
from httpx import AsyncClient

from fhir_mpi.definitions import load_definitions
from fhir_mpi.interactions.services import Limits
from fhir_mpi.operations.table import offered
from tests.integration.http.exchanges import (
    FHIR_JSON,
    Json,
    bundle,
    entry,
    find,
    followed,
    ids,
    link,
    outcome,
    send,
)
from tests.integration.http.serving import BASE, Serve

DEFINITIONS = load_definitions()
LIMITS = Limits(50, 100, 20, 1000, True, 10_000)
TYPES = ("CapabilityStatement", "OperationDefinition", "SearchParameter", "StructureDefinition")
MATCH = "OperationDefinition/Patient-match"


async def everything(client: AsyncClient, type: str) -> list[Json]:
    found = await find(client, f"{type}?_count=1000")
    return [each["resource"] for each in found["entry"]]


async def declared(client: AsyncClient) -> Sequence[Any]:
    found: Sequence[Any] = (await client.get("/metadata")).json()["rest"][0]["resource"]
    return found


@pytest.mark.parametrize("type", TYPES)
async def test_every_definition_is_valid_and_read_by_the_id_it_is_found_with(
    client: AsyncClient, type: str
) -> None:
    found = await everything(client, type)
    assert found
    for one in found:
        get_fhir_model_class(type).model_validate(one)
        response = await client.get(f"/{type}/{one['id']}")
        assert response.json() == one
        assert response.headers["content-type"] == FHIR_JSON


async def test_the_definitions_are_all_there_as_they_stand_in_their_files(client: AsyncClient) -> None:
    assert await everything(client, "OperationDefinition") == sorted(
        (d for d in offered(DEFINITIONS.operations.values(), LIMITS)), key=lambda one: str(one["id"])
    )
    found = {one["id"]: one for one in await everything(client, "SearchParameter")}
    assert found == {one["id"]: one for one in DEFINITIONS.search_parameters}
    assert await everything(client, "StructureDefinition") == list(DEFINITIONS.profiles)


async def test_the_statement_can_be_read_as_a_resource_at_the_address_that_a_client_uses(
    client: AsyncClient,
) -> None:
    elsewhere = {"host": "mpi.example:8443"}
    statement = (await client.get("/metadata", headers=elsewhere)).json()
    read = await client.get(f"/CapabilityStatement/{statement['id']}", headers=elsewhere)
    assert read.json() == statement
    assert statement["implementation"]["url"] == "http://mpi.example:8443/fhir"
    (found,) = (await find(client, f"CapabilityStatement?url={statement['url']}"))["entry"]
    assert found["fullUrl"] == f"{BASE}/CapabilityStatement/{statement['id']}"


async def test_every_canonical_in_the_statement_is_found_by_its_url(client: AsyncClient) -> None:
    statement = (await client.get("/metadata")).json()["rest"][0]
    resources = statement["resource"]
    named = {
        "OperationDefinition": [o for r in [statement, *resources] for o in r.get("operation", ())],
        "SearchParameter": [p for r in resources for p in r["searchParam"] if "definition" in p],
    }
    for type, users in named.items():
        urls = {user["definition"] for user in users}
        assert urls
        for url in urls:
            found = await find(client, f"{type}?url={url}")
            assert [each["resource"]["url"] for each in found["entry"]] == [url]


async def test_the_statement_declares_reading_and_searching_and_no_more(client: AsyncClient) -> None:
    found = {each["type"]: each for each in await declared(client)}
    assert set(TYPES) < set(found)
    for type in TYPES:
        assert [each["code"] for each in found[type]["interaction"]] == ["read", "search-type"]
        names = {each["name"] for each in found[type]["searchParam"]}
        assert {"_id", "url", "name", "version", "status"} <= names
        for name in names:
            search = await find(client, f"{type}?{name}=x&_count=0")
            assert name in str(link(search, "self"))


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("OperationDefinition?code=everything", ["Patient-everything"]),
        ("OperationDefinition?_id=Patient-match,none", ["Patient-match"]),
        ("OperationDefinition?code=match&_sort=-_id", ["Patient-match", "Organization-match"]),
        (
            "OperationDefinition?type=true&_id=Patient-match,Patient-everything&code:not=match,meta",
            ["Patient-everything"],
        ),
        ("SearchParameter?base=Patient&code=death-date,deceased", ["Patient-death-date", "Patient-deceased"]),
        ("SearchParameter?url:below=http://hl7.org/fhir&code=_id", ["Resource-id"]),
        ("SearchParameter?target=Patient&base=Person&type=reference", ["Person-link", "clinical-patient"]),
        ("StructureDefinition?type=Extension&kind=complex-type", ["golden-origin", "match-explanation"]),
        ("CapabilityStatement?name=fhir", ["fhir-mpi"]),
        ("CapabilityStatement?status=retired", []),
    ],
)
async def test_definitions_are_searched_like_what_is_stored(
    client: AsyncClient, search: str, expected: list[str]
) -> None:
    found = await find(client, search)
    assert ids(found)[: len(expected) + 1] == expected
    assert found["total"] == len(expected)


async def test_a_search_can_be_posted(client: AsyncClient) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    response = await client.post("/OperationDefinition/_search", content="code=everything", headers=form)
    assert ids(response.json()) == ["Patient-everything"]


async def test_the_order_is_that_of_the_values_and_what_has_none_comes_last(client: AsyncClient) -> None:
    up = await find(client, "SearchParameter?_sort=target,_id&_count=1000")
    down = await find(client, "SearchParameter?_sort=-target,_id&_count=1000")
    for searchset, pick, reverse in ((up, min, False), (down, max, True)):
        targets = [each["resource"].get("target") for each in searchset["entry"]]
        having = [pick(each) for each in targets if each]
        assert having == sorted(having, reverse=reverse)
        assert all(each is None for each in targets[len(having) :])


async def test_pages_follow_each_other_without_loss_or_repeat(client: AsyncClient) -> None:
    whole, paged = ids(await find(client, "SearchParameter?_count=1000")), list[str]()
    url: str | None = f"{BASE}/SearchParameter?_count=7&base=Patient,Person,Resource,Organization"
    while url is not None:
        page = (await client.get(url)).json()
        assert len(page["entry"]) <= 7
        paged += ids(page)
        url = link(page, "next")
    assert paged == [id for id in whole if id in paged]
    assert len(paged) == page["total"] > 14


async def test_previous_leads_back_over_the_same_pages(client: AsyncClient) -> None:
    forth = await followed(client, "/SearchParameter?_count=20&_sort=code", "next")
    back = await followed(client, link(forth[-1], "self"), "previous")
    assert [ids(page) for page in back[::-1]] == [ids(page) for page in forth]
    assert len(forth) > 2


async def test_a_cursor_of_another_search_is_refused(client: AsyncClient) -> None:
    following = link(await find(client, "SearchParameter?_count=5"), "next")
    assert following is not None
    cursor = following.rpartition("_cursor=")[2]
    outcome(await client.get(f"/OperationDefinition?_count=5&_cursor={cursor}"), 400, "invalid")


async def test_a_client_that_has_a_definition_is_told_so(client: AsyncClient) -> None:
    first = await client.get(f"/{MATCH}")
    tag = first.headers["etag"]
    again = await client.get(f"/{MATCH}", headers={"if-none-match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = await client.get("/OperationDefinition/Organization-match", headers={"if-none-match": tag})
    assert other.status_code == 200
    since = {"if-modified-since": "Tue, 01 Feb 2050 10:00:00 GMT"}
    assert (await client.get(f"/{MATCH}", headers=since)).status_code == 200


async def test_the_form_of_the_answer_is_negotiated(client: AsyncClient) -> None:
    plain = await client.get(f"/{MATCH}?_format=application/json")
    assert plain.headers["content-type"] == "application/json"
    for query in (f"/{MATCH}", "/OperationDefinition"):
        outcome(await client.get(query, headers={"accept": "application/fhir+xml"}), 406, "not-supported")
    assert (await client.head(f"/{MATCH}")).status_code == 200


async def test_parts_of_definitions_can_be_asked_for(client: AsyncClient) -> None:
    part = (await client.get(f"/{MATCH}?_elements=url")).json()
    assert part["url"]
    assert "parameter" not in part
    assert part["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert "parameter" not in (await client.get(f"/{MATCH}?_summary=true")).json()
    found = await find(client, "OperationDefinition?_elements=url&_count=1")
    assert "parameter" not in found["entry"][0]["resource"]


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_nothing_can_be_written(client: AsyncClient, method: str, type: str) -> None:
    for path in (f"/{type}", f"/{type}/x", f"/{type}?url=x"):
        if method == "POST" and path.endswith("/x"):
            continue
        refused = await send(client, method, path, {"resourceType": type, "id": "x"})
        found = outcome(refused, 405, "not-supported")
        assert refused.headers["allow"] == "GET, HEAD"
        assert type in found["issue"][0]["diagnostics"]


async def test_a_post_to_one_definition_is_refused(client: AsyncClient) -> None:
    outcome(await send(client, "POST", f"/{MATCH}", {}), 405, "not-supported")


async def test_there_are_no_histories_and_no_versions(client: AsyncClient) -> None:
    for path in (f"/{MATCH}/_history", f"/{MATCH}/_history/1", "/OperationDefinition/_history"):
        outcome(await client.get(path), 405, "not-supported")


async def test_a_definition_that_is_not_there_is_not_found(client: AsyncClient) -> None:
    for type in TYPES:
        outcome(await client.get(f"/{type}/never"), 404, "not-found")


@pytest.mark.parametrize("query", ["nonsense=1", "_has:Patient:link:_id=1", "_include=*", "_sort=nonsense"])
async def test_what_is_not_understood_is_refused(client: AsyncClient, query: str) -> None:
    outcome(await client.get(f"/OperationDefinition?{query}"), 400, "not-supported")


async def test_a_batch_reads_them_and_a_transaction_does_not_write_them(client: AsyncClient) -> None:
    asked = bundle("batch", entry("GET", MATCH), entry("GET", "SearchParameter?code=birthdate"))
    one, several = (await send(client, "POST", "/", asked)).json()["entry"]
    assert one["resource"]["id"] == "Patient-match"
    assert ids(several["resource"]) == ["individual-birthdate"]
    written = bundle("transaction", entry("DELETE", MATCH))
    outcome(await send(client, "POST", "/", written), 405, "not-supported")


async def test_they_are_found_where_a_search_must_name_a_criterion(serve: Serve) -> None:
    """That setting keeps people from being paged through."""
    async with serve(search_without_criteria=False) as client:
        assert (await find(client, "StructureDefinition"))["total"] == len(DEFINITIONS.profiles)
