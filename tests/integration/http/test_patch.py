"""PATCH with JSON Patch (B29, B29b), on both stores."""

import json
from typing import Any

import pytest
from httpx import AsyncClient, Response

from tests.integration.http.exchanges import create, find, ids, outcome, patient, surname

JSON_PATCH = "application/json-patch+json"


async def patch(client: AsyncClient, id: str, steps: Any, **headers: str) -> Response:
    content = steps if isinstance(steps, bytes) else json.dumps(steps).encode()
    return await client.patch(
        f"/Patient/{id}", content=content, headers={"content-type": JSON_PATCH, **headers}
    )


@pytest.mark.parametrize(
    ("steps", "gender", "given"),
    [
        ([{"op": "replace", "path": "/gender", "value": "other"}], "other", ["A", "B"]),
        ([{"op": "add", "path": "/name/0/given/-", "value": "C"}], "female", ["A", "B", "C"]),
        ([{"op": "remove", "path": "/name/0/given/0"}], "female", ["B"]),
        ([{"op": "move", "from": "/name/0/given/1", "path": "/name/0/given/0"}], "female", ["B", "A"]),
        ([{"op": "copy", "from": "/name/0/given/0", "path": "/name/0/given/-"}], "female", ["A", "B", "A"]),
        ([{"op": "test", "path": "/id", "value": None}], None, None),
    ],
)
async def test_a_patch_makes_the_next_version(
    client: AsyncClient, steps: Any, gender: str | None, given: list[str] | None
) -> None:
    family = surname()
    known = await create(client, patient(gender="female", name=[{"family": family, "given": ["A", "B"]}]))
    response = await patch(client, known["id"], steps)
    if gender is None:
        outcome(response, 409, "conflict")
        return
    body = response.json()
    assert (response.status_code, response.headers["etag"]) == (200, 'W/"2"')
    assert (body["gender"], body["name"][0]["given"]) == (gender, given)
    assert (await client.get(f"/Patient/{known['id']}")).json() == body
    assert ids(await find(client, f"Patient?family={family}&gender={gender}")) == [known["id"]]


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [{"op": "test", "path": "/gender", "value": "female"}],
        [{"op": "replace", "path": "/gender", "value": "female"}],
    ],
)
async def test_a_patch_that_changes_nothing_makes_no_version(client: AsyncClient, steps: Any) -> None:
    known = await create(client, patient(gender="female"))
    response = await patch(client, known["id"], steps)
    assert (response.status_code, response.headers["etag"], response.json()) == (200, 'W/"1"', known)


@pytest.mark.parametrize(
    ("steps", "status", "code"),
    [
        pytest.param([{"op": "test", "path": "/active", "value": False}], 409, "conflict", id="B29-test"),
        pytest.param([{"op": "remove", "path": "/birthDate"}], 422, "processing", id="B29-absent"),
        pytest.param([{"op": "add", "path": "/x/y/z", "value": 1}], 422, "processing", id="B29-no-parent"),
        pytest.param([{"op": "add", "path": "/name/9", "value": {}}], 422, "processing", id="B29-index"),
        pytest.param([{"op": "add", "path": "/name/x", "value": {}}], 422, "processing", id="B29-no-index"),
        pytest.param([{"op": "replace", "path": "", "value": {}}], 422, "processing", id="B29b-whole"),
        pytest.param([{"op": "replace", "path": "/id", "value": "x"}], 422, "processing", id="B29b-id"),
        pytest.param([{"op": "remove", "path": "/id"}], 422, "processing", id="B29b-remove-id"),
        pytest.param([{"op": "move", "from": "/id", "path": "/language"}], 422, "processing", id="B29b-move"),
        pytest.param([{"op": "add", "path": "/id/x", "value": "x"}], 422, "processing", id="B29b-in-id"),
        pytest.param(
            [{"op": "replace", "path": "/resourceType", "value": "Person"}], 422, "processing", id="B29b-type"
        ),
        pytest.param([{"op": "remove", "path": "/meta"}], 422, "processing", id="B29b-meta"),
        pytest.param(
            [{"op": "replace", "path": "/meta/versionId", "value": "9"}], 422, "processing", id="B29b-version"
        ),
        pytest.param(
            [{"op": "replace", "path": "/meta/lastUpdated", "value": "2020"}],
            422,
            "processing",
            id="B29b-time",
        ),
        pytest.param([{"op": "add", "path": "/nick", "value": "x"}], 400, "structure", id="invalid-element"),
        pytest.param([{"op": "replace", "path": "/gender", "value": "x"}], 400, "code-invalid", id="code"),
        pytest.param({"op": "add", "path": "/active", "value": True}, 400, "structure", id="no-array"),
        pytest.param({"active": False}, 400, "structure", id="merge-patch"),
        pytest.param(["x"], 400, "structure", id="step-is-text"),
        pytest.param([{"op": "increment", "path": "/active"}], 400, "structure", id="unknown-op"),
        pytest.param([{"op": "add"}], 400, "structure", id="no-path"),
        pytest.param([{"op": "add", "path": 1, "value": 1}], 400, "structure", id="number-path"),
        pytest.param([{"op": "add", "path": "active", "value": 1}], 400, "structure", id="no-pointer"),
        pytest.param([{"op": "add", "path": "/gender"}], 400, "structure", id="no-value"),
        pytest.param([{"op": "move", "path": "/gender"}], 400, "structure", id="no-from"),
        pytest.param([{"op": "copy", "path": "/gender", "from": 7}], 400, "structure", id="number-from"),
        pytest.param([{"op": "test", "path": "/nick/x", "value": 1}], 409, "conflict", id="test-absent"),
        pytest.param(b"[{", 400, "structure", id="truncated"),
        pytest.param(b"", 400, "structure", id="empty"),
    ],
)
async def test_a_patch_that_cannot_be_done_is_refused_and_changes_nothing(
    client: AsyncClient, steps: Any, status: int, code: str
) -> None:
    known = await create(client, patient(active=True, gender="female", name=[{"family": "Patchlos"}]))
    outcome(await patch(client, known["id"], steps), status, code)
    assert (await client.get(f"/Patient/{known['id']}")).json() == known


async def test_a_patch_of_a_decimal_keeps_its_digits(client: AsyncClient) -> None:
    known = await create(client, patient(active=True))
    steps = b'[{"op":"add","path":"/extension","value":[{"url":"https://x.example/d","valueDecimal":1.00}]}]'
    assert '"valueDecimal":1.00}' in (await patch(client, known["id"], steps)).text


@pytest.mark.parametrize("content_type", ["text/plain"])
async def test_another_kind_of_patch_is_refused_by_its_name(client: AsyncClient, content_type: str) -> None:
    known = await create(client, patient(active=True))
    response = await patch(client, known["id"], {"active": False}, **{"content-type": content_type})
    refused = outcome(response, 415, "not-supported")
    assert JSON_PATCH in refused["issue"][0]["diagnostics"]


MERGE_PATCHES = ("application/json", "application/merge-patch+json", "application/json; charset=utf-8")


@pytest.mark.parametrize("content_type", MERGE_PATCHES)
async def test_a_partial_resource_replaces_what_it_has_and_removes_what_is_null(
    client: AsyncClient, content_type: str
) -> None:
    known = await create(
        client, patient(gender="female", active=True, maritalStatus={"text": "M", "id": "1"}, language="de")
    )
    partial = {"gender": None, "active": False, "maritalStatus": {"text": "S"}, "birthDate": "1970-01-01"}
    response = await patch(client, known["id"], partial, **{"content-type": content_type})
    found = response.json()
    assert (response.status_code, response.headers["etag"]) == (200, 'W/"2"')
    assert "gender" not in found
    assert (found["active"], found["language"], found["birthDate"]) == (False, "de", "1970-01-01")
    assert found["maritalStatus"] == {"text": "S", "id": "1"}
    again = await patch(client, known["id"], partial, **{"content-type": content_type})
    assert (again.headers["etag"], again.json()) == ('W/"2"', found)


@pytest.mark.parametrize(
    ("partial", "status", "code"),
    [
        ({"id": "other"}, 422, "processing"),
        ({"id": None}, 422, "processing"),
        ({"resourceType": "Person"}, 422, "processing"),
        ({"gender": "divers"}, 400, "code-invalid"),
        ({"nick": "x"}, 400, "structure"),
        ([{"op": "test", "path": "/id", "value": "x"}], 400, "structure"),
        (b"{", 400, "structure"),
    ],
)
async def test_a_partial_resource_that_does_not_fit_is_refused_and_changes_nothing(
    client: AsyncClient, partial: Any, status: int, code: str
) -> None:
    known = await create(client, patient(active=True))
    outcome(await patch(client, known["id"], partial, **{"content-type": MERGE_PATCHES[0]}), status, code)
    assert (await client.get(f"/Patient/{known['id']}")).json() == known


async def test_a_partial_resource_may_say_whose_it_is(client: AsyncClient) -> None:
    known = await create(client, patient(active=True, meta={"source": "urn:x"}))
    partial = {"resourceType": "Patient", "id": known["id"], "meta": {"versionId": "9"}, "gender": "other"}
    found = (await patch(client, known["id"], partial, **{"content-type": MERGE_PATCHES[0]})).json()
    assert (found["meta"]["versionId"], found["meta"]["source"], found["gender"]) == ("2", "urn:x", "other")


async def test_what_is_gone_or_never_was_cannot_be_patched(client: AsyncClient) -> None:
    known = await create(client, patient(active=True))
    await client.delete(f"/Patient/{known['id']}")
    outcome(await patch(client, known["id"], []), 410, "deleted")
    outcome(await patch(client, "never-was", []), 404, "not-found")


async def test_a_patch_that_is_too_long_is_refused(client: AsyncClient) -> None:
    outcome(await patch(client, "1", b" " * (1024 * 1024 + 1)), 413, "too-long")


def operation(type: str, path: str, **parts: Any) -> dict[str, Any]:
    given = [{"name": "type", "valueCode": type}, {"name": "path", "valueString": path}]
    return {"name": "operation", "part": [*given, *({"name": name, **part} for name, part in parts.items())]}


@pytest.mark.parametrize("content_type", ["application/fhir+json", "application/json"])
async def test_a_fhirpath_patch_makes_the_next_version(client: AsyncClient, content_type: str) -> None:
    known = await create(client, patient(gender="female", active=True, name=[{"given": ["A", "B"]}]))
    steps = [
        operation("replace", "Patient.gender", value={"valueCode": "other"}),
        operation("delete", "Patient.active"),
        operation("delete", "Patient.deceased"),
        operation("insert", "Patient.name[0].given", index={"valueInteger": 1}, value={"valueString": "C"}),
        operation("add", "Patient", name={"valueString": "deceased"}, value={"valueBoolean": True}),
        operation("move", "Patient.name.given", source={"valueInteger": 2}, destination={"valueInteger": 0}),
        operation("insert", "Patient.name.suffix", index={"valueInteger": 0}, value={"valueString": "D"}),
        operation("delete", "Patient.name.given.where($this.startsWith('A') or $this = 'X')"),
    ]
    body = {"resourceType": "Parameters", "parameter": steps}
    found = (await patch(client, known["id"], body, **{"content-type": content_type})).json()
    assert (found["gender"], found["deceasedBoolean"], found["meta"]["versionId"]) == ("other", True, "2")
    assert found["name"] == [{"given": ["B", "C"], "suffix": ["D"]}]
    assert "active" not in found


@pytest.mark.parametrize(
    ("step", "status"),
    [
        (operation("replace", "Patient.birthDate", value={"valueDate": "1970-01-01"}), 422),
        (operation("delete", "Patient.name[0].given"), 422),
        (operation("delete", "Patient.name.children()"), 422),
        (operation("delete", "Patient.name" + "(" * 300), 422),
        (operation("add", "Patient", name={"valueString": "gender"}, value={"valueCode": "other"}), 422),
        (operation("add", "Patient", name={"valueString": "photograph"}, value={"valueCode": "a"}), 422),
        (operation("add", "Patient", name={"valueString": "name"}, value={"valueHumanName": {"a": 1}}), 422),
        (operation("insert", "Patient.name", index={"valueInteger": 9}, value={"valueHumanName": {}}), 422),
        (operation("insert", "Patient.address", index={"valueInteger": 1}, value={"valueAddress": {}}), 422),
        (operation("insert", "Patient.birthDate", index={"valueInteger": 0}, value={"valueDate": "1"}), 422),
        (operation("insert", "Patient.nobody", index={"valueInteger": 0}, value={"valueString": "x"}), 422),
        (operation("insert", "Patient.name.last()", index={"valueInteger": 0}), 422),
        (operation("insert", "Patient.contact.first()", index={"valueInteger": 0}), 422),
        (operation("delete", "Patient"), 422),
        (operation("upsert", "Patient"), 400),
        ({"name": "operation", "part": [3]}, 400),
    ],
)
async def test_a_fhirpath_patch_that_does_not_fit_is_refused_where_it_stands(
    client: AsyncClient, step: Any, status: int
) -> None:
    known = await create(client, patient(gender="female", name=[{"given": ["A", "B"]}]))
    body = {"resourceType": "Parameters", "parameter": [step]}
    response = await patch(client, known["id"], body, **{"content-type": "application/fhir+json"})
    code = "processing" if status == 422 else "structure"
    outcome(response, status, code, "Parameters.parameter[0]")
    assert (await client.get(f"/Patient/{known['id']}")).json() == known


async def test_a_fhirpath_patch_leaves_the_id_alone(client: AsyncClient) -> None:
    known = await create(client, patient(gender="female"))
    body = {"resourceType": "Parameters", "parameter": [operation("delete", "Patient.id")]}
    response = await patch(client, known["id"], body, **{"content-type": "application/fhir+json"})
    outcome(response, 422, "processing", "Parameters")
