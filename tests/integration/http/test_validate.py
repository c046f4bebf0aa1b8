"""$validate over HTTP, on both stores: the verdict, and nothing is stored."""

from typing import Any, Final

from httpx import AsyncClient, Response

from tests.integration.http.exchanges import Json, create, find, outcome, patient, send, surname
from tests.integration.http.serving import Serve

CLEAN: Final = [("information", "informational", None)]


def given(resource: Json | None = None, **more: Any) -> Json:
    parts: list[Json] = [{"name": "resource", "resource": resource}] if resource else []
    keys = {"mode": "valueCode", "profile": "valueCanonical"}
    parts += [{"name": name, keys[name]: value} for name, value in more.items()]
    return {"resourceType": "Parameters", "parameter": parts}


def verdict(response: Response) -> list[tuple[str, str, str | None]]:
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["resourceType"] == "OperationOutcome"
    return [(i["severity"], i["code"], (i.get("expression") or [None])[0]) for i in body["issue"]]


async def validate(client: AsyncClient, body: Json, path: str = "/Patient") -> list[Any]:
    return verdict(await send(client, "POST", f"{path}/$validate", body))


async def test_a_valid_resource_is_said_to_be_one_and_is_not_stored(client: AsyncClient) -> None:
    family = surname()
    body = patient(name=[{"family": family}])
    assert await validate(client, body) == CLEAN
    assert await validate(client, given(body)) == CLEAN
    assert await validate(client, given(body, mode="create")) == CLEAN
    answer = await send(client, "POST", "/Patient/$validate", body)
    assert answer.json()["issue"][0]["diagnostics"] == "No issues detected during validation"
    assert (await find(client, f"Patient?family={family}"))["total"] == 0


async def test_every_problem_is_said_and_the_status_is_200(client: AsyncClient) -> None:
    assert await validate(client, patient(gender="x", birthDate="2023-02-30")) == [
        ("error", "code-invalid", "Patient.gender"),
        ("error", "value", "Patient.birthDate"),
    ]
    assert ("error", "invalid", "Patient.resourceType") in await validate(
        client, {"resourceType": "Person", "active": True}
    )


async def test_what_can_not_be_read_is_a_bad_request(client: AsyncClient) -> None:
    broken = await client.post(
        "/Patient/$validate", content=b'{"resourceType":', headers={"content-type": "application/json"}
    )
    outcome(broken, 400, "structure")
    outcome(await send(client, "POST", "/Patient/$validate", given(mode="profile")), 400, "required")
    outcome(await send(client, "POST", "/Patient/$validate", given(patient(), mode="guess")), 400, "value")
    outcome(await send(client, "POST", "/Patient/$validate", given(patient(), mode="update")), 400, "invalid")
    outcome(
        await send(client, "POST", "/Patient/1/$validate", given(patient(), mode="create")), 400, "invalid"
    )


async def test_an_update_is_judged_by_its_id_too(client: AsyncClient) -> None:
    made = await create(client, patient())
    path = f"/Patient/{made['id']}"
    assert await validate(client, given(patient(id=made["id"]), mode="update"), path) == CLEAN
    wrong = [("error", "invalid", "Patient.id")]
    assert await validate(client, given(patient(id="other"), mode="update"), path) == wrong
    assert await validate(client, given(patient(), mode="update"), path) == wrong


async def test_what_is_stored_can_be_validated_again(client: AsyncClient) -> None:
    made = await create(client, patient(multipleBirthInteger=2))
    assert await validate(client, given(mode="profile"), f"/Patient/{made['id']}") == CLEAN
    outcome(await send(client, "POST", "/Patient/never/$validate", given(mode="profile")), 404, "not-found")


async def test_a_deletion_needs_something_to_delete(client: AsyncClient) -> None:
    made = await create(client, patient())
    path = f"/Patient/{made['id']}"
    assert await validate(client, given(mode="delete"), path) == CLEAN
    assert (await client.get(path)).status_code == 200
    await client.delete(path)
    assert await validate(client, given(mode="delete"), path) == [("error", "deleted", None)]
    assert await validate(client, given(mode="delete"), "/Patient/never") == [("error", "not-found", None)]


async def test_an_unknown_profile_is_an_error_where_it_is_asked_for(client: AsyncClient) -> None:
    core = "http://hl7.org/fhir/StructureDefinition"
    assert await validate(client, given(patient(), profile=f"{core}/Patient")) == CLEAN
    assert await validate(client, given(patient(), profile="urn:x")) == [("error", "not-found", None)]
    claims = patient(meta={"profile": ["urn:x"]})
    assert await validate(client, claims) == [("warning", "business-rule", "Patient.meta.profile[0]")]


async def test_a_site_can_refuse_what_claims_an_unknown_profile(serve: Serve) -> None:
    claims = patient(meta={"profile": ["urn:x"]})
    async with serve() as client:
        assert (await send(client, "POST", "/Patient", claims)).status_code == 201
    async with serve(unknown_profile="error") as client:
        refused = await send(client, "POST", "/Patient", claims)
        outcome(refused, 422, "business-rule", "Patient.meta.profile[0]")
