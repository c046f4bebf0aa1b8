"""Phone numbers, addresses and identifiers, as two desks write them."""

import pytest

from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.addresses import address_line, postal_code
from fhir_mpi.linkage.comparators import COMPARATORS
from fhir_mpi.linkage.conventions import conventions_of
from fhir_mpi.linkage.identifiers import CHECKS, identifier_text
from fhir_mpi.linkage.placeholders import (
    is_placeholder_address,
    is_placeholder_birth_date,
    is_placeholder_number,
)
from fhir_mpi.linkage.record import Record, record_of
from fhir_mpi.linkage.telecom import phone_number, region_of

SSN, NHS = "http://hl7.org/fhir/sid/us-ssn", "https://fhir.nhs.uk/Id/nhs-number"


@pytest.mark.parametrize(
    ("spellings", "region", "expected"),
    [
        (
            ["201-555-0188", "+1 201 555 0188", "1 (201) 555-0188", "tel:+1-201-555-0188", "2015550188 x45"],
            "",
            "2015550188",
        ),
        (["fax 201-555-0188", "Xavier's: 201 555 0188, 45"], "", "2015550188"),
        (["201.555.0188 ext. 45", "(201) 555-0188 #9"], "US", "2015550188"),
        (
            ["020 7946 0018", "+44 20 7946 0018", "0044 20 7946 0018", "+44 (0)20 7946 0018"],
            "GB",
            "2079460018",
        ),
        (["030 901820", "+49 30 901820", "(030) 90 18 20"], "DE", "30901820"),
        (["06 12 34 56 78", "+33 6 12 34 56 78", "+33(0)612345678"], "FR", "612345678"),
        (["8 (916) 123-45-67", "+7 916 123 45 67"], "RU", "9161234567"),
        (["555 1234", "+354 555 1234"], "IS", "5551234"),
        (["０９０－１２３４－５６７８", "+81 90 1234 5678"], "JP", "9012345678"),
        (["0044 20 7946 0018", "020 7946 0018"], "", "2079460018"),
    ],
)
def test_a_phone_number_is_the_same_however_written(spellings: list[str], region: str, expected: str) -> None:
    assert {phone_number(spelling, region) for spelling in spellings} == {expected}


@pytest.mark.parametrize(
    "value", ["", "x 12", "none", "999-999-9999", "12345", "+", "call mother", "000 000 0000"]
)
def test_what_is_no_phone_number_is_missing(value: str) -> None:
    assert phone_number(value) == phone_number(value, "DE") == ""


def test_a_number_without_country_code_belongs_where_its_owner_lives() -> None:
    said: Json = {"resourceType": "Patient", "telecom": [{"system": "phone", "value": "8 916 123-45-67"}]}
    abroad = said | {"address": [{"country": "RU"}]}
    assert record_of(abroad).phone == ("9161234567",)
    assert record_of(said).phone == ("89161234567",)
    assert record_of(said, conventions=conventions_of({"region": "RU"})).phone == ("9161234567",)


def test_a_country_that_is_no_code_leaves_the_region_of_the_site() -> None:
    assert region_of("Germany") == "DE"
    assert region_of("Atlantis", conventions_of({"region": "SE"})) == "SE"


@pytest.mark.parametrize(
    "lines",
    [
        (["12 Foxglove Road", "Apt 4"], ["12 FOXGLOVE RD #4"], ["12 Foxglove Rd., Unit 4"]),
        (["Hauptstraße 5"], ["Hauptstr. 5"], ["5 HAUPTSTRASSE"], ["Hauptstraße Nr. 5"]),
        (["14 rue de la Paix"], ["14, Rue de la Paix"]),
        (["27 boulevard Voltaire"], ["27 bd Voltaire"], ["27 BVD VOLTAIRE"]),
        (["Calle Mayor 10"], ["C/ Mayor 10"], ["calle mayor, nº 10"]),
        (["Avenida Paulista 1000"], ["Av. Paulista, 1000"]),
        (["Piazza Navona 3"], ["piazza Navona, 3"]),
        (["Kerkstraat 7"], ["Kerkstr. 7"]),
        (["P.O. Box 123"], ["PO Box 123"], ["Post Office Box 123"]),
        (["Postfach 123"], ["Postbus 123"]),
        (["200 Fifth Avenue"], ["200 5th Ave"]),
    ],
)
def test_an_address_is_the_same_however_written(lines: tuple[list[str], ...]) -> None:
    assert len({address_line({"line": line}) for line in lines}) == 1
    assert address_line({"line": lines[0]})


def test_an_address_of_text_alone_is_its_first_line() -> None:
    assert address_line({"text": "12 Foxglove Rd\nAshton"}) == address_line({"line": ["12 Foxglove Road"]})


@pytest.mark.parametrize("line", ["Homeless", "ohne festen Wohnsitz", "sans domicile fixe", "住所不定"])
def test_no_address_is_missing_in_any_language(line: str) -> None:
    assert address_line({"line": [line]}) == ""


@pytest.mark.parametrize(
    ("code", "expected"), [("D-10115", "10115"), ("1234 AB", "1234ab"), ("18503-1234", "18503")]
)
def test_a_postal_code_loses_what_is_not_its_own(code: str, expected: str) -> None:
    assert postal_code({"postalCode": code}) == expected


@pytest.mark.parametrize(
    ("system", "value", "expected"),
    [
        (SSN, "536-90-3399", "http://hl7.org/fhir/sid/us-ssn|536903399"),
        ("urn:oid:2.16.840.1.113883.4.1", "536903399", "http://hl7.org/fhir/sid/us-ssn|536903399"),
        (SSN, "666-12-1234", "type:http://hl7.org/fhir/sid/us-ssn|666121234"),
        (SSN, "078-05-1120", ""),
        (SSN, "999-99-9999", ""),
        (NHS, "943 476 5919", "https://fhir.nhs.uk/id/nhs-number|9434765919"),
        (NHS, "943 476 5918", "type:https://fhir.nhs.uk/id/nhs-number|9434765918"),
        ("http://hl7.org/fhir/sid/us-npi", "1234567893", "http://hl7.org/fhir/sid/us-npi|1234567893"),
        ("http://hl7.org/fhir/sid/us-npi", "1234567894", "type:http://hl7.org/fhir/sid/us-npi|1234567894"),
        ("https://hospital.invalid/mrn", "943 476 5918", "https://hospital.invalid/mrn|9434765918"),
    ],
)
def test_a_number_is_checked_where_its_check_is_known(system: str, value: str, expected: str) -> None:
    assert identifier_text({"system": system, "value": value}) == expected


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_can_be_made(check: str) -> None:
    conventions = conventions_of({"identifierChecks": {"https://nation.invalid/id": check}})
    wrong = {"system": "https://nation.invalid/id", "value": "no number 12"}
    assert identifier_text(wrong, conventions) == "type:https://nation.invalid/id|nonumber12"


@pytest.mark.parametrize(
    ("left", "right", "level"),
    [
        ("urn:n|9434765919", "type:urn:n|9434765918", "incomparable-identifiers"),  # its last digits alone
        ("urn:n|9434765919", "type:urn:n|9437465919", "identifier-edit"),
        ("urn:n|9434765919", "type:urn:n|1234512345", "incomparable-identifiers"),
        ("type:urn:n|1234512345", "type:urn:n|1234512345", "identifier-type"),
        ("type:urn:n|1234512345", "type:urn:n|2234512345", "incomparable-identifiers"),
        ("urn:n|9434765919", "urn:n|1234512345", "else"),
    ],
)
def test_a_number_that_was_never_issued_speaks_for_its_neighbour_and_against_nobody(
    left: str, right: str, level: str
) -> None:
    order = [name for name in COMPARATORS if name.startswith(("incomparable", "identifier"))] + ["else"]
    nobody = Record("x")
    for a, b in (((left,), (right,)), ((right,), (left,))):
        assert next(name for name in order if COMPARATORS[name](0.0)(a, b, nobody, nobody)) == level


def test_a_site_has_placeholders_of_its_own() -> None:
    site = conventions_of(
        {
            "placeholders": {
                "names": ["Zz Pat"],
                "numbers": ["11-22"],
                "addresses": ["Main Gate"],
                "birthDates": ["1950-01-01"],
            }
        }
    )
    said: Json = {
        "resourceType": "Patient",
        "name": [{"family": "ZZ-PAT"}],
        "birthDate": "1950-01-01",
        "address": [{"line": ["main gate"]}],
        "identifier": [{"system": "urn:x", "value": "1122"}],
    }
    assert record_of(said, "x", site) == Record("x")
    assert record_of(said, "x").family == ("zzpat",)


def test_known_placeholders_are_none_of_a_persons_values() -> None:
    assert is_placeholder_number("123456789")
    assert is_placeholder_address("general delivery")
    assert is_placeholder_birth_date("1900-01-01")
    assert not is_placeholder_birth_date("1970-01-01")
