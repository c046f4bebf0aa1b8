"""The FHIRPath that patches are written in: which elements of a resource a path names."""

from typing import Any

import pytest

from fhir_mpi.fhir.fhirpath import UnsupportedExpression
from fhir_mpi.fhir.locating import LONGEST, locate, locate_absent
from fhir_mpi.fhir.tree import Item, grown, written

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "active": True,
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Hill"}],
    "name": [
        {"use": "official", "family": "Marsh", "given": ["Ida", "Mae"]},
        {"use": "usual", "given": ["Mae"]},
        {"use": "old", "family": "Marlow"},
    ],
    "telecom": [{"system": "phone", "value": "1", "rank": 1}, {"system": "email", "value": "a@b"}],
    "deceasedBoolean": False,
    "link": [
        {"other": {"reference": "RelatedPerson/r"}, "type": "seealso"},
        {"other": {"type": "Patient", "identifier": {"value": "9"}}, "type": "refer"},
    ],
    "_birthDate": {"extension": [{"url": "urn:time", "valueDateTime": "1974"}]},
}
TREE = grown("Patient", PATIENT)


def shown(item: Item) -> Any:
    return item.value if item.primitive else written(item)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("Patient.active", [True]),
        ("Patient.name.given.last()", ["Mae"]),
        ("Patient.name.given.tail()", ["Mae", "Mae"]),
        ("Patient.name.given.skip(1).take(1)", ["Mae"]),
        ("Patient.name.where(use = 'official').single().family", ["Marsh"]),
        ("Patient.name[0].given.where($this = 'Mae')", ["Mae"]),
        ("Patient.name.where(use = 'old' or use = 'usual').use", ["usual", "old"]),
        ("Patient.name.where(family.exists() and use = 'old' or use = 'usual').use", ["usual", "old"]),
        ("Patient.name.where(family.empty()).use", ["usual"]),
        ("Patient.name.where(family.exists().not()).use", ["usual"]),
        ("Patient.name.where((family = 'Marsh').not()).use", ["old"]),
        ("Patient.name.where(family != 'Marsh').use", ["old"]),
        ("Patient.name.where(family.startsWith('Mar')).use", ["official", "old"]),
        ("Patient.name.where(family.endsWith('low')).use", ["old"]),
        ("Patient.name.where(family.contains('rs')).use", ["official"]),
        ("Patient.name.where(given.contains('a')).use", ["usual"]),
        ("Patient.name.where(given.count() = 2).use", ["official"]),
        ("Patient.name.where(given.exists($this = 'Ida')).use", ["official"]),
        ("Patient.name.where(given.all($this = 'Mae')).use", ["usual", "old"]),
        ("Patient.telecom.where(rank = 1).value", ["1"]),
        ("Patient.telecom.where(rank = true).value", []),
        ("Patient.telecom.where(rank.hasValue()).value", ["1"]),
        ("Patient.telecom.where($this = $this)", []),
        ("Patient.where(birthDate.hasValue())", []),
        ("Patient.where(birthDate.exists()).active", [True]),
        ("Patient.link.where(other.resolve() is RelatedPerson).type", ["seealso"]),
        ("Patient.link.where(other.resolve() is Patient).type", ["refer"]),
        ("Patient.deceased.where($this = false)", [False]),
        ("(Patient.deceased as boolean)", [False]),
        ("Patient.text.`div`", ['<div xmlns="http://www.w3.org/1999/xhtml">x</div>']),
        ("(Patient.active | Patient.active | Patient.name.family)", [True, "Marsh", "Marlow"]),
        ("Patient.contained.where(Organization.name = 'Hill').id", ["o"]),
        ("Patient.name.where(Patient.active)", []),
        ("Resource.active", [True]),
        ("Patient.name.where(Resource.active)", []),
        ("Person.active", []),
        ("Patient.name.take(0)", []),
    ],
)
def test_a_path_names_these_elements(path: str, found: list[Any]) -> None:
    assert [shown(place.item) for place in locate(path, TREE)] == found


@pytest.mark.parametrize(
    "path",
    [
        "Patient.name.single()",
        "Patient.name.skip('a')",
        "Patient.name.take(Patient.active)",
        "Patient.name.count()",
        "Patient.name.family = 'x'",
        "Patient.name.where(family.matches('(a+)+$'))",
        "Patient.name.where(rank > 1)",
        "Patient.name.children()",
        "Patient.link.other.resolve()",
        "Patient.name.skip(-1)",
        "Patient.name[x]",
        "Patient.name.where(all())",
        "Patient." + "x" * LONGEST,
        "Patient.name" + ".where($this" * 21,
        "",
    ],
)
def test_a_path_that_is_not_understood_is_refused(path: str) -> None:
    with pytest.raises(UnsupportedExpression):
        locate(path, TREE)


def test_a_list_that_is_not_there_is_named_with_its_parents() -> None:
    assert locate_absent("Patient.address", TREE) == [(TREE, "address")]
    parents = [parent.fields["use"][0].value for parent, _ in locate_absent("Patient.name.suffix", TREE)]
    assert parents == ["official", "usual", "old"]
    assert locate_absent("Patient.photograph", TREE) == []
    with pytest.raises(UnsupportedExpression):
        locate_absent("Patient.name.first()", TREE)


def test_criteria_in_criteria_do_not_multiply_the_work() -> None:
    tree = grown("Patient", {"resourceType": "Patient", "name": [{"family": "x"}] * 50})
    nested = "Patient.name.where(" * 12 + "family.exists()" + ")" * 12
    assert locate(nested, tree) == []  # 50 to the power of 12 looks, were it not for the first of them
