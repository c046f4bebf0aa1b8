"""What the options of `match` say of a person."""

import pytest
from click import UsageError

from fhir_mpi.cli.match import patient


def test_options_become_a_patient() -> None:
    found = patient(
        family="Rivera",
        given=("Ana", "M"),
        birthdate="1980-02-29",
        gender="female",
        identifier=("urn:a|b|1", "2"),
        phone=("555 0100",),
        email=("ana@mail.invalid",),
        address_line=("12 Example Lane",),
        city="Arden",
        postal_code="01234",
    )
    assert found == {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:a|b", "value": "1"}, {"value": "2"}],
        "name": [{"family": "Rivera", "given": ["Ana", "M"]}],
        "telecom": [
            {"system": "phone", "value": "555 0100"},
            {"system": "email", "value": "ana@mail.invalid"},
        ],
        "gender": "female",
        "birthDate": "1980-02-29",
        "address": [{"line": ["12 Example Lane"], "city": "Arden", "postalCode": "01234"}],
    }


def test_what_is_not_said_is_left_out() -> None:
    assert patient(city="Arden") == {"resourceType": "Patient", "address": [{"city": "Arden"}]}


@pytest.mark.parametrize("text", ["|1", "urn:a|", ""])
def test_an_identifier_has_a_value_and_names_its_system(text: str) -> None:
    with pytest.raises(UsageError, match="SYSTEM"):
        patient(identifier=(text,))
