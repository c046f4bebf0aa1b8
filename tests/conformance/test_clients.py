"""Clients that people use, unchanged, over a real socket: what works, and what is refused aloud."""

import copy
from typing import Any, Final

import fhirpy.base.exceptions as fhirpy_errors
import pytest
import requests
from fhirclient.client import FHIRClient
from fhirclient.models.humanname import HumanName
from fhirclient.models.patient import Patient
from fhirclient.server import FHIRNotFoundException
from fhirpy import AsyncFHIRClient, SyncFHIRClient

from tests.integration.http.exchanges import parameters, person, surname

JSON: Final = {"content-type": "application/json"}


@pytest.fixture
def fhirpy(base_url: str) -> Any:
    return SyncFHIRClient(base_url)


@pytest.fixture
def async_fhirpy(base_url: str) -> Any:
    return AsyncFHIRClient(base_url)


@pytest.fixture
def fhirclient(base_url: str) -> Any:
    found = FHIRClient(settings={"app_id": "test", "api_base": base_url})
    assert found.prepare()
    return found


def count(base_url: str, search: str) -> int:
    found: int = requests.get(f"{base_url}/{search}&_count=0", timeout=10).json()["total"]
    return found


def test_fhirpy_creates_reads_changes_and_deletes(fhirpy: Any) -> None:
    family = surname()
    one = fhirpy.resource("Patient", name=[{"family": family}], gender="female")
    one.save()
    assert one.id
    assert one["meta"]["versionId"] == "1"
    assert fhirpy.get("Patient", one.id)["name"] == [{"family": family}]
    one["gender"] = "other"
    one.save()
    assert (one["gender"], one["meta"]["versionId"]) == ("other", "2")
    assert one.refresh()["gender"] == "other"
    one.delete()
    with pytest.raises(fhirpy_errors.ResourceNotFound):
        fhirpy.get("Patient", one.id)


def test_fhirpy_saves_under_an_id_of_its_own(fhirpy: Any) -> None:
    one = fhirpy.resource("Patient", id=surname(), active=True)
    one.save()
    assert fhirpy.reference("Patient", one.id).to_resource()["active"] is True


def test_fhirpy_validates_without_saving(fhirpy: Any, base_url: str) -> None:
    family = surname()
    one = fhirpy.resource("Patient", name=[{"family": family}], gender="female")
    assert one.is_valid(raise_exception=True)
    one["gender"] = "unheard-of"
    assert not one.is_valid()
    with pytest.raises(fhirpy_errors.OperationOutcome):
        one.is_valid(raise_exception=True)
    assert count(base_url, f"Patient?family={family}") == 0


def test_fhirpy_searches_counts_and_pages(fhirpy: Any) -> None:
    family = surname()
    for year in range(1950, 1955):
        fhirpy.resource("Patient", name=[{"family": family}], birthDate=str(year)).save()
    search = fhirpy.resources("Patient").search(family=family)
    assert search.count() == 5
    assert len(search.limit(2).fetch()) == 2
    assert [one["birthDate"] for one in search.sort("-birthdate").limit(2)] == [
        str(y) for y in range(1954, 1949, -1)
    ]
    assert search.search(birthdate__ge="1953").count() == 2
    assert search.search(birthdate="1952").get()["birthDate"] == "1952"
    assert search.elements("birthDate").first()["birthDate"]


def test_fhirpy_asks_who_somebody_is(fhirpy: Any) -> None:
    family = surname()
    known = fhirpy.resource("Patient", **{k: v for k, v in person(family).items() if k != "resourceType"})
    known.save()
    found = fhirpy.resources("Patient").execute("$match", data=parameters(person(family), count=1))
    assert [entry["resource"]["id"] for entry in found["entry"]] == [known.id]


def test_fhirpy_sends_a_transaction_and_a_batch(fhirpy: Any, base_url: str) -> None:
    family, house = surname(), "urn:uuid:6b1f1c0e-53c4-4b35-a0b0-3c1f5e9d7a11"
    organization = fhirpy.resource("Organization", name=family)
    one = fhirpy.resource("Patient", name=[{"family": family}], managingOrganization={"reference": house})
    unless = {"ifNoneExist": f"family={family}"}
    entries = [
        {"resource": one.serialize(), "request": {"method": "POST", "url": "Patient", **unless}},
        {
            "fullUrl": house,
            "resource": organization.serialize(),
            "request": {"method": "PUT", "url": f"Organization?name={family}"},
        },
    ]
    for status in ("201 Created", "200 OK"):
        sent = fhirpy.resource("Bundle", type="transaction", entry=entries)
        found = fhirpy.execute("", data=sent.serialize())
        assert [entry["response"]["status"] for entry in found["entry"]] == [status] * 2
    known = fhirpy.resources("Patient").search(family=family).get()
    assert known["managingOrganization"].to_resource()["name"] == family
    urls = [f"Patient/{known.id}", f"{base_url}/Patient?family={family}", "Patient/nobody"]
    reads = [{"request": {"method": "GET", "url": url}} for url in urls]
    read = fhirpy.execute("", data={"resourceType": "Bundle", "type": "batch", "entry": reads})
    assert [entry["response"]["status"] for entry in read["entry"]] == ["200 OK", "200 OK", "404 Not Found"]
    assert read["entry"][1]["resource"]["total"] == 1


def test_fhirpy_gets_or_creates_updates_patches_and_deletes_by_criteria(fhirpy: Any, base_url: str) -> None:
    number = surname()
    search = fhirpy.resources("Patient").search(identifier=f"urn:n|{number}")

    def numbered(**elements: Any) -> Any:
        return fhirpy.resource("Patient", identifier=[{"system": "urn:n", "value": number}], **elements)

    one, made = search.get_or_create(numbered(active=True))
    assert made
    same, made = search.get_or_create(numbered(active=False))
    assert (same.id, same["active"], made) == (one.id, True, False)
    changed, made = search.update(numbered(active=False))
    assert (changed.id, changed["active"], made) == (one.id, False, False)
    patched = search.patch(gender="other", active=None)
    assert (patched["id"], patched["gender"], "active" in patched) == (one.id, "other", False)
    assert numbered().create(identifier=f"urn:n|{number}").id == one.id
    assert count(base_url, f"Patient?identifier=urn:n|{number}") == 1
    search.delete()
    assert count(base_url, f"Patient?identifier=urn:n|{number}") == 0
    again, made = search.update(numbered())
    assert made
    assert again.id != one.id


def test_fhirpy_is_told_where_its_criteria_are_met_by_several(fhirpy: Any) -> None:
    number = surname()
    for _ in range(2):
        fhirpy.resource("Patient", identifier=[{"system": "urn:n", "value": number}]).save()
    search = fhirpy.resources("Patient").search(identifier=f"urn:n|{number}")
    attempts = (lambda: search.get_or_create(fhirpy.resource("Patient", active=True)), search.delete)
    for attempt in attempts:
        with pytest.raises(fhirpy_errors.MultipleResourcesFound):
            attempt()


def test_fhirpy_patches_with_a_partial_resource_and_refreshes(fhirpy: Any) -> None:
    one = fhirpy.resource("Patient", active=True, gender="other")
    one.save()
    held = copy.deepcopy(one)
    one.patch(gender="male", active=None)
    assert fhirpy.get("Patient", one.id)["gender"] == "male"
    assert "active" not in fhirpy.get("Patient", one.id)
    for _ in range(2):  # the second time it has the current version, and is told so
        held = held.refresh()
        assert held["gender"] == "male"


def test_fhirpy_understands_our_refusals(fhirpy: Any) -> None:
    with pytest.raises(fhirpy_errors.OperationOutcome, match="code"):
        fhirpy.resource("Patient", gender="divers").save()
    with pytest.raises(fhirpy_errors.ResourceNotFound):
        fhirpy.get("Patient", "never-was")
    with pytest.raises(fhirpy_errors.OperationOutcome, match="Unknown search parameter"):
        fhirpy.resources("Patient").search(shoe_size=46).fetch()


async def test_fhirpy_works_asynchronously_too(async_fhirpy: Any) -> None:
    family = surname()
    for year in range(1950, 1953):
        await async_fhirpy.resource("Patient", name=[{"family": family}], birthDate=str(year)).save()
    search = async_fhirpy.resources("Patient").search(family=family)
    assert await search.count() == 3
    found = [one async for one in search.sort("birthdate").limit(1)]
    assert [one["birthDate"] for one in found] == ["1950", "1951", "1952"]
    one = found[0]
    one["active"] = False
    await one.save()
    assert (await async_fhirpy.get("Patient", one.id))["active"] is False
    await one.delete()
    assert await search.count() == 2
    with pytest.raises(fhirpy_errors.MultipleResourcesFound):
        await search.get_or_create(one)


def test_fhirclient_prepares_creates_reads_changes_and_deletes(fhirclient: Any) -> None:
    family = surname()
    one = Patient({"name": [{"family": family}], "gender": "female"})
    made = one.create(fhirclient.server)
    found = Patient.read(made["id"], fhirclient.server)
    assert found.name[0].family == family
    found.name = [HumanName({"family": family, "given": ["Ottilie"]})]
    found.update(fhirclient.server)
    assert Patient.read(made["id"], fhirclient.server).name[0].given == ["Ottilie"]
    found.delete(fhirclient.server)
    with pytest.raises((FHIRNotFoundException, requests.HTTPError)):
        Patient.read(made["id"], fhirclient.server)


def test_fhirclient_searches_and_pages(fhirclient: Any) -> None:
    family = surname()
    for year in range(1950, 1955):
        Patient({"name": [{"family": family}], "birthDate": f"{year}-01-01"}).create(fhirclient.server)
    search = Patient.where({"family": family, "_count": "2", "_sort": "birthdate"})
    found = list(search.perform_resources_iter(fhirclient.server))
    assert [one.birthDate.isostring for one in found] == [f"{year}-01-01" for year in range(1950, 1955)]


def test_a_body_that_stops_in_the_middle_of_a_real_socket_harms_nobody(base_url: str) -> None:
    def body() -> Any:
        yield b'{"resourceType":'
        raise ConnectionAbortedError

    with pytest.raises((ConnectionAbortedError, requests.ConnectionError)):
        requests.post(f"{base_url}/Patient", data=body(), headers=JSON, timeout=10)
    assert requests.get(f"{base_url.removesuffix('/fhir')}/livez", timeout=10).status_code == 200
