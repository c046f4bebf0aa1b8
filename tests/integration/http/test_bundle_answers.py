"""What entries of batches and transactions answer, as `Prefer` asks, on both stores."""

import pytest
from httpx import AsyncClient

from fhir_mpi.http import batches
from tests.integration.http.bundles import born_as, by, making, numbered, patching, run, statuses
from tests.integration.http.exchanges import Json, create, entry, patient, surname

pytestmark = pytest.mark.parametrize("type", ["batch", "transaction"])


async def everything(client: AsyncClient, type: str, prefer: str | None) -> list[Json]:
    """A create, a conditional create that is met, a patch and two deletions."""
    number = surname()
    await create(client, numbered(f"{number}0"))
    gone, other = await create(client, patient(active=True)), await create(client, patient())
    answers = await run(
        client,
        type,
        entry("POST", "Patient", numbered(number)),
        making(by(f"{number}0"), numbered(number)),
        patching(f"Patient/{other['id']}", "application/merge-patch+json", b'{"active": true}'),
        entry("DELETE", f"Patient/{gone['id']}"),
        entry("DELETE", "Patient/never-was"),
        prefer=prefer,
    )
    return list(answers)


async def test_without_a_preference_no_resource_is_in_the_answer(client: AsyncClient, type: str) -> None:
    for prefer in (None, "return=minimal"):
        answers = await everything(client, type, prefer)
        assert [a["response"]["status"] for a in answers] == [
            "201 Created",
            "200 OK",
            "200 OK",
            "204 No Content",
            "204 No Content",
        ]
        assert not any("resource" in a or "outcome" in a["response"] for a in answers)
        assert [a["response"].get("etag") for a in answers] == ['W/"1"', 'W/"1"', 'W/"2"', 'W/"2"', None]
        assert [set(a["response"]) - {"status", "etag"} for a in answers] == [
            {"location", "lastModified"},
            {"location", "lastModified"},
            {"location", "lastModified"},
            {"lastModified"},
            set(),
        ]


async def test_the_resource_is_in_the_answer_where_it_is_preferred(client: AsyncClient, type: str) -> None:
    answers = await everything(client, type, "return=representation")
    for answer in answers[:3]:
        assert answer["resource"] == (await client.get(answer["response"]["location"])).json()
        assert answer["response"]["lastModified"] == answer["resource"]["meta"]["lastUpdated"]
    assert not any("resource" in a for a in answers[3:])


async def test_an_outcome_is_in_the_answer_where_it_is_preferred(client: AsyncClient, type: str) -> None:
    answers = await everything(client, type, "return=OperationOutcome")
    details = [a["response"]["outcome"]["issue"][0]["details"] for a in answers]
    assert [each["coding"][0]["code"] for each in details] == [
        "SUCCESSFUL_CREATE",
        "SUCCESSFUL_CREATE_WITH_CONDITIONAL_MATCH",
        "SUCCESSFUL_PATCH",
        "SUCCESSFUL_DELETE",
        "SUCCESSFUL_DELETE_NOT_FOUND",
    ]
    assert details[0]["text"] == f"Successfully created Patient/{born_as(answers[0])}"
    assert details[4]["text"] == "Nothing to delete: Patient/never-was"
    assert statuses(answers) == ["201", "200", "200", "200", "200"]


async def test_writes_tell_what_they_found_by_criteria(client: AsyncClient, type: str) -> None:
    codes, number = [], surname()
    for active in (True, False, False):
        sent = entry("PUT", f"Patient?{by(number)}", numbered(number, active=active))
        (answer,) = await run(client, type, sent, prefer="return=OperationOutcome")
        codes.append(answer["response"]["outcome"]["issue"][0]["details"]["coding"][0]["code"])
    assert codes == [
        "SUCCESSFUL_UPDATE_NO_CONDITIONAL_MATCH",
        "SUCCESSFUL_UPDATE_WITH_CONDITIONAL_MATCH",
        "SUCCESSFUL_UPDATE_WITH_CONDITIONAL_MATCH_NO_CHANGE",
    ]


async def test_resources_that_would_be_too_much_are_left_out_of_the_answer(
    client: AsyncClient, type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ANSWER_BYTES", 1000)
    writes = [entry("POST", "Patient", patient(name=[{"family": "x" * 600}])) for _ in range(3)]
    answers = await run(client, type, *writes, prefer="return=representation")
    assert ["resource" in a for a in answers] == [True, True, False]
    assert statuses(answers) == ["201", "201", "413" if type == "batch" else "201"]


async def test_a_lenient_search_is_lenient_in_a_bundle(client: AsyncClient, type: str) -> None:
    sent = entry("GET", "Patient?nonsense=1&_id=nobody")
    (answer,) = await run(client, type, sent, prefer="handling=lenient")
    assert answer["resource"]["total"] == 0
