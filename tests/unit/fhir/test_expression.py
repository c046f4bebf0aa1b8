"""The FHIRPath that search parameters are written in."""

from typing import Any

import fhirpathpy
import pytest

from fhir_mpi.fhir.choices import CHOICES
from fhir_mpi.fhir.expression import compile_expression, compile_path, reference_type
from fhir_mpi.fhir.fhirpath import UnsupportedExpression

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "active": True,
    "name": [
        {"family": "Chalmers", "given": ["Peter", None, "James"], "_given": [None, {"id": "a"}, None]},
        {"given": ["Jim"]},
    ],
    "birthDate": "1974-12-25",
    "_birthDate": {"extension": [{"url": "urn:time", "valueDateTime": "1974-12-25T14:35:45-05:00"}]},
    "deceasedDateTime": "2020-01-01",
    "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "a@b"}, {"value": "2"}],
    "link": [
        {"other": {"reference": "RelatedPerson/r"}, "type": "seealso"},
        {"other": {"reference": "https://x.org/fhir/Patient/p/_history/3"}, "type": "refer"},
        {"other": {"type": "Patient", "identifier": {"value": "9"}}, "type": "refer"},
    ],
    "extension": [{"url": "urn:a", "valueString": "x"}, {"url": "urn:b", "valueCode": "y"}],
}


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("Patient.birthDate", ["1974-12-25"]),
        ("Patient.name.given", ["Peter", "James", "Jim"]),
        ("Patient.name.given.first()", ["Peter"]),
        ("Patient.name[1].given", ["Jim"]),
        ("Patient.name.family | Patient.name.given", ["Chalmers", "Peter", "James", "Jim"]),
        ("(Patient.name | Patient.contact.name).family", ["Chalmers"]),
        ("Person.name | Patient.active | Group.name", [True]),
        ("Patient.deceased", ["2020-01-01"]),
        ("(Patient.deceased.ofType(dateTime))", ["2020-01-01"]),
        ("Patient.deceased as dateTime", ["2020-01-01"]),
        ("Patient.deceased.as(boolean)", []),
        ("Patient.deceased.exists() and Patient.deceased != false", [True]),
        ("Patient.maritalStatus.exists() and Patient.deceased != false", [False]),
        ("Patient.maritalStatus = 'M'", []),
        ("Patient.maritalStatus = 'M' and Patient.active", []),
        ("Patient.active = true", [True]),
        ("Patient.active = 1", [False]),
        ("Patient.telecom.where(system='email').value", ["a@b"]),
        ("Patient.telecom.where(system = 'email' and value = 'a@b').value", ["a@b"]),
        ("Patient.link.where(other.resolve() is Patient).type", ["refer", "refer"]),
        ("Patient.link.other.where(resolve() is RelatedPerson).reference", ["RelatedPerson/r"]),
        ("Patient.extension('urn:a').value", ["x"]),
        ("Patient.birthDate.extension('urn:time').value", ["1974-12-25T14:35:45-05:00"]),
        ("Resource.active", [True]),
        ("DomainResource.nothing.at.all", []),
        ("Patient.active.value", []),
    ],
)
def test_an_expression_names_these_elements(expression: str, values: list[Any]) -> None:
    assert compile_expression(expression, "Patient")(PATIENT) == values


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("name.given", ["Peter", "James", "Jim"]),
        ("Patient.name.given.last()", ["Jim"]),
        ("name.given.tail()", ["James", "Jim"]),
        ("name.given.skip(1).take(1)", ["James"]),
        ("name.given.single()", []),
        ("name.family.single()", ["Chalmers"]),
        ("name.where(family.startsWith('Ch')).given.first()", ["Peter"]),
        ("name.where(family.exists() and given.count() = 2).family.upper()", ["CHALMERS"]),
        ("name.given.upper()", []),
        ("name.where($this.family.empty()).given.lower()", ["jim"]),
        ("name.family.substring(0, 4)", ["Chal"]),
        ("name.family.substring(4)", ["mers"]),
        ("name.family.substring(99)", []),
        ("birthDate.toString().substring(0, 4)", ["1974"]),
        ("name.family.replace('mers', '')", ["Chal"]),
        ("name.family.replaceMatches('^Ch(.)', '$1$1')", ["aalmers"]),
        ("name.family.matches('^C.*s$')", [True]),
        ("name.family.endsWith('x')", [False]),
        ("name.family.contains('alm')", [True]),
        ("name.family.trim().length()", [8]),
        ("name.given.join('-')", ["Peter-James-Jim"]),
        ("name.period.join()", []),
        ("name.given.distinct().count()", [3]),
        ("name.exists(family = 'Chalmers')", [True]),
        ("name.exists(family = 'Windsor')", [False]),
        ("name.all(given.exists())", [True]),
        ("name.all(family.exists())", [False]),
        ("active.hasValue()", [True]),
        ("name.hasValue()", [False]),
        ("active.not()", [False]),
        ("multipleBirth.not()", []),
        ("name.first().family & ', ' & name.first().given.first()", ["Chalmers, Peter"]),
        ("maritalStatus.text & 'x'", ["x"]),
        ("telecom.where(system = 'email' or value = '2').value", ["a@b", "2"]),
        ("telecom.where(system = 'fax' or value = '1').value", ["1"]),
        ("iif(deceased.exists(), birthDate, name.family)", ["1974-12-25"]),
        ("name.iif(family.exists(), family, given)", ["Chalmers", "Jim"]),
        ("name.iif(family = 'x', family)", []),
        ("Patient", [PATIENT]),
        ("$this.birthDate", ["1974-12-25"]),
        ("Person.name | birthDate", ["1974-12-25"]),
        ("Person.name", []),
    ],
)
def test_a_path_of_a_match_rule_names_these_elements(expression: str, values: list[Any]) -> None:
    assert compile_path(expression, "Patient")(PATIENT) == values


@pytest.mark.parametrize(
    "expression",
    [
        "name.given.last()",
        "telecom.skip(1).take(1).value",
        "name.where(family.startsWith('Ch')).given.first()",
        "name.family.substring(0, 4)",
        "name.family.substring(99)",
        "name.family.replaceMatches('^Ch(.)', '$1$1')",
        "telecom.value.join('-')",
        "name.exists(family = 'Windsor')",
        "name.first().family & ', ' & name.first().given.first()",
        "telecom.where(system = 'fax' or value = '1').value",
        "active.not()",
    ],
)
def test_fhirpathpy_says_the_same(expression: str) -> None:
    assert compile_path(expression, "Patient")(PATIENT) == fhirpathpy.evaluate(PATIENT, expression)


def test_ofType_finds_a_resource_by_its_resourceType() -> None:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Composition", "id": "c"}}]}
    assert compile_expression("(Bundle.entry[0].resource as Composition).id", "Bundle")(bundle) == ["c"]
    assert compile_expression("Bundle.entry[0].resource.ofType(MessageHeader)", "Bundle")(bundle) == []


def test_a_quantity_choice_is_read_from_its_typed_key() -> None:
    evaluate = compile_expression(
        "(Observation.value as Quantity) | Observation.component.value", "Observation"
    )
    observation = {
        "resourceType": "Observation",
        "valueQuantity": {"value": 1},
        "component": [{"valueString": "s"}, {"valueQuantity": {"value": 2}}],
    }
    assert evaluate(observation) == [{"value": 1}, "s", {"value": 2}]


@pytest.mark.parametrize(
    "expression",
    [
        "Patient.name.trace('x')",
        "Patient.name.family.substring('x')",
        "Patient.name.family.substring(id.length())",
        "Patient.name.family.substring(0, 1, 2)",
        "Patient.name.family.startsWith()",
        "Patient.name.take(given)",
        "Patient.name.take('x')",
        "Patient.name.exists(given",
        "Patient.name.skip(1 2)",
        "Patient.age > 3",
        "Patient.name + 1",
        "Patient.active xor Patient.deceased",
        "Patient.name.",
        "Patient.name)",
        "(Patient.name",
        "Patient.name[0",
        "Patient.extension(url)",
        "Patient.extension('urn:a'",
        "Patient.name.first() as HumanName",
        "Patient.active is boolean",
        "Patient.link.other.resolve()",
        "Patient.link.other.resolve().name",
        "Patient.'name'",
        "Person.name",
        "name.family",
        "true",
        "(Patient.name | Person.name).family",
        "",
    ],
)
def test_what_is_outside_the_grammar_is_refused(expression: str) -> None:
    with pytest.raises(UnsupportedExpression):
        compile_expression(expression, "Patient")


@pytest.mark.parametrize(
    ("reference", "type"),
    [
        ({"reference": "Patient/1"}, "Patient"),
        ("https://example.org/fhir/Patient/1/_history/2", "Patient"),
        ({"type": "http://hl7.org/fhir/StructureDefinition/Device", "display": "x"}, "Device"),
        ({"reference": "#p"}, None),
        ({"reference": "urn:uuid:1"}, None),
        ({"reference": "Patient/1/name"}, None),
        ({}, None),
        (7, None),
    ],
)
def test_the_type_of_a_reference_is_read_from_its_text(reference: Any, type: str | None) -> None:
    assert reference_type(reference) == type


def test_every_choice_has_types() -> None:
    assert CHOICES["deceased"] == ("Age", "Boolean", "Date", "DateTime", "Range", "String")
    assert all(types for types in CHOICES.values())
    assert "Quantity" in CHOICES["value"]
