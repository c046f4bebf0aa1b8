"""HAPI's operations on links over HTTP: parameters, pages, answers, and every row of its errors."""

import pytest

from fhir_mpi.mdm.tags import EXCLUDED, GOLDEN
from tests.integration.http.exchanges import (
    bundle,
    create,
    entry,
    find,
    match,
    outcome,
    person,
    put,
    send,
    surname,
)
from tests.integration.http.linked import Linked, named, told, values
from tests.integration.http.serving import BASE, Serve


async def test_links_are_told_in_hapis_shape(linked: Linked) -> None:
    one, golden = await linked.source(linked.person())
    other = f"Patient/{(await create(linked.client, linked.possibly()))['id']}"
    (made,) = await linked.links(resourceId=one)
    assert made == {
        "goldenResourceId": golden,
        "sourceResourceId": one,
        "matchResult": "MATCH",
        "linkSource": "AUTO",
        "eidMatch": False,
        "hadToCreateNewResource": True,
    }
    (proposed,) = await linked.links(goldenResourceId=golden, matchResult="POSSIBLE_MATCH")
    assert (proposed["sourceResourceId"], proposed["hadToCreateNewResource"]) == (other, False)
    assert 0 < proposed["score"] < 1
    assert await linked.links(goldenResourceId=golden, linkSource="MANUAL") == []


async def test_links_are_paged_and_sorted(linked: Linked) -> None:
    _, golden = await linked.source(linked.person())
    for _ in range(4):
        await linked.source(linked.person())
    asked = {"goldenResourceId": golden, "_sort": "-myCreated", "_count": "2"}
    pages: list[list[str]] = []
    urls: list[str | None] = [f"{BASE}/$mdm-query-links"]
    response = await linked.query(**asked)
    while True:
        pages.append([values(link)["sourceResourceId"] for link in await named(response, "link")])
        following = await named(response, "next")
        before = await named(response, "prev")
        assert bool(before) == (len(pages) > 1)
        if not following:
            break
        urls.append(following[0]["valueUri"])
        response = await linked.client.get(following[0]["valueUri"])
    assert [len(page) for page in pages] == [2, 2, 1]
    assert "_offset=4&_count=2" in str(urls[-1])
    listed = [source for page in pages for source in page]
    upwards = await linked.links(goldenResourceId=golden, _sort="myCreated")
    assert [link["sourceResourceId"] for link in upwards] == listed[::-1]


@pytest.mark.parametrize(
    "asked",
    [
        {"matchResult": "PERHAPS"},
        {"linkSource": "NOBODY"},
        {"resourceType": "Organization"},
        {"_sort": "myBirthday"},
        {"_count": "0"},
        {"_offset": "-1"},
    ],
)
async def test_what_links_cannot_be_asked_for_is_refused(linked: Linked, asked: dict[str, str]) -> None:
    outcome(await linked.query(**asked), 400, "value")


async def test_an_id_has_a_type(linked: Linked) -> None:
    told(await linked.query(goldenResourceId="1"), 400, "1505", "goldenResourceId is '1'")


async def test_the_history_of_links_is_told_newest_first(linked: Linked) -> None:
    _, golden = await linked.source(linked.person())
    other, _ = await linked.source(linked.person())
    await linked.call("update-link", goldenResourceId=golden, resourceId=other, matchResult="NO_MATCH")
    response = await linked.client.get(
        "/$mdm-link-history", params={"goldenResourceId": golden, "resourceId": other}
    )
    found = [values(each) for each in await named(response, "historical link")]
    told_of = [each["matchResult"] for each in found if each["sourceResourceId"] == other]
    assert sorted(told_of[:2]) == ["MATCH", "NO_MATCH"]
    assert told_of[2:] == ["MATCH"]
    assert all(
        {"revisionTimestamp", "linkCreated", "linkUpdated", "linkSource"} <= each.keys() for each in found
    )
    assert [each["linkUpdated"] for each in found] == sorted((e["linkUpdated"] for e in found), reverse=True)
    outcome(await linked.client.get("/$mdm-link-history"), 400, "required")


async def test_a_person_decides_on_a_link(linked: Linked) -> None:
    _, golden = await linked.source(linked.person())
    other = f"Patient/{(await create(linked.client, linked.possibly(maritalStatus={'text': 'x'})))['id']}"
    answer = await linked.call("update-link", goldenResourceId=golden, resourceId=other, matchResult="MATCH")
    assert answer.status_code == 200
    assert answer.json()["maritalStatus"] == {"text": "x"}
    (link,) = await linked.links(resourceId=other)
    assert (link["matchResult"], link["linkSource"]) == ("MATCH", "MANUAL")
    again = await linked.call("update-link", goldenResourceId=golden, resourceId=other, matchResult="MATCH")
    assert again.json()["meta"]["versionId"] == answer.json()["meta"]["versionId"]


async def test_duplicates_are_told_and_denied(linked: Linked) -> None:
    _, first, other, second = await linked.two()
    third = f"Patient/{(await create(linked.client, linked.person()))['id']}"
    proposed = await linked.links(resourceId=third)
    assert {link["matchResult"] for link in proposed} == {"POSSIBLE_MATCH"}
    (pair,) = [
        values(each)
        for each in await named(await linked.client.get("/$mdm-duplicate-golden-resources"), "link")
    ]
    assert {pair["goldenResourceId"], pair["sourceResourceId"]} == {first, second}
    answer = await linked.call("not-duplicate", goldenResourceId=first, resourceId=second)
    assert answer.json()["parameter"] == [{"name": "success", "valueBoolean": True}]
    assert not await named(await linked.client.get("/$mdm-duplicate-golden-resources"), "link")
    told(
        await linked.call("not-duplicate", goldenResourceId=first, resourceId=second),
        400,
        "0746",
        f"{first} and {second} are not linked as POSSIBLE_DUPLICATE.",
    )
    assert other


async def test_golden_records_are_merged_with_what_is_given(linked: Linked) -> None:
    one, first = await linked.source(linked.person())
    other, second = await linked.source(person(surname()))
    given = {"resourceType": "Patient", "gender": "other", "identifier": [{"system": "urn:no", "value": "1"}]}
    answer = await linked.call(
        "merge-golden-resources", given, fromGoldenResourceId=second, toGoldenResourceId=first
    )
    assert answer.status_code == 200, answer.text
    survivor = answer.json()
    assert (f"Patient/{survivor['id']}", survivor["gender"]) == (first, "other")
    assert "urn:no" not in str(survivor["identifier"])
    assert {
        link["sourceResourceId"] for link in await linked.links(goldenResourceId=first, matchResult="MATCH")
    } == {
        one,
        other,
    }
    (redirect,) = await linked.links(goldenResourceId=first, matchResult="REDIRECT")
    assert (redirect["sourceResourceId"], redirect["linkSource"]) == (second, "MANUAL")
    retired = (await linked.client.get(f"/{second}")).json()
    assert retired["meta"]["tag"][1]["code"] == "REDIRECTED"
    assert retired["active"] is False
    await put(linked.client, {**linked.person(gender="male"), "id": one.split("/")[1]})
    assert (await linked.client.get(f"/{first}")).json()["gender"] == "other"
    told(
        await linked.call("merge-golden-resources", fromGoldenResourceId=second, toGoldenResourceId=first),
        400,
        "1502",
        f"{second} used as parameter [fromGoldenResourceId] could not be loaded as a golden resource",
    )


async def test_every_refusal_of_a_link_is_hapis(linked: Linked) -> None:
    one, first, other, second = await linked.two()
    excluded = (await create(linked.client, linked.person(meta={"tag": [EXCLUDED]})))["id"]
    unmanaged = (await create(linked.client, linked.person(meta={"tag": [GOLDEN, EXCLUDED]})))["id"]
    clinic = (
        await create(
            linked.client, {"resourceType": "Organization", "name": "Arden", "meta": {"tag": [GOLDEN]}}
        )
    )["id"]
    update = "First argument to $mdm-update-link must be a [Patient].  Was Organization"
    second_argument = "Second argument to $mdm-update-link must be a [Patient].  Was Organization"
    managed = "Only MDM managed resources can be merged. MDM managed resources must have the HAPI-MDM tag."
    no_mdm = "The source resource is marked with the NO-MDM tag which means it may not be MDM linked."
    rows = [
        ("update", f"{first}/_history/99", one, "MATCH", 409, "1501", "Requested resource"),
        ("update", one, other, "MATCH", 400, "1502", f"{one} used as parameter [goldenResourceId]"),
        (
            "update",
            first,
            one,
            "POSSIBLE_MATCH",
            400,
            "0739",
            "Match Result may only be set to NO_MATCH or MATCH",
        ),
        ("update", f"Organization/{clinic}", one, "MATCH", 400, "0740", update),
        ("update", first, f"Organization/{clinic}", "MATCH", 400, "0741", second_argument),
        ("update", f"Patient/{unmanaged}", one, "MATCH", 400, "0743", managed),
        ("update", first, f"Patient/{excluded}", "MATCH", 400, "0744", no_mdm),
        ("update", second, one, "MATCH", 400, "0738", f"No link exists between {second} and {one}"),
        ("update", first, other, "MATCH", 400, "2218", "A match with a different golden resource"),
        ("create", f"Organization/{clinic}", one, "MATCH", 400, "0755", update),
        ("create", first, f"Organization/{clinic}", "MATCH", 400, "0756", second_argument),
        ("create", f"Patient/{unmanaged}", one, "MATCH", 400, "0758", managed),
        ("create", first, f"Patient/{excluded}", "MATCH", 400, "0759", no_mdm),
        ("create", first, one, "MATCH", 400, "0753", f"Link already exists between {first} and {one}."),
        ("create", second, one, "MATCH", 400, "0754", f"{one} already has matched golden resource."),
    ]
    for operation, golden, source, result, status, code, text in rows:
        response = await linked.call(
            f"{operation}-link", goldenResourceId=golden, resourceId=source, matchResult=result
        )
        told(response, status, code, text)
    outcome(
        await linked.call(
            "update-link", goldenResourceId="Patient/never", resourceId=one, matchResult="MATCH"
        ),
        404,
        "not-found",
    )


@pytest.mark.parametrize(("operation", "code"), [("update", "0742"), ("create", "0757")])
async def test_a_link_is_between_records_of_one_type(serve: Serve, operation: str, code: str) -> None:
    async with serve(mdm="match-and-link") as client:
        linked = Linked(client, surname())
        _, golden = await linked.source(linked.person())
        clinic = await create(client, {"resourceType": "Organization", "name": linked.family})
        source = f"Organization/{clinic['id']}"
        before = await linked.links()
        response = await linked.call(
            f"{operation}-link", goldenResourceId=golden, resourceId=source, matchResult="MATCH"
        )
        text = "Arguments to $mdm-update-link must be of the same type. Were Patient and Organization"
        told(response, 400, code, text)
        assert await linked.links() == before


async def test_every_refusal_of_a_merge_and_of_a_difference_is_hapis(linked: Linked) -> None:
    _, first, _, second = await linked.two()
    unmanaged = (
        f"Patient/{(await create(linked.client, linked.person(meta={'tag': [GOLDEN, EXCLUDED]})))['id']}"
    )
    clinic = {"resourceType": "Organization", "name": "Arden", "meta": {"tag": [GOLDEN]}}
    other = f"Organization/{(await create(linked.client, clinic))['id']}"
    managed = "Only MDM managed resources can be merged. MDM managed resources must have the HAPI-MDM tag."
    merges = [
        (
            other,
            first,
            "1503",
            "Only [Patient] resources can be merged. The fromGoldenResourceId points to a Organ",
        ),
        (
            first,
            other,
            "1503",
            "Only [Patient] resources can be merged. The toGoldenResourceId points to a Organ",
        ),
        (unmanaged, first, "1504", managed),
        (first, unmanaged, "1504", managed),
    ]
    for retired, survivor, code, text in merges:
        answer = await linked.call(
            "merge-golden-resources", fromGoldenResourceId=retired, toGoldenResourceId=survivor
        )
        told(answer, 400, code, text)
    itself = await linked.call("merge-golden-resources", fromGoldenResourceId=first, toGoldenResourceId=first)
    outcome(itself, 400, "invalid")
    differences = [
        (
            first,
            other,
            "0747",
            "First argument to $mdm-update-link must be the same resource type as the second",
        ),
        (first, unmanaged, "0748", "Only MDM Managed Golden Resources may be updated via this operation."),
        (first, second, "0745", f"No link exists between {first} and {second}"),
    ]
    for golden, duplicate, code, text in differences:
        told(
            await linked.call("not-duplicate", goldenResourceId=golden, resourceId=duplicate), 400, code, text
        )


async def test_a_source_of_which_a_person_said_both_keeps_two_from_being_merged(linked: Linked) -> None:
    _, first, _, second = await linked.two()
    third = f"Patient/{(await create(linked.client, linked.possibly()))['id']}"
    for golden, result in ((first, "MATCH"), (second, "NO_MATCH")):
        answer = await linked.call(
            "update-link", goldenResourceId=golden, resourceId=third, matchResult=result
        )
        assert answer.status_code == 200, answer.text
    before = await linked.links()
    text = "A MANUAL NO_MATCH link may not be merged into a MANUAL MATCH link for the same target"
    answer = await linked.call(
        "merge-golden-resources", fromGoldenResourceId=second, toGoldenResourceId=first
    )
    told(answer, 400, "0752", text)
    assert await linked.links() == before


async def test_golden_records_are_only_read_by_clients(linked: Linked) -> None:
    _, golden = await linked.source(linked.person())
    resource = (await linked.client.get(f"/{golden}")).json()
    text = "HAPI-0765: Cannot create or modify Resources that are managed by MDM."
    refused = [
        await put(linked.client, {**resource, "gender": "other"}),
        await linked.client.delete(f"/{golden}"),
        await send(linked.client, "POST", "/Patient", resource),
        await send(linked.client, "PUT", "/Patient/new-golden", {**resource, "id": "new-golden"}),
    ]
    for response in refused:
        found = outcome(response, 403, "forbidden")
        assert found["issue"][0]["diagnostics"].startswith(text)
    untagged = {key: value for key, value in resource.items() if key != "meta"}
    changed = outcome(await put(linked.client, untagged), 403, "forbidden")
    assert changed["issue"][0]["diagnostics"].startswith("HAPI-0764: The HAPI-MDM tag on a resource may not")
    sent = bundle(
        "transaction",
        entry("POST", "Patient", linked.person()),
        entry("PUT", golden, resource | {"gender": "other"}),
    )
    in_bundle = outcome(await send(linked.client, "POST", "/", sent), 403, "forbidden")
    assert in_bundle["issue"][0]["expression"] == ["Bundle.entry[1].resource"]
    assert (await linked.client.get(f"/{golden}")).json() == resource


async def test_a_transaction_links_all_that_it_writes(linked: Linked) -> None:
    sent = [entry("POST", "Patient", linked.person()) for _ in range(3)]
    answer = await send(linked.client, "POST", "/", bundle("transaction", *sent))
    assert answer.status_code == 200, answer.text
    sources = {f"Patient/{e['response']['location'].split('/')[-3]}" for e in answer.json()["entry"]}
    found = [link for source in sources for link in await linked.links(resourceId=source)]
    assert {link["sourceResourceId"] for link in found} == sources
    assert len({link["goldenResourceId"] for link in found}) == 1


async def test_certain_matches_of_one_golden_record_are_one_person(linked: Linked) -> None:
    for _ in range(2):
        await linked.source(linked.person())
    answer = await match(linked.client, linked.person(), onlyCertainMatches=True)
    assert answer.json()["total"] == 2
    alone = await match(linked.client, linked.person(), onlySingleMatch=True)
    assert alone.json()["total"] == 1


async def test_hapis_own_match_answers_for_a_type_that_it_is_told(linked: Linked) -> None:
    source, _ = await linked.source(linked.person())
    answer = await linked.call("match", linked.person(), resourceType="Patient")
    assert [f"Patient/{e['resource']['id']}" for e in answer.json()["entry"]] == [source]
    outcome(await linked.call("match", linked.person(), resourceType="Organization"), 400, "invalid")
    outcome(await linked.call("match", {"resourceType": "Person"}, resourceType="Person"), 400, "value")


async def test_what_was_there_before_is_linked_when_it_is_submitted(serve: Serve, store_url: str) -> None:
    family = surname()
    async with serve(store=store_url) as client:
        ids = [(await create(client, person(family)))["id"] for _ in range(3)]
    async with serve(store=store_url, mdm="match-and-link") as client:
        here = Linked(client, family)
        assert await here.links() == []
        one = await send(client, "POST", f"/Patient/{ids[0]}/$mdm-submit")
        assert one.json()["parameter"] == [{"name": "submitted", "valueDecimal": 1}]
        assert len(await here.links()) == 1
        some = await here.call("submit", criteria=f"family={family}", resourceType="Patient")
        assert some.json()["parameter"][0]["valueDecimal"] == 3
        assert len(await here.links(matchResult="MATCH")) == 3
        everything = await send(client, "POST", "/$mdm-submit")
        assert everything.json()["parameter"][0]["valueDecimal"] == 3
        outcome(await here.call("submit", criteria="family=x"), 400, "invalid")
        outcome(await here.call("submit", resourceType="Person"), 400, "value")
        golden = (await here.links())[0]["goldenResourceId"]
        outcome(await send(client, "POST", f"/{golden}/$mdm-submit"), 400, "invalid")


async def test_what_is_turned_off_is_not_offered(serve: Serve) -> None:
    async with serve(mdm="off") as client:
        outcome(await match(client, person(surname())), 405, "not-supported")
        outcome(await client.get("/$mdm-query-links"), 405, "not-supported")
        declared = (await client.get("/metadata")).text
        assert '"name":"match"' not in declared
        assert "mdm-query-links" not in declared


async def test_a_golden_record_is_found_by_the_identifiers_of_its_sources(linked: Linked) -> None:
    number = {"system": "urn:mrn", "value": linked.family}
    _, golden = await linked.source(linked.person(identifier=[number]))
    search = f"Patient?identifier=urn:mrn|{linked.family}&_tag={GOLDEN['system']}|{GOLDEN['code']}"
    found = await find(linked.client, search)
    assert [f"Patient/{e['resource']['id']}" for e in found["entry"]] == [golden]
    valid = await send(linked.client, "GET", f"/{golden}/$validate")
    assert valid.status_code in (200, 405)
    validated = await send(linked.client, "POST", f"/{golden}/$validate")
    assert "No issues detected" in validated.text, validated.text
