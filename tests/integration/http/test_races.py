"""What a client is told when others were first, or the store can't: on both stores."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_mpi.definitions import CHECKOUT
from fhir_mpi.fhir.outcome import StoreFull, Unavailable
from fhir_mpi.storage.opening import open_store
from fhir_mpi.storage.port import Store, WriteConflict
from tests.integration.http.exchanges import (
    alive,
    bundle,
    create,
    entry,
    ids,
    issue,
    match,
    outcome,
    patient,
    person,
    put,
    send,
    stored,
    surname,
)
from tests.integration.http.serving import ROOT, Serve


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Store]:
    """The stores that servers of this test open, so that they can be made to fail."""
    found: list[Store] = []

    async def opening(*args: Any, **options: Any) -> Store:
        found.append(await open_store(*args, **options))
        return found[-1]

    monkeypatch.setattr("fhir_mpi.app.open_store", opening)
    return found


@pytest.fixture
def failing(opened: list[Store], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes a method of the store raise; answers the calls that were made."""

    def fail(method: str, error: Exception) -> list[Any]:
        calls: list[Any] = []

        async def failure(_: object, *args: object) -> None:
            calls.append(args)
            raise error

        monkeypatch.setattr(type(opened[0]), method, failure)
        return calls

    yield fail
    monkeypatch.undo()


CONFLICT = WriteConflict("Patient", "1", 1, 5)


async def test_an_id_that_is_taken_by_chance_is_told(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fhir_mpi.app._new_id", lambda: "always-the-same")
    async with serve() as client:
        known = await create(client, patient(active=True))
        outcome(await send(client, "POST", "/Patient", patient(active=False)), 409, "conflict")
        assert (await client.get("/Patient/always-the-same")).json() == known


async def test_an_update_that_never_gets_its_turn_gives_up(serve: Serve, failing: Any) -> None:
    async with serve() as client:
        known = {**await create(client, patient(active=True)), "active": False}
        calls = failing("commit", CONFLICT)
        outcome(await put(client, known), 409, "conflict")
        assert len(calls) == 10
        refused = await send(client, "PUT", f"/Patient/{known['id']}", known, {"if-match": 'W/"1"'})
        text = outcome(refused, 412, "conflict")["issue"][0]["diagnostics"]
        said = "Trying to update Patient/1/_history/1 but this is not the current version, which is 5"
        assert text == said
        assert len(calls) == 11


async def test_a_transaction_that_somebody_came_before_is_told(serve: Serve, failing: Any) -> None:
    async with serve() as client:
        known = await create(client, patient(active=True))
        calls = failing("commit", CONFLICT)
        change = entry("PUT", f"Patient/{known['id']}", {**known, "active": False})
        outcome(await send(client, "POST", "/", bundle("transaction", change)), 409, "conflict")
        assert len(calls) == 10


@pytest.mark.parametrize(("if_match", "status"), [(None, 200), ('W/"1"', 412)])
async def test_a_transaction_is_tried_again_on_top_of_what_came_in_between(
    serve: Serve, opened: list[Store], monkeypatch: pytest.MonkeyPatch, if_match: str | None, status: int
) -> None:
    async with serve() as client:
        known = await create(client, patient(active=True))
        kind = type(opened[0])
        came: list[Any] = []
        real = kind.commit

        async def beaten(self: Any, work: Any) -> None:
            if not came:
                came.append(work)
                assert (await put(client, {**known, "gender": "female"})).status_code == 200
            await real(self, work)

        monkeypatch.setattr(kind, "commit", beaten)
        named = {} if if_match is None else {"if_match": if_match}
        change = entry("PUT", f"Patient/{known['id']}", {**known, "active": False}, **named)
        response = await send(client, "POST", "/", bundle("transaction", change))
        monkeypatch.undo()
        assert response.status_code == status
        if if_match is None:
            assert (await client.get(f"/Patient/{known['id']}")).headers["etag"] == 'W/"3"'
        else:
            outcome(response, 412, "conflict", "Bundle.entry[0]")


async def test_a_record_that_is_deleted_while_a_transaction_looks_at_it_is_looked_at_again(
    serve: Serve, opened: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve() as client:
        known = await create(client, patient(active=True))
        kind = type(opened[0])
        came: list[Any] = []
        real = kind.read_many

        async def beaten(self: Any, type: str, ids: Any) -> Any:
            if not came:
                came.append(ids)
                await client.delete(f"/Patient/{known['id']}")
            return await real(self, type, ids)

        monkeypatch.setattr(kind, "read_many", beaten)
        change = entry("PUT", f"Patient/{known['id']}", {**known, "active": False})
        (answer,) = (await send(client, "POST", "/", bundle("transaction", change))).json()["entry"]
        monkeypatch.undo()
        assert (answer["response"]["status"], answer["response"]["etag"]) == ("201 Created", 'W/"3"')


@pytest.mark.parametrize("type", ["batch", "transaction"])
async def test_a_failure_nobody_foresaw_is_the_answer_of_its_entry_alone(
    serve: Serve, failing: Any, logged: io.StringIO, type: str
) -> None:
    async with serve() as client:
        failing("read", RuntimeError("Otti Geheim"))
        writing = entry("POST", "Patient", patient(active=True))
        sent = bundle(type, writing, entry("GET", "Patient/1"), entry("GET", "metadata"))
        answers = (await send(client, "POST", "/", sent, {"x-request-id": "mine"})).json()["entry"]
        assert [a["response"]["status"][:3] for a in answers] == ["201", "500", "200"]
        found = issue(answers[1]["response"]["outcome"], "exception")
        assert "mine" in found["issue"][0]["diagnostics"]
        assert "RuntimeError" in logged.getvalue()
        assert "Geheim" not in logged.getvalue() + str(answers)


@pytest.mark.parametrize(
    ("error", "code"), [(StoreFull("the disk is full"), "no-store"), (Unavailable("no primary"), "transient")]
)
async def test_a_store_that_cannot_write_is_unavailable_for_writers_alone(
    serve: Serve, failing: Any, error: Exception, code: str
) -> None:
    async with serve() as client:
        known = await create(client, patient(active=True))
        failing("commit", error)
        for response in (
            await send(client, "POST", "/Patient", patient(active=True)),
            await put(client, {**known, "active": False}),
            await client.delete(f"/Patient/{known['id']}"),
            await send(
                client, "POST", "/", bundle("transaction", entry("POST", "Patient", patient(active=True)))
            ),
        ):
            outcome(response, 503, code)
            assert response.headers["retry-after"] == "2"
        assert (await client.get(f"/Patient/{known['id']}")).json() == known
        assert (await stored(client))["Patient"] == 1
        assert await alive(client)


async def test_a_server_whose_store_has_problems_is_alive_and_not_ready(
    serve: Serve, opened: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def problems(_: object) -> list[str]:
        return ["an index is missing"]

    async with serve() as client:
        with monkeypatch.context() as patched:
            patched.setattr(type(opened[0]), "problems", problems)
            response = await client.get(f"{ROOT}/readyz")
            assert response.json() == {"status": "unavailable", "problems": ["an index is missing"]}
            assert response.status_code == 503
            assert await alive(client)
        assert (await client.get(f"{ROOT}/readyz")).status_code == 200


async def test_a_store_that_forgets_its_mark_stops_the_start(
    serve: Serve, opened: list[Store], monkeypatch: pytest.MonkeyPatch, store_url: str
) -> None:
    async with serve(store=store_url):
        kind = type(opened[0])
    real = kind.mark

    async def forgetful(self: Any, name: str) -> str | None:
        return None if name == "page-key" else await real(self, name)

    async def deaf(*_: object, **__: object) -> bool:
        return False

    with monkeypatch.context() as patched:
        patched.setattr(kind, "mark", forgetful)
        patched.setattr(kind, "set_mark", deaf)
        with pytest.raises(RuntimeError, match="does not keep marks"):
            async with serve(store=store_url):
                raise AssertionError("the server started")


async def test_what_too_many_records_share_is_left_out_of_matching_and_said(
    serve: Serve, tmp_path: Path
) -> None:
    model = json.loads((CHECKOUT / "fhir_mpi" / "models" / "patient.json").read_text(encoding="utf-8"))
    file = tmp_path / "model.json"
    file.write_text(json.dumps({**model, "cap": 1}), encoding="utf-8")
    async with serve(patient_model=file) as client:
        family = surname()
        number = {"system": "urn:n", "value": family}
        await create(client, person(family, identifier=[number]))
        await create(client, person(family))
        found = (await match(client, person(family, identifier=[number]))).json()
        assert (found["total"], len(ids(found))) == (1, 1)
        last = found["entry"][-1]
        assert last["search"] == {"mode": "outcome"}
        (issue,) = last["resource"]["issue"]
        assert (issue["severity"], issue["code"]) == ("warning", "incomplete")
        assert "blocking keys were left out" in issue["diagnostics"]
