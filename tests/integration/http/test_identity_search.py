"""Search through identity: any record of a person finds what is known under every other one."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.http.exchanges import outcome
from tests.integration.http.linking import (
    DUPLICATE,
    GOLDEN,
    NO_MATCH,
    POSSIBLE,
    REDIRECT,
    STATUS,
    Linked,
    link,
    linked_server,
)
from tests.integration.http.serving import NewStoreUrl, Serve

ANNA = ["a1", "a2", "ga1"]


@pytest.fixture
async def linked(serve: Serve, new_store_url: NewStoreUrl) -> AsyncIterator[Linked]:
    """Anna under two sources, Bert under one, Carla whose record only may be one of Anna's."""
    async with linked_server(serve, new_store_url) as server:
        await server.person("a1", "a2", name=[{"family": "Ahrend"}])
        await server.person("b1", name=[{"family": "Bley"}])
        await server.put("c1")
        await server.link(link("ga1", "c1", POSSIBLE), link("ga1", "b1", NO_MATCH))
        await server.link(link("ga1", "gb1", DUPLICATE))
        yield server


@pytest.mark.parametrize("id", ANNA)
async def test_hapi_5802_every_record_of_a_person_is_found_by_the_id_of_any(linked: Linked, id: str) -> None:
    assert await linked.found("/Patient", **{"_id:mdm": id}) == ANNA
    assert await linked.found("/Patient", _id=id) == [id]


async def test_a_record_without_links_is_found_alone(linked: Linked) -> None:
    assert await linked.found("/Patient", **{"_id:mdm": "c1"}) == ["c1"]
    assert await linked.found("/Patient", **{"_id:mdm": "nobody"}) == []
    assert await linked.found("/Patient", **{"_id:mdm": "b1"}) == ["b1", "gb1"]


async def test_values_are_alternatives_and_criteria_are_met_together(linked: Linked) -> None:
    assert await linked.found("/Patient", **{"_id:mdm": "a2,b1"}) == ["a1", "a2", "b1", "ga1", "gb1"]
    assert await linked.found("/Patient?_id:mdm=a2&_id:mdm=b1") == []
    assert await linked.found("/Patient", **{"_id:mdm": "a1", "family": "bley"}) == []
    assert await linked.found("/Patient?_id:mdm=a1,b1&family=bley") == ["b1", "gb1"]


async def test_a_source_leads_to_its_golden_record_and_back(linked: Linked) -> None:
    golden = f"{STATUS}|GOLDEN_RECORD"
    assert await linked.found("/Patient", **{"_id:mdm": "a2", "_tag": golden}) == ["ga1"]
    assert await linked.found("/Patient", **{"_id:mdm": "ga1", "_tag:not": golden}) == ["a1", "a2"]


@pytest.mark.parametrize(
    "written", ["Patient/{}", "http://mpi.test/fhir/Patient/{}", "{}", "Patient/{}/_history/1"]
)
async def test_a_reference_to_any_record_of_a_person_is_found(linked: Linked, written: str) -> None:
    kin = [
        await linked.create("RelatedPerson", patient={"reference": reference})
        for reference in ("Patient/a1", "http://mpi.test/fhir/Patient/a2/_history/1", "Patient/ga1")
    ]
    await linked.create("RelatedPerson", patient={"reference": "Patient/b1"})
    wanted = sorted(each.partition("/")[2] for each in kin)
    for id in ANNA:
        assert await linked.found("/RelatedPerson", **{"patient:mdm": written.format(id)}) == wanted


async def test_what_may_refer_to_several_types_wants_the_type(linked: Linked) -> None:
    told = await linked.create(
        "Provenance",
        target=[{"reference": "Patient/a1"}],
        agent=[{"who": {"display": "somebody"}}],
    )
    found = await linked.found("/Provenance", **{"target:mdm": "Patient/a2"})
    assert [f"Provenance/{id}" for id in found] == [told]
    refused = await linked.client.get("/Provenance", params={"target:mdm": "a2"})
    issue = outcome(refused, 400, "value", "http.target")["issue"][0]
    assert "Organization/id or Patient/id" in issue["diagnostics"]


async def test_chains_and_has_follow_identities_where_they_end(linked: Linked) -> None:
    await linked.create("RelatedPerson", patient={"reference": "Patient/a1"}, name=[{"family": "Kin"}])
    assert await linked.found("/Patient", **{"_has:RelatedPerson:patient:patient:mdm": "Patient/a2"}) == [
        "a1"
    ]
    kin = await linked.found("/RelatedPerson", **{"patient._id:mdm": "a2"})
    assert kin == await linked.found("/RelatedPerson", name="kin")
    assert await linked.found("/RelatedPerson", **{"patient._id:mdm": "b1"}) == []


async def test_organizations_are_followed_too(linked: Linked) -> None:
    clinic = (await linked.create("Organization", name="Clinic")).partition("/")[2]
    golden = (await linked.create("Organization", name="Clinic")).partition("/")[2]
    await linked.link(link(golden, clinic, type="Organization"))
    await linked.put("d1", managingOrganization={"reference": f"Organization/{clinic}"})
    assert await linked.found("/Patient", **{"organization:mdm": golden}) == ["d1"]
    assert await linked.found("/Organization", **{"_id:mdm": clinic}) == sorted([clinic, golden])


async def test_a_merged_golden_record_leads_to_the_surviving_one_and_its_sources(linked: Linked) -> None:
    for id in ("old", "older"):
        await linked.put(id, meta=GOLDEN)
    await linked.link(link("ga1", "old", REDIRECT), link("old", "older", REDIRECT))
    for id in ("a2", "ga1", "old", "older"):
        assert await linked.found("/Patient", **{"_id:mdm": id}) == [*ANNA, "old", "older"]


async def test_all_types_are_searched_through_identity(linked: Linked) -> None:
    assert await linked.found("/?_type=Patient&_id:mdm=a1") == ANNA
    refused = await linked.client.get("/?_type=Patient,Person&_id:mdm=a1")
    outcome(refused, 400, "not-supported")


async def test_pages_go_on_through_an_identity(linked: Linked) -> None:
    page = (await linked.client.get("/Patient", params={"_id:mdm": "a1", "_count": 2})).json()
    assert page["total"] == 3
    following = next(each["url"] for each in page["link"] if each["relation"] == "next")
    rest = (await linked.client.get(following)).json()
    ids = [entry["resource"]["id"] for entry in (*page["entry"], *rest["entry"])]
    assert sorted(ids) == ANNA


@pytest.mark.parametrize(
    ("query", "code", "text"),
    [
        ("Person?_id:mdm=1", "not-supported", "there are links of Organization, Patient"),
        ("Patient?general-practitioner:mdm=Practitioner/1", "value", "Organization/id of this server"),
        ("RelatedPerson?patient:mdm=Device/1", "value", "Patient/id of this server"),
        ("RelatedPerson?patient:mdm=http://elsewhere.test/Patient/1", "value", "Patient/id of this server"),
        ("Patient?_id:mdm=a/b", "value", "a logical id"),
        ("Patient?family:mdm=x", "not-supported", "modifier"),
        ("Patient?_lastUpdated:mdm=x", "not-supported", "modifier"),
    ],
)
async def test_what_has_no_links_is_refused(linked: Linked, query: str, code: str, text: str) -> None:
    issue = outcome(await linked.client.get(f"/{query}"), 400, code)["issue"][0]
    assert text in issue["diagnostics"]


async def test_no_write_goes_by_links(linked: Linked) -> None:
    for method, path in (("PUT", "/Patient?_id:mdm=a1"), ("DELETE", "/Patient?_id:mdm=a1")):
        body = {"resourceType": "Patient"} if method == "PUT" else None
        refused = await linked.client.request(method, path, json=body)
        issue = outcome(refused, 400, "not-supported")["issue"][0]
        assert "links are not followed here" in issue["diagnostics"]


async def test_an_identity_over_more_links_than_allowed_is_refused(
    serve: Serve, new_store_url: NewStoreUrl
) -> None:
    async with linked_server(serve, new_store_url, max_identity_links=3) as server:
        await server.person("a1", "a2", "a3")
        assert await server.found("/Patient", **{"_id:mdm": "a1"}) == ["a1", "a2", "a3", "ga1"]
        await server.put("a4")
        await server.link(link("ga1", "a4"))
        for path in (
            "/Patient?_id:mdm=a1",
            "/RelatedPerson?patient:mdm=a1",
            "/Patient/a1/$everything?_mdm=true",
        ):
            issue = outcome(await server.client.get(path), 400, "too-costly")["issue"][0]
            assert "over 3 links" in issue["diagnostics"]


async def test_an_identity_of_a_thousand_records_is_followed(linked: Linked) -> None:
    await linked.link(*(link("ga1", f"n{number}") for number in range(900)))
    await linked.put("n899")
    kin = await linked.create("RelatedPerson", patient={"reference": "Patient/n7"})
    assert await linked.found("/Patient", **{"_id:mdm": "n899"}) == [*ANNA, "n899"]
    assert await linked.found("/Patient", **{"_id:mdm": "a1", "family": "ahrend"}) == ANNA
    assert [f"RelatedPerson/{id}" for id in await linked.found("/RelatedPerson?patient:mdm=a1")] == [kin]


async def test_everything_under_every_record_of_a_person(linked: Linked) -> None:
    for id in ("a1", "ga1", "b1"):
        await linked.put(f"kin{id}", link=[{"other": {"reference": f"Patient/{id}"}, "type": "seealso"}])
    doctor = await linked.create("Practitioner", name=[{"family": "Doctor"}])
    await linked.put("a1", generalPractitioner=[{"reference": doctor}])
    wide = await linked.found("/Patient/a2/$everything", _mdm="true")
    assert wide == sorted([*ANNA, "kina1", "kinga1", doctor.partition("/")[2]])
    assert await linked.found("/Patient/a2/$everything") == ["a2"]
    assert await linked.found("/Patient/a2/$everything", _mdm="false") == ["a2"]


async def test_everything_of_all_patients_has_no_identity_to_follow(linked: Linked) -> None:
    issue = outcome(await linked.client.get("/Patient/$everything?_mdm=true"), 400, "invalid")["issue"][0]
    assert "wants a patient" in issue["diagnostics"]


async def test_the_server_says_which_parameters_follow_links(linked: Linked) -> None:
    statement = (await linked.client.get("/metadata")).json()
    told = {
        (entry["type"], parameter["name"])
        for entry in statement["rest"][0]["resource"]
        for parameter in entry.get("searchParam", ())
        if ":mdm" in parameter.get("documentation", "")
    }
    assert {("Patient", "_id"), ("Organization", "_id"), ("RelatedPerson", "patient")} <= told
    assert not {("Person", "_id"), ("Patient", "family"), ("Patient", "identifier")} & told
    page = (await linked.client.get("http://mpi.test/openapi.json")).json()
    described = page["paths"]["/fhir/Patient"]["get"]["parameters"]
    assert any(":mdm" in each.get("description", "") for each in described)
