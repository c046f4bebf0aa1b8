"""$everything over HTTP, on both stores."""

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import Json, create, entries, link, outcome, patient, send
from tests.integration.http.serving import Serve
from tests.integration.http.test_definitions_decide import definitions, search_parameter, serve_type

__all__ = ["definitions"]

NOBODY: Final = {"display": "somebody elsewhere"}


def to(resource: Json) -> Json:
    return {"reference": f"{resource['resourceType']}/{resource['id']}"}


def names(bundle: Json, mode: str = "match") -> set[str]:
    """`Type/id` of the entries of a mode, each known to stand once on the page."""
    found = [to(e["resource"])["reference"] for e in entries(bundle) if e["search"]["mode"] == mode]
    assert len(set(found)) == len(found)
    return set(found)


async def asked(client: AsyncClient, path: str, **parameters: Any) -> Json:
    response = await client.get(path, params=parameters or None)
    assert response.status_code == 200, response.text
    found: Json = response.json()
    assert (found["resourceType"], found["type"]) == ("Bundle", "searchset")
    return found


async def pages(client: AsyncClient, path: str, **parameters: Any) -> Sequence[Json]:
    """The first page and all that follow."""
    found = [await asked(client, path, **parameters)]
    while (following := link(found[-1], "next")) is not None:
        assert len(found) < 50
        found.append(await asked(client, following))
        assert link(found[-1], "self") == following
    return found


@pytest.fixture
async def known(client: AsyncClient) -> Json:
    """A patient, what is about it, what it refers to, and somebody else with the same."""
    clinic = await create(client, {"resourceType": "Organization", "name": "Clinic"})
    doctor = await create(client, {"resourceType": "Practitioner", "name": [{"family": "Doctor"}]})
    found: Json = {"clinic": clinic, "doctor": doctor}
    for own in ("own", "other"):
        one = await create(
            client, patient(managingOrganization=to(clinic), generalPractitioner=[to(doctor), NOBODY])
        )
        found[own] = one
        found[own + " kin"] = await create(client, {"resourceType": "RelatedPerson", "patient": to(one)})
        found[own + " person"] = await create(
            client, {"resourceType": "Person", "link": [{"target": to(one)}]}
        )
        found[own + " twin"] = await create(client, patient(link=[{"other": to(one), "type": "seealso"}]))
        found[own + " origin"] = await create(
            client, {"resourceType": "Provenance", "target": [to(one)], "agent": [{"who": to(doctor)}]}
        )
    return found


def of(known: Json, *keys: str) -> set[str]:
    return {to(known[key])["reference"] for key in keys}


OWN: Final = ("own", "own kin", "own person", "own twin", "own origin")


async def test_everything_about_a_patient_and_what_it_refers_to(client: AsyncClient, known: Json) -> None:
    path = f"/Patient/{known['own']['id']}/$everything"
    found = await asked(client, path)
    assert names(found) == of(known, *OWN)
    assert names(found, "include") == of(known, "clinic", "doctor")
    assert found["total"] == len(OWN)
    assert entries(found)[0]["resource"] == known["own"]
    assert link(found, "self") == f"http://mpi.test/fhir{path}"
    assert link(found, "next") is None
    posted = await send(client, "POST", path, {"resourceType": "Parameters"})
    assert names(posted.json()) == names(found)
    for each in entries(found):
        assert each["fullUrl"].endswith(to(each["resource"])["reference"])


async def test_pages_hold_everything_once(client: AsyncClient, known: Json) -> None:
    path = f"/Patient/{known['own']['id']}/$everything"
    found = await pages(client, path, _count=2)
    assert [len(names(page)) for page in found[:-1]] == [2] * (len(found) - 1)
    assert sum(len(names(page)) for page in found) == len(OWN)
    assert set().union(*map(names, found)) == of(known, *OWN)
    assert names(found[0], "include") == of(known, "clinic", "doctor")
    assert all(names(page, "include") == set() for page in found[1:])
    assert all("total" not in page for page in found)


async def test_a_call_by_post_goes_on_by_get(client: AsyncClient, known: Json) -> None:
    path = f"/Patient/{known['own']['id']}/$everything"
    given = [{"name": "_count", "valueInteger": 1}, {"name": "_type", "valueCode": "Patient"}]
    first = (await send(client, "POST", path, {"resourceType": "Parameters", "parameter": given})).json()
    following = link(first, "next")
    assert following is not None
    second = await asked(client, following)
    assert names(first) | names(second) == of(known, "own", "own twin")


async def test_types_can_be_chosen(client: AsyncClient, known: Json) -> None:
    path = f"/Patient/{known['own']['id']}/$everything"
    some = await asked(client, path, _type="RelatedPerson,Organization")
    assert (names(some), names(some, "include")) == (of(known, "own kin"), set())
    both = await asked(client, path, _type=["Patient", "Organization"])
    assert (names(both), names(both, "include")) == (of(known, "own", "own twin"), of(known, "clinic"))
    unserved = await asked(client, path, _type="Person,Observation")
    assert names(unserved) == of(known, "own person")
    (said,) = entries(unserved)[-1]["resource"]["issue"]
    assert (said["severity"], said["code"]) == ("information", "not-supported")


async def test_only_what_was_written_since_is_told(client: AsyncClient, known: Json) -> None:
    path = f"/Patient/{known['own']['id']}/$everything"
    last = known["own origin"]["meta"]["lastUpdated"]
    assert names(await asked(client, path, _since=known["clinic"]["meta"]["lastUpdated"])) == of(known, *OWN)
    late = await asked(client, path, _since=last)
    assert of(known, "own origin") <= names(late) <= of(known, "own origin", "own twin")
    assert names(late, "include") == set()
    assert entries(await asked(client, path, _since="2999-01-01T00:00:00Z")) == []


async def test_what_is_deleted_is_left_out(client: AsyncClient, known: Json) -> None:
    path = f"/Patient/{known['own']['id']}/$everything"
    await client.delete(f"/RelatedPerson/{known['own kin']['id']}")
    await client.delete(f"/Organization/{known['clinic']['id']}")
    found = await asked(client, path)
    assert names(found) == of(known, *OWN) - of(known, "own kin")
    assert names(found, "include") == of(known, "doctor")
    await client.delete(f"/Patient/{known['own']['id']}")
    outcome(await client.get(path), 410, "deleted")
    outcome(await client.get("/Patient/never/$everything"), 404, "not-found")


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"_count": "0"}, "value"),
        ({"_count": "x"}, "value"),
        ({"_type": "Nothing"}, "value"),
        ({"_since": "2026"}, "value"),
        ({"start": "2026-02-30"}, "value"),
        ({"else": "x"}, "invalid"),
        ({"_cursor": "forged"}, "invalid"),
    ],
)
async def test_what_can_not_be_asked_is_refused(
    client: AsyncClient, known: Json, parameters: Json, code: str
) -> None:
    outcome(await client.get(f"/Patient/{known['own']['id']}/$everything", params=parameters), 400, code)


async def test_a_page_belongs_to_its_patient_and_parameters(client: AsyncClient, known: Json) -> None:
    first = await asked(client, f"/Patient/{known['own']['id']}/$everything", _count=1)
    following = link(first, "next")
    assert following is not None
    for wrong in (
        following.replace(known["own"]["id"], known["other"]["id"]),
        following.replace("_count=1", "_count=2"),
    ):
        outcome(await client.get(wrong), 400, "invalid")


@pytest.fixture
async def alone(serve: Serve) -> AsyncIterator[AsyncClient]:
    async with serve() as found:
        yield found


async def test_everything_about_everybody(alone: AsyncClient) -> None:
    assert entries(await asked(alone, "/Patient/$everything")) == []
    clinic = await create(alone, {"resourceType": "Organization", "name": "Clinic"})
    people = [await create(alone, patient(managingOrganization=to(clinic))) for _ in range(3)]
    kin = await create(alone, {"resourceType": "RelatedPerson", "patient": to(people[0])})
    url = {"reference": f"http://mpi.test/fhir/Patient/{people[1]['id']}"}
    other = await create(alone, {"resourceType": "Person", "link": [{"target": url}]})
    await create(alone, {"resourceType": "Person", "link": [{"target": to(kin)}]})
    await create(alone, {"resourceType": "Organization", "name": "Of nobody"})
    whole = await asked(alone, "/Patient/$everything")
    told = {to(one)["reference"] for one in (*people, kin, other)}
    assert (names(whole), names(whole, "include")) == (told, {to(clinic)["reference"]})
    found = await pages(alone, "/Patient/$everything", _count=2)
    assert sorted(name for page in found for name in names(page)) == sorted(told)
    assert "/Patient/$everything?_count=2&_cursor=" in str(link(found[0], "next"))


async def test_a_setting_wants_a_patient_to_be_named(serve: Serve) -> None:
    async with serve(search_without_criteria=False) as client:
        outcome(await client.get("/Patient/$everything"), 400, "too-costly")
        one = await create(client, patient())
        assert len(names(await asked(client, f"/Patient/{one['id']}/$everything"))) == 1


async def test_more_references_than_a_page_may_have_are_left_out_and_said(serve: Serve) -> None:
    async with serve(page_size_max=2) as client:
        doctors = [await create(client, {"resourceType": "Practitioner"}) for _ in range(3)]
        one = await create(client, patient(generalPractitioner=[to(doctor) for doctor in doctors]))
        found = await asked(client, f"/Patient/{one['id']}/$everything")
        assert len(names(found, "include")) == 2
        assert entries(found)[-1]["resource"]["issue"][0]["code"] == "incomplete"


async def test_a_type_that_json_adds_belongs_to_the_patient_it_names(serve: Serve, definitions: Path) -> None:
    serve_type(definitions, "Encounter", "create", "read", "search-type")
    added = (
        search_parameter("Encounter", "date", "date", "Encounter.actualPeriod"),
        search_parameter("Encounter", "of", "reference", "Encounter.subject", target=["Patient", "Group"]),
    )
    for parameter in added:
        (definitions / "search_params" / f"{parameter['id']}.json").write_text(json.dumps(parameter))
    async with serve(definitions=definitions) as client:
        one = await create(client, patient())

        async def stay(**period: str) -> str:
            made = await create(
                client,
                {
                    "resourceType": "Encounter",
                    "status": "completed",
                    "subject": to(one),
                    **({"actualPeriod": period} if period else {}),
                },
            )
            return str(to(made)["reference"])

        early = await stay(start="2020-01-01", end="2020-01-05")
        late = await stay(start="2024-01-01", end="2024-01-05")
        timeless = await stay()
        path = f"/Patient/{one['id']}/$everything"
        for period, expected in (
            ({}, {early, late, timeless}),
            ({"start": "2020-01-06"}, {late, timeless}),
            ({"start": "2020-01-05"}, {early, late, timeless}),
            ({"end": "2023"}, {early, timeless}),
            ({"start": "2021", "end": "2023"}, {timeless}),
        ):
            assert names(await asked(client, path, _type="Encounter", **period)) == expected, period
