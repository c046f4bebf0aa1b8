"""$explain-match: everything that decided, for programs and for people, on both stores."""

from typing import Any

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import create, organization, outcome, person, surname
from tests.integration.http.serving import Serve

HTML = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def parts(answer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Each parameter of this name: its parts by name, those that repeat as a list."""
    found = []
    for parameter in answer["parameter"]:
        if parameter["name"] == name:
            values: dict[str, Any] = {}
            for part in parameter["part"]:
                [value] = [value for key, value in part.items() if key != "name"]
                values.setdefault(part["name"], []).append(value)
            found.append(values)
    return found


def value(answer: dict[str, Any], name: str) -> Any:
    [found] = [p for p in answer["parameter"] if p["name"] == name and "part" not in p]
    return next(v for key, v in found.items() if key != "name")


async def test_a_pair_is_explained_as_match_would_judge_it(client: AsyncClient) -> None:
    family = surname()
    jane, again = await create(client, person(family)), await create(client, person(family))
    response = await client.get(f"/Patient/{jane['id']}/$explain-match?other={again['id']}")
    assert response.status_code == 200, response.text
    answer = response.json()
    assert value(answer, "grade") == "certain"
    assert value(answer, "found") is True
    comparisons = parts(answer, "comparison")
    total = sum(weight for comparison in comparisons for weight in comparison["weight"])
    assert total == pytest.approx(value(answer, "weight"), abs=0.01)
    assert comparisons[0]["name"] == ["prior"]
    assert [feature["value"] for feature in parts(answer, "feature") if feature["name"] == ["family"]] == [
        [family.lower()]
    ]
    keys = parts(answer, "key")
    assert keys
    assert all(key["skipped"] == [False] for key in keys)
    named = f"other=Patient/{again['id']}"
    assert (await client.get(f"/Patient/{jane['id']}/$explain-match?{named}")).json() == answer


async def test_a_pair_that_no_key_leads_to_is_explained_too(client: AsyncClient) -> None:
    one = await create(client, person(surname()))
    other = await create(client, {"resourceType": "Patient", "name": [{"family": surname()}]})
    url = f"/Patient/{one['id']}/$explain-match?other={other['id']}"
    answer = (await client.get(url)).json()
    assert (value(answer, "grade"), value(answer, "found"), parts(answer, "key")) == (
        "certainly-not",
        False,
        [],
    )
    assert "No blocking key is common to both" in (await client.get(url, headers=HTML)).text


async def test_a_guard_that_lowered_the_grade_is_named(client: AsyncClient) -> None:
    family, system = surname(), "https://hospital.example/mrn"
    made = [
        await create(client, person(family) | {"identifier": [{"system": system, "value": number}]})
        for number in ("10234", "99871")
    ]
    url = f"/Patient/{made[0]['id']}/$explain-match?other={made[1]['id']}"
    assert parts((await client.get(url)).json(), "guard") == [
        {"name": ["identifier-conflict"], "atMost": ["possible"]}
    ]
    page = await client.get(url, headers=HTML)
    assert "<code>identifier-conflict</code> lets it be at most <strong>possible</strong>" in page.text


@pytest.mark.parametrize("way", ["accept", "_format=text/html", "_format=html"])
async def test_people_get_a_page_that_needs_nothing_and_runs_nothing(client: AsyncClient, way: str) -> None:
    family = "<script>alert(1)</script>" + surname()
    one = await create(client, person(family))
    url = f"/Patient/{one['id']}/$explain-match?other={one['id']}"
    page = await client.get(url, headers=HTML) if way == "accept" else await client.get(f"{url}&{way}")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "<svg" in page.text
    for never in ("<script", " style=", 'http-equiv="refresh', "src=", "href="):
        assert never not in page.text, never


async def test_programs_get_parameters_unless_they_ask_for_a_page(client: AsyncClient) -> None:
    one = await create(client, person(surname()))
    url = f"/Patient/{one['id']}/$explain-match?other={one['id']}"
    for accept in ("*/*", "application/fhir+json", "application/fhir+json, text/html;q=0.9"):
        assert (await client.get(url, headers={"accept": accept})).json()["resourceType"] == "Parameters"
    outcome(await client.get(url, headers={"accept": "image/png"}), 406, "not-supported")


async def test_what_is_not_there_cannot_be_explained(client: AsyncClient) -> None:
    one, gone = await create(client, person(surname())), await create(client, person(surname()))
    await client.delete(f"/Patient/{gone['id']}")
    url = f"/Patient/{one['id']}/$explain-match"
    where = "Parameters.parameter.where(name='other').value"
    outcome(await client.get(f"{url}?other={gone['id']}", headers=HTML), 410, "deleted")
    outcome(await client.get(f"{url}?other=nobody"), 404, "not-found")
    outcome(await client.get(f"{url}?other=Organization/{one['id']}"), 400, "value", where)
    outcome(await client.get(f"{url}?other=a%20b"), 400, "value", where)
    assert (await client.get(url)).status_code == 400


async def test_an_organization_is_explained_and_another_engine_may_judge(serve: Serve) -> None:
    async with serve(patient_alternatives="rules=deterministic") as client:
        clinic = await create(client, organization(name=surname(), alias=["The Clinic"]))
        page = await client.get(
            f"/Organization/{clinic['id']}/$explain-match?other={clinic['id']}", headers=HTML
        )
        assert "The Clinic" in page.text
        jane = await create(client, person(surname()))
        url = f"/Patient/{jane['id']}/$explain-match?other={jane['id']}"
        answer = (await client.get(f"{url}&engine=rules")).json()
        assert value(answer, "engine") == "deterministic"
        outcome(await client.get(f"{url}&engine=nobody"), 400, "value")
