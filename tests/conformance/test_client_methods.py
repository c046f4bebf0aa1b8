"""Every public method of fhirpy and fhirclient against a server on a real socket, or listed with a reason."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

import fhirpy.base.exceptions as fhirpy_errors
import pytest
from fhirclient.client import FHIRClient
from fhirclient.models.fhirsearch import FHIRSearch
from fhirclient.models.patient import Patient
from fhirclient.server import FHIRServer
from fhirpy import AsyncFHIRClient, SyncFHIRClient, lib

from tests.integration.http.exchanges import surname

DICT: Final = "a method of dict"
SMART: Final = "SMART authorization, which this release does not have"
LOCAL: Final = "it asks no server"
DICTS: Final = ("clear", "copy", "fromkeys", "items", "keys", "pop", "popitem", "setdefault", "values")
NOT_CALLED: Final[Mapping[str, str]] = {
    **dict.fromkeys(DICTS, DICT),
    "authorize": SMART,
    "handle_callback": SMART,
    "reauthorize": SMART,
    "post_as_form": SMART,
    "from_state": LOCAL,
    "human_name": LOCAL,
    "reset_patient": LOCAL,
    "save_state": LOCAL,
    "should_save_state": LOCAL,
    "didResolveReference": LOCAL,
    "owningBundle": LOCAL,
    "owningResource": LOCAL,
    "resolvedReference": LOCAL,
    "with_json_and_owner": LOCAL,
    "SyncFHIRReference.update": DICT,
    "AsyncFHIRReference.update": DICT,
    "Patient.search": "it raises AttributeError in fhirclient 4.4 before it asks",
}
"""Methods, of every class or of one, that no test here calls, and why."""


class Model(dict[str, Any]):
    """A Patient as fhirpy's clients want the models that they save: a class that is made of keywords."""

    resourceType = "Patient"

    @property
    def id(self) -> str | None:
        return self.get("id")


class Calls:
    """Which public methods of these classes were called since."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *classes: type) -> None:
        self._expected = {(c, name) for c in classes for name in _public(c)}
        self._seen: set[tuple[type, str]] = set()
        for c, name in self._expected:
            monkeypatch.setattr(c, name, self._recorded(c, name))

    @property
    def missing(self) -> list[str]:
        left = self._expected - self._seen
        named = {f"{c.__name__}.{name}": name for c, name in left}
        return sorted(full for full, name in named.items() if not {full, name} & NOT_CALLED.keys())

    def _recorded(self, c: type, name: str) -> Any:
        found = inspect.getattr_static(c, name)
        wrapped: Callable[..., Any] = getattr(found, "__func__", found)

        def method(*given: Any, **named: Any) -> Any:
            self._seen.add((c, name))
            return wrapped(*given, **named)

        return type(found)(method) if isinstance(found, classmethod | staticmethod) else method


def _public(c: type) -> list[str]:
    return [n for n, v in inspect.getmembers(c) if n[0] != "_" and callable(v) and not inspect.isclass(v)]


def test_every_method_of_fhirpy_works(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resource, searchset = lib.SyncFHIRResource, lib.SyncFHIRSearchSet
    calls = Calls(monkeypatch, SyncFHIRClient, searchset, resource, lib.SyncFHIRReference)
    client: Any = SyncFHIRClient(base_url)
    family = surname()
    clinic = client.resource("Organization", name=family)
    clinic.create()
    assert clinic.is_valid(raise_exception=True)
    one = client.resource("Patient", name=[{"family": family}], managingOrganization=clinic.to_reference())
    one.save()
    one = _written_as_a_model(client, one)
    one["birthDate"] = "1980"
    one.save(fields=["birthDate"])
    one["active"] = True
    one.update()
    one.patch(gender="female")
    assert (one.refresh()["gender"], one["active"]) == ("female", True)
    assert one.get_by_path(["name", 0, "family"]) == family == one.get("name")[0]["family"]
    assert not one.is_reference(one.serialize())
    reference = client.reference("Patient", one.id)
    assert reference.to_reference().get("reference") == reference.get_by_path(["reference"])
    reference.patch(active=False)
    assert reference.to_resource()["active"] is False
    reference.patch(active=True)
    assert one.to_resource().id == one.id
    assert one.execute("$meta", method="get")["resourceType"] == "Parameters"
    assert reference.execute("$meta", method="get")["resourceType"] == "Parameters"
    assert reference.serialize() == {"reference": f"Patient/{one.id}"}
    assert client.get("Patient", one.id)["active"] is True
    client.patch("Patient", one.id, active=False)
    assert client.execute("metadata", method="get")["fhirVersion"] == "5.0.0"
    _search_with_fhirpy(client, family, clinic.id, one.id)
    reference.delete()
    other = client.resource("Patient", active=True)
    other.save()
    other.delete()
    client.delete("Organization", clinic.id)
    with pytest.raises(fhirpy_errors.ResourceNotFound):
        client.get("Patient", one.id)
    assert calls.missing == []


def _written_as_a_model(client: Any, one: Any) -> Any:
    model = client.create(Model(one.serialize(), gender="other"))
    assert client.save(model).id == one.id
    return client.resource("Patient", **client.update(model))


def _search_with_fhirpy(client: Any, family: str, clinic: str, patient: str) -> None:
    patients = client.resources("Patient")
    search = patients.search(family=family).sort("-birthdate").limit(1).elements("birthDate", "name")
    assert (search.count(), len(search.fetch()), len(search.fetch_all())) == (1, 1, 1)
    assert search.fetch_raw()["type"] == "searchset"
    assert search.first().id == patient
    assert patients.clone().search(_id=patient).get().id == patient
    assert patients.execute("$meta", method="get")["resourceType"] == "Parameters"
    along = patients.search(_id=patient).include("Patient", "organization").fetch_raw()
    assert [entry["search"]["mode"] for entry in along["entry"]] == ["match", "include"]
    trace = {"target": [{"reference": f"Patient/{patient}"}], "agent": [{"who": {"display": "x"}}]}
    client.resource("Provenance", recorded="2026-01-01T00:00:00Z", **trace).save()
    back = patients.search(_id=patient).revinclude("Provenance", "target").fetch_raw()
    assert [entry["resource"]["resourceType"] for entry in back["entry"]] == ["Patient", "Provenance"]
    organizations = client.resources("Organization")
    assert organizations.has("Patient", "organization", family=family).get().id == clinic
    by_number = patients.search(identifier=f"urn:n|{family}")
    numbered = {"identifier": [{"system": "urn:n", "value": family}]}
    made, created = by_number.get_or_create(client.resource("Patient", **numbered))
    again, anew = by_number.get_or_create(client.resource("Patient", **numbered))
    assert (created, anew, made.id) == (True, False, again.id)
    by_number.patch(active=False)
    changed, _ = by_number.update(client.resource("Patient", **numbered, active=True))
    assert changed.id == made.id
    by_number.delete()
    assert by_number.count() == 0


async def test_every_method_of_fhirpy_works_asynchronously(
    base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    searchset, resource = lib.AsyncFHIRSearchSet, lib.AsyncFHIRResource
    calls = Calls(monkeypatch, AsyncFHIRClient, searchset, resource, lib.AsyncFHIRReference)
    client: Any = AsyncFHIRClient(base_url)
    family = surname()
    clinic = client.resource("Organization", name=family)
    await clinic.create()
    assert await clinic.is_valid(raise_exception=True)
    one = client.resource("Patient", name=[{"family": family}], managingOrganization=clinic.to_reference())
    await one.save()
    one = await _written_as_an_async_model(client, one)
    one["birthDate"] = "1980"
    await one.save(fields=["birthDate"])
    one["active"] = True
    await one.update()
    await one.patch(gender="female")
    assert (await one.refresh())["gender"] == "female"
    assert one.get_by_path(["name", 0, "family"]) == family == one.get("name")[0]["family"]
    assert not one.is_reference(one.serialize())
    reference = client.reference("Patient", one.id)
    assert reference.to_reference().get("reference") == reference.get_by_path(["reference"])
    await reference.patch(active=False)
    await reference.patch(active=True)
    assert (await reference.to_resource())["active"] is True
    assert (await one.to_resource()).id == one.id
    assert (await one.execute("$meta", method="get"))["resourceType"] == "Parameters"
    assert (await reference.execute("$meta", method="get"))["resourceType"] == "Parameters"
    assert reference.serialize() == {"reference": f"Patient/{one.id}"}
    await client.patch("Patient", one.id, active=False)
    assert (await client.execute("metadata", method="get"))["fhirVersion"] == "5.0.0"
    await _search_with_async_fhirpy(client, family, clinic.id, one.id)
    await reference.delete()
    other = client.resource("Patient", active=True)
    await other.save()
    await other.delete()
    await client.delete("Organization", clinic.id)
    with pytest.raises(fhirpy_errors.ResourceNotFound):
        await client.get("Patient", one.id)
    assert calls.missing == []


async def _written_as_an_async_model(client: Any, one: Any) -> Any:
    model = await client.create(Model(one.serialize(), gender="other"))
    assert (await client.save(model)).id == one.id
    return client.resource("Patient", **await client.update(model))


async def _search_with_async_fhirpy(client: Any, family: str, clinic: str, patient: str) -> None:
    patients = client.resources("Patient")
    search = patients.search(family=family).sort("-birthdate").limit(1).elements("birthDate", "name")
    assert (await search.count(), len(await search.fetch()), len(await search.fetch_all())) == (1, 1, 1)
    assert (await search.fetch_raw())["type"] == "searchset"
    assert (await search.first()).id == patient
    assert (await patients.clone().search(_id=patient).get()).id == patient
    assert (await patients.execute("$meta", method="get"))["resourceType"] == "Parameters"
    along = patients.search(_id=patient).include("Patient", "organization").revinclude("Provenance", "target")
    assert len((await along.fetch_raw())["entry"]) == 2
    organizations = client.resources("Organization")
    assert (await organizations.has("Patient", "organization", family=family).get()).id == clinic
    by_number = patients.search(identifier=f"urn:n|{family}")
    numbered = {"identifier": [{"system": "urn:n", "value": family}]}
    made, created = await by_number.get_or_create(client.resource("Patient", **numbered))
    assert created
    with pytest.deprecated_call():  # fhirpy warns whatever it is given
        await by_number.patch(active=False)
    changed, _ = await by_number.update(client.resource("Patient", **numbered, active=True))
    assert changed.id == made.id
    await by_number.delete()
    assert await by_number.count() == 0


@pytest.mark.filterwarnings("ignore:perform_re:DeprecationWarning", "ignore:perform\\(\\):DeprecationWarning")
def test_every_method_of_fhirclient_works(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls(monkeypatch, FHIRClient, FHIRServer, Patient, FHIRSearch)
    client: Any = FHIRClient(settings={"app_id": "test", "api_base": base_url})
    assert client.prepare()
    server = client.server
    server.get_capability(force=True)
    family = surname()
    one = Patient.with_json({"resourceType": "Patient", "name": [{"family": family}]})
    assert one.elementProperties()
    assert one.createPath() == one.relativeBase() == "Patient"
    made = one.create(server)
    found = Patient.read(made["id"], server)
    assert found.relativePath() == f"Patient/{made['id']}"
    found.update_with_json({"active": True})
    found.update(server)
    again = Patient.read_from(found.relativePath(), server)
    assert again.as_json()["active"] is True
    search = Patient.where({"family": family})
    assert [p.id for p in search.perform_resources(server)] == [made["id"]]
    assert [p.id for p in search.perform_resources_iter(server)] == [made["id"]]
    assert search.perform(server).total == 1
    assert [bundle.total for bundle in search.perform_iter(server)] == [1]
    assert "family" in search.construct()
    assert search.include("organization", Patient).perform(server).total == 1
    assert server.request_data(f"Patient/{made['id']}")
    again.delete(server)
    assert calls.missing == []
