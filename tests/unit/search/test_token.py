"""token search."""

from typing import Any

import pytest

from fhir_mpi.fhir.outcome import InvalidValue, UnsupportedParameter
from fhir_mpi.search.filters import Equals
from tests.unit.search.served import custom, finds, observation_finds, patient, registry, request

V2 = "http://terminology.hl7.org/CodeSystem/v2-0203"
PERSON = patient(
    active=True,
    gender="male",
    identifier=[
        {
            "system": "urn:a",
            "value": "1|2",
            "type": {"coding": [{"system": V2, "code": "MR"}], "text": "Chart no."},
        },
        {"value": "loose"},
        {"system": "urn:only"},
    ],
    telecom=[
        {"system": "email", "value": "Jo@Example.org"},
        {"system": "phone", "value": "+1 555", "use": "home"},
    ],
    communication=[
        {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "fr"}], "text": "Français"}}
    ],
    meta={"tag": [{"system": "urn:t", "code": "T", "display": "Tagged thing"}]},
)


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("identifier", r"urn:a|1\|2", True),
        ("identifier", "urn:a|1|2", True),
        ("identifier", r"1\|2", True),
        ("identifier", "urn:b|loose", False),
        ("identifier", "|loose", True),
        ("identifier", r"|1\|2", False),
        ("identifier", "loose", True),
        ("identifier", "LOOSE", False),
        ("identifier", "loos", False),
        ("identifier", "urn:a|", True),
        ("identifier", "urn:only|", True),
        ("identifier", "urn:|", False),
        ("identifier", "x,loose", True),
        ("identifier:not", "x,loose", False),
        ("identifier:not", "x,y", True),
        ("identifier:of-type", rf"{V2}|MR|1\|2", True),
        ("identifier:of-type", rf"{V2}|SS|1\|2", False),
        ("identifier:text", "chart", True),
        ("identifier:text", "no", False),
        ("gender", "male", True),
        ("gender", "|male", True),
        ("gender", "http://hl7.org/fhir/administrative-gender|male", True),
        ("gender", "http://hl7.org/fhir/sid/us-ssn|male", False),
        ("gender", "urn:x|male", False),
        ("gender:not", "male", False),
        ("gender:not", "female", True),
        ("address-use:not", "home", True),
        ("active", "true", True),
        ("active", "http://terminology.hl7.org/CodeSystem/special-values|true", True),
        ("deceased", "false", True),
        ("deceased", "true", False),
        ("language", "urn:ietf:bcp:47|fr", True),
        ("language", "fr", True),
        ("language:text", "francais", True),
        ("email", "jo@example.ORG", True),
        ("telecom", "phone|+1 555", True),
        ("phone", "+1 555", True),
        ("phone", "+1555", False),
        ("_tag", "urn:t|T", True),
        ("_tag:text", "tagged", True),
        ("_security:missing", "true", True),
    ],
)
def test_a_token_search_finds(name: str, value: str, found: bool) -> None:
    assert finds(PERSON, name, value) is found


def test_an_identifier_with_its_system_asks_for_one_entry() -> None:
    assert request([("identifier", "urn:a|1")]).filter == Equals("identifier", "urn:a|1")
    ssn = "http://hl7.org/fhir/sid/us-ssn|1"
    assert request([("identifier", ssn)]).filter == Equals("identifier", ssn)


@pytest.mark.parametrize(
    ("resource", "dead"),
    [
        (patient(), "false"),
        (patient(deceasedBoolean=False), "false"),
        (patient(deceasedBoolean=True), "true"),
        (patient(deceasedDateTime="2020"), "true"),
    ],
)
def test_everybody_is_either_dead_or_not(resource: dict[str, Any], dead: str) -> None:
    assert finds(resource, "deceased", dead)
    assert not finds(resource, "deceased", {"true": "false", "false": "true"}[dead])


@pytest.mark.parametrize("value", ["|", "||"])
def test_a_token_of_nothing_is_refused(value: str) -> None:
    if value == "|":
        with pytest.raises(InvalidValue, match="identifier"):
            request([("identifier", value)])
    assert not finds(PERSON, "identifier", "||")


@pytest.mark.parametrize("value", ["MR|1", "a|b|c|d", "a|b|", "a||c"])
def test_of_type_wants_three_parts(value: str) -> None:
    with pytest.raises(InvalidValue, match="type system"):
        request([("identifier:of-type", value)])


@pytest.mark.parametrize(
    "modifier", ["above", "below", "in", "not-in", "code-text", "text-advanced", "exact", "x"]
)
def test_a_modifier_that_is_not_served_is_refused_by_name(modifier: str) -> None:
    with pytest.raises(UnsupportedParameter, match=f":{modifier}.*:of-type"):
        request([("gender:" + modifier, "male")])


def test_a_text_without_a_code_is_not_missing() -> None:
    spoken = patient(communication=[{"language": {"text": "Klingon"}}])
    assert finds(spoken, "language:missing", "false")
    assert not finds(spoken, "language:missing", "true")


def test_the_concept_of_a_codeable_reference_is_searched() -> None:
    definition = custom("token", "Observation.reason")
    reason = {"reason": [{"concept": {"coding": [{"system": "urn:s", "code": "c"}]}}, {"reference": {}}]}
    assert observation_finds(definition, reason, "x", "urn:s|c")


def test_numbers_are_no_tokens() -> None:
    assert not observation_finds(custom("token", "Observation.length"), {"length": 3}, "x", "3")


def test_entries_are_not_repeated() -> None:
    twice = patient(identifier=[{"system": "urn:a", "value": "1"}, {"system": "urn:a", "value": "1"}])
    assert registry().index(twice)["identifier"] == ["urn:a|1", "=1"]
