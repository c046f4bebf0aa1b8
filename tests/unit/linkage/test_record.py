"""From a resource to a record, and a record to text and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.linkage.record import MOST_VALUES, Record, UnknownPacking, pack, record_of, unpack

JANE: Resource = {
    "resourceType": "Patient",
    "id": "jane",
    "active": False,
    "identifier": [
        {"system": "urn:mrn", "value": "A-0042"},
        {"type": {"coding": [{"code": "DL"}]}, "value": "Q 147"},
        {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "000-00-0000"},
        {"value": "orphan1"},
    ],
    "name": [{"family": "Doe", "given": ["Jane", "Q"]}, {"use": "maiden", "family": "Roe"}],
    "telecom": [
        {"system": "phone", "value": "+1 (344) 845-5689"},
        {"system": "phone", "value": "999-999-9999"},
        {"system": "email", "value": "Jane@Example.org"},
        {"system": "fax", "value": "344-845-0000"},
    ],
    "gender": "female",
    "birthDate": "1980-02-03",
    "multipleBirthInteger": 2,
    "deceasedDateTime": "2020-01-02T03:04:05Z",
    "address": [{"line": ["12 North Main Street", "#4"], "city": "Ashton", "postalCode": "18503-1234"}],
}


def test_a_patient_is_normalised_once() -> None:
    assert record_of(JANE) == Record(
        id="jane",
        family=("doe", "roe"),
        given=("jane",),
        other_given=("q",),
        birth_date=("1980-02-03",),
        birth_order=("2",),
        gender=("female",),
        address=("12 n main st 4",),
        postal_code=("18503",),
        city=("ashton",),
        phone=("3448455689",),
        email=("jane@example.org",),
        identifier=("urn:mrn|a0042", "type:DL|q147"),
        deceased=("2020-01-02",),
        inactive=("true",),
    )


def test_an_organization_has_names_and_contacts() -> None:
    hospital: Resource = {
        "resourceType": "Organization",
        "name": "General Hospital Inc.",
        "alias": ["The General", None],
        "identifier": [{"system": "urn:npi", "value": "77"}, {"system": "urn:npi", "value": "1234509876"}],
        "contact": [
            {
                "telecom": [{"system": "phone", "value": "201 555 0188"}],
                "address": {"line": ["1 Hill Rd"], "city": "Ashton", "postalCode": "10038"},
            }
        ],
    }
    found = record_of(hospital, "h1")
    assert found.id == "h1"
    assert found.organization == ("general hospital", "general")
    assert found.phone == ("2015550188",)
    assert found.postal_code == ("10038",)
    assert found.identifier == ("urn:npi|1234509876",)


@pytest.mark.parametrize(
    "patient",
    [
        {},
        {"name": None, "telecom": [None], "identifier": [{}], "address": [{"line": [None]}]},
        {"birthDate": "1900-01-01", "gender": "unknown", "name": [{"family": "Test"}]},
        {"birthDate": "not a date", "telecom": [{"value": "12"}, {"system": "email", "value": "nobody"}]},
        {"identifier": [{"system": "urn:x", "value": "9999999999"}, {"type": {}, "value": "778899"}]},
        {"address": [{"line": ["Homeless"], "postalCode": "00000"}]},
        {"link": [{"type": "seealso", "other": {"reference": "Patient/b"}}]},
        {"link": [{"type": "replaced-by", "other": {"reference": "https://other.invalid/fhir/Patient/b"}}]},
        {"link": [None, {"type": "replaced-by", "other": {"display": "b"}}]},
    ],
)
def test_placeholders_and_nulls_are_missing(patient: Json) -> None:
    assert record_of({"resourceType": "Patient", **patient}, "x") == Record("x")


def test_an_identifier_without_system_falls_back_to_its_type() -> None:
    typed = {"type": {"text": "Drivers License"}, "value": "Q147"}
    found = record_of({"resourceType": "Patient", "identifier": [typed]})
    assert found.identifier == ("type:driverslicense|q147",)


@pytest.mark.parametrize(("date", "expected"), [("1980", "1980"), ("1980-02", "1980-02"), ("9999-12-31", "")])
def test_birth_dates_keep_their_precision(date: str, expected: str) -> None:
    found = record_of({"resourceType": "Patient", "birthDate": date})
    assert found.birth_date == ((expected,) if expected else ())


def test_a_record_keeps_a_bounded_number_of_values() -> None:
    names = [{"family": f"name{n}x"} for n in range(50)]
    assert len(record_of({"resourceType": "Patient", "name": names}).family) == MOST_VALUES


@pytest.mark.parametrize(("said", "kept"), [(True, "true"), (False, "false")])
def test_death_and_life_are_kept_as_they_were_said(said: bool, kept: str) -> None:
    assert record_of({"resourceType": "Patient", "deceasedBoolean": said}).deceased == (kept,)


def test_a_retired_record_knows_what_replaced_it() -> None:
    links = [
        {"type": "replaced-by", "other": {"reference": "Patient/b"}},
        {"type": "replaced-by", "other": {"reference": "Patient/b/_history/3"}},
    ]
    assert record_of({"resourceType": "Patient", "link": links}).replaced_by == ("b",)


_TEXT = st.text(max_size=12)
_PATIENTS = st.fixed_dictionaries(
    {"resourceType": st.just("Patient")},
    optional={
        "id": _TEXT,
        "name": st.lists(
            st.fixed_dictionaries({}, optional={"family": _TEXT, "given": st.lists(_TEXT), "text": _TEXT})
        ),
        "identifier": st.lists(
            st.fixed_dictionaries(
                {"value": _TEXT},
                optional={
                    "system": _TEXT,
                    "type": st.fixed_dictionaries({"coding": st.just([{"code": "A\x1f"}])}),
                },
            )
        ),
        "telecom": st.lists(
            st.fixed_dictionaries({"value": _TEXT, "system": st.sampled_from(["phone", "email", "fax"])})
        ),
        "address": st.lists(
            st.fixed_dictionaries({}, optional={"line": st.lists(_TEXT), "postalCode": _TEXT, "city": _TEXT})
        ),
        "birthDate": _TEXT,
        "gender": _TEXT,
        "deceasedDateTime": _TEXT,
    },
)


@given(_PATIENTS)
def test_what_is_packed_is_unpacked(patient: Resource) -> None:
    record = record_of(patient)
    assert unpack(record.id, pack(record)) == record


@pytest.mark.parametrize("packed", ["", "0", "2" + "\x1f" * 19, "3\x1fdoe", "3" + "\x1f" * 20])
def test_another_packing_is_refused(packed: str) -> None:
    with pytest.raises(UnknownPacking, match="expected '3'"):
        unpack("x", packed)
