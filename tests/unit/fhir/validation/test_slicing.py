"""A site's own profile: slices, patterns, bindings and references, held against people who claim it."""

from typing import Any

import pytest

from fhir_mpi.fhir.types import Json
from fhir_mpi.fhir.validation import Validator

RESIDENT = "http://example.org/StructureDefinition/resident"
CLOSE = "http://example.org/StructureDefinition/close"
NATIONAL = "urn:example:national"


def element(id: str, **more: Any) -> Json:
    path = ".".join(step.partition(":")[0] for step in id.split("."))
    return {"id": id, "path": path, **more}


def sliced(id: str, *discriminators: tuple[str, str], rules: str = "open") -> Json:
    by = [{"type": kind, "path": path} for kind, path in discriminators]
    return element(id, slicing={"discriminator": by, "rules": rules})


def part(id: str, **more: Any) -> Json:
    return element(id, sliceName=id.rpartition(":")[2], **more)


def profile(url: str, *elements: Json, **more: Any) -> Json:
    return {"url": url, "type": "Patient", "differential": {"element": list(elements)}, **more}


GENDERS: Json = {
    "resourceType": "ValueSet",
    "id": "genders",
    "compose": {"include": [{"system": "urn:g", "concept": [{"code": "female"}, {"code": "male"}]}]},
}
STATES: Json = {
    "resourceType": "ValueSet",
    "id": "states",
    "compose": {"include": [{"system": "urn:m", "concept": [{"code": "M"}]}]},
}
PROFILES = [
    profile(
        RESIDENT,
        sliced("Patient.identifier", ("value", "system")),
        part("Patient.identifier:national", min=1, max="1"),
        element("Patient.identifier:national.system", min=1, fixedUri=NATIONAL),
        element("Patient.identifier:national.value", min=1, maxLength=4),
        sliced("Patient.telecom", ("pattern", "$this"), rules="closed"),
        part("Patient.telecom:phone", patternContactPoint={"system": "phone"}),
        part("Patient.telecom:email", max="1", patternContactPoint={"system": "email"}),
        sliced("Patient.address", ("exists", "period")),
        part("Patient.address:former", max="1"),
        element("Patient.address:former.period", min=1),
        part("Patient.address:current", max="1"),
        element("Patient.address:current.period", max="0"),
        sliced("Patient.deceased[x]", ("type", "$this")),
        part("Patient.deceased[x]:deceasedDateTime", type=[{"code": "dateTime"}], fixedDateTime="2020"),
        element("Patient.gender", binding={"strength": "required", "valueSet": "#genders"}),
        element("Patient.maritalStatus", binding={"strength": "required", "valueSet": "#states"}),
        element(
            "Patient.generalPractitioner",
            type=[
                {
                    "code": "Reference",
                    "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Organization"],
                }
            ],
        ),
        sliced("Patient.contact", ("value", "relationship.coding.code")),
        part("Patient.contact:kin", max="1"),
        element("Patient.contact:kin.relationship", patternCodeableConcept={"coding": [{"code": "N"}]}),
        element("Patient.contact:kin.name", min=1),
        contained=[GENDERS, STATES],
        version="2.0",
    ),
    profile(
        CLOSE,
        element("Patient.name", min=1),
        element("Patient.birthDate", min=1),
        baseDefinition=RESIDENT,
    ),
]
VALIDATOR = Validator(["Patient"], PROFILES)
ID = {"system": NATIONAL, "value": "1"}


def broken(resource: Json) -> set[str | None]:
    issues = VALIDATOR.issues(resource)
    assert {(i.severity, i.code) for i in issues} <= {("error", "business-rule")}, issues
    return {issue.expression for issue in issues}


def resident(*, claims: str = RESIDENT, **elements: Any) -> Json:
    return {"resourceType": "Patient", "meta": {"profile": [claims]}, "identifier": [ID], **elements}


PHONE, EMAIL = {"system": "phone", "value": "1"}, {"system": "email", "value": "a"}
FORMER, CURRENT = {"city": "A", "period": {"end": "2000"}}, {"city": "B"}
REASON = {"url": "urn:example:absent", "valueCode": "unknown"}
KIN = {"relationship": [{"coding": [{"code": "N"}]}], "name": {"text": "x"}}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (resident(), set()),
        (resident(identifier=[{"system": "urn:x", "value": "12345"}, ID]), set()),
        (resident(identifier=[{"system": "urn:x", "value": "1"}]), {"Patient.identifier"}),
        (resident(identifier=[ID, ID]), {"Patient.identifier"}),
        (resident(identifier=[{**ID, "value": "12345"}]), {"Patient.identifier[0].value"}),
        (resident(telecom=[PHONE, PHONE, EMAIL]), set()),
        (resident(telecom=[EMAIL, EMAIL]), {"Patient.telecom"}),
        (resident(telecom=[PHONE, {"system": "fax", "value": "1"}]), {"Patient.telecom[1]"}),
        (resident(address=[FORMER, CURRENT]), set()),
        (resident(address=[FORMER, FORMER, CURRENT]), {"Patient.address"}),
        (resident(address=[CURRENT, CURRENT]), {"Patient.address"}),
        (resident(deceasedBoolean=True), set()),
        (resident(deceasedDateTime="2020"), set()),
        (resident(deceasedDateTime="2021"), {"Patient.deceasedDateTime"}),
        (resident(gender="female"), set()),
        (resident(gender="unknown"), {"Patient.gender"}),
        (resident(maritalStatus={"coding": [{"code": "x"}, {"system": "urn:m", "code": "M"}]}), set()),
        (resident(maritalStatus={"coding": [{"system": "urn:x", "code": "M"}]}), {"Patient.maritalStatus"}),
        (resident(maritalStatus={"text": "M"}), {"Patient.maritalStatus"}),
        (resident(generalPractitioner=[{"reference": "Organization/1"}, {"display": "x"}]), set()),
        (resident(generalPractitioner=[{"reference": "Practitioner/1"}]), {"Patient.generalPractitioner[0]"}),
        (resident(contact=[KIN, {"name": {"text": "y"}}]), set()),
        (resident(contact=[KIN, KIN]), {"Patient.contact"}),
        (
            resident(contact=[{"relationship": KIN["relationship"], "gender": "male", "telecom": [PHONE]}]),
            {"Patient.contact[0].name"},
        ),
        (resident(claims=CLOSE, name=[{"text": "x"}], birthDate="1980"), set()),
        (resident(claims=CLOSE, name=[{"text": "x"}], _birthDate={"extension": [REASON]}), set()),
        (resident(claims=CLOSE), {"Patient.name", "Patient.birthDate"}),
        (
            resident(claims=CLOSE, name=[{"text": "x"}], birthDate="1980", identifier=[{"value": "1"}]),
            {"Patient.identifier"},
        ),
        (resident(claims=f"{RESIDENT}|2.0", gender="unknown"), {"Patient.gender"}),
    ],
)  # fmt: skip
def test_a_person_is_held_against_the_profile_of_a_site(resource: Json, expected: set[str]) -> None:
    assert broken(resource) == expected


@pytest.mark.parametrize("url", ["http://example.org/unknown", f"{RESIDENT}|1.0"])
def test_a_profile_that_is_unknown_is_said(url: str) -> None:
    resource = {"resourceType": "Patient", "meta": {"profile": [RESIDENT, url]}, "identifier": [ID]}
    for severity in ("warning", "error"):
        [issue] = Validator(["Patient"], PROFILES, unknown=severity).issues(resource)
        assert (issue.severity, issue.expression) == (severity, "Patient.meta.profile[1]")


def test_the_profile_of_a_type_of_r5_is_known() -> None:
    core = "http://hl7.org/fhir/StructureDefinition"
    assert broken(resident(claims=f"{core}/Patient")) == set()
    assert broken(resident(claims=f"{core}/DomainResource|5.0.0")) == set()
    assert broken(resident(claims=f"{core}/Person")) == {"Patient.meta.profile"}
    assert not VALIDATOR.knows(f"{core}/bmi")


def test_a_resource_is_held_against_a_profile_that_it_does_not_claim() -> None:
    [issue] = VALIDATOR.issues({"resourceType": "Patient", "active": True}, RESIDENT)
    assert issue.expression == "Patient.identifier"


@pytest.mark.parametrize(
    "elements",
    [
        [sliced("Patient.name", ("profile", "$this")), part("Patient.name:a")],
        [sliced("Patient.name", ("position", "$this")), part("Patient.name:a")],
        [sliced("Patient.name", ("value", "use")), part("Patient.name:a")],
        [sliced("Patient.name", ("value", "extension('urn:x').value")), part("Patient.name:a")],
        [sliced("Patient.name", ("exists", "use")), part("Patient.name:a")],
        [sliced("Patient.name", ("exists", "period.start")), part("Patient.name:a")],
        [sliced("Patient.name", ("type", "$this")), part("Patient.name:a")],
    ],
)
def test_a_slice_that_cannot_be_told_apart_stops_the_start(elements: list[Json]) -> None:
    with pytest.raises(ValueError, match=f"{CLOSE}: Patient.name:a"):
        Validator([], [profile(CLOSE, *elements)])


@pytest.mark.parametrize(
    "value_set",
    [
        {"include": [{"system": "urn:m"}]},
        {"include": [{"system": "urn:m", "concept": [{"code": "a"}]}], "exclude": [{"system": "urn:m"}]},
    ],
)
def test_a_value_set_that_lists_no_codes_stops_the_start(value_set: Json) -> None:
    bound = element("Patient.gender", binding={"strength": "required", "valueSet": "#v"})
    inner = {"resourceType": "ValueSet", "id": "v", "compose": value_set}
    with pytest.raises(ValueError, match="does not list its codes"):
        Validator([], [profile(CLOSE, bound, contained=[inner])])


def test_a_profile_that_derives_from_nothing_known_stops_the_start() -> None:
    with pytest.raises(ValueError, match=f"{CLOSE}: the profile derives from urn:x"):
        Validator([], [profile(CLOSE, baseDefinition="urn:x")])
    with pytest.raises(ValueError, match="derives from itself"):
        Validator([], [profile(CLOSE, baseDefinition=CLOSE)])
    with pytest.raises(ValueError, match=CLOSE):
        Validator([], [{**profile(CLOSE, element("Pacient.name")), "type": "Pacient"}])


MARK = "http://example.org/StructureDefinition/mark"


def marked(place: str, kind: str = "element") -> Validator:
    value = {"id": "Extension.value[x]", "type": [{"code": "code"}]}
    where = [{"type": kind, "expression": place}]
    found = {"url": MARK, "type": "Extension", "context": where, "differential": {"element": [value]}}
    return Validator([], [found])


EXT = {"url": MARK, "valueCode": "x"}
MARKED: dict[str, Json] = {
    "Patient": {"resourceType": "Patient", "extension": [EXT]},
    "HumanName": {"resourceType": "Patient", "name": [{"text": "x", "extension": [EXT]}]},
    "HumanName.given": {
        "resourceType": "Patient",
        "name": [{"given": ["x"], "_given": [{"extension": [EXT]}]}],
    },
    "Patient.contact": {"resourceType": "Patient", "contact": [{"name": {"text": "x"}, "extension": [EXT]}]},
    "Practitioner": {
        "resourceType": "Patient",
        "contained": [{"resourceType": "Practitioner", "id": "p", "extension": [EXT]}],
        "generalPractitioner": [{"reference": "#p"}],
    },
    "Person.active": {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": {"resourceType": "Person", "_active": {"extension": [EXT]}}}],
    },
}


@pytest.mark.parametrize("place", MARKED)
@pytest.mark.parametrize("context", MARKED)
def test_an_extension_stands_where_its_context_allows_it(context: str, place: str) -> None:
    issues = marked(context).issues(MARKED[place])
    assert (issues == []) == (context == place)


@pytest.mark.parametrize(
    ("context", "places"),
    [
        ("Element", set(MARKED)),
        ("DomainResource", {"Patient", "Practitioner"}),
        ("BackboneElement", {"Patient.contact"}),
        ("string", {"HumanName.given"}),
        ("PrimitiveType", {"HumanName.given", "Person.active"}),
        ("Patient.name", {"HumanName"}),
        ("Patient.name.given", {"HumanName.given"}),
    ],
)
def test_a_context_means_a_path_or_a_type(context: str, places: set[str]) -> None:
    assert {place for place, resource in MARKED.items() if not marked(context).issues(resource)} == places


def test_an_extension_can_be_meant_for_another_extension() -> None:
    outer = {"resourceType": "Patient", "extension": [{"url": "urn:outer", "extension": [EXT]}]}
    assert marked("urn:outer", "extension").issues(outer) == []
    assert marked("urn:else", "extension").issues(outer)
    with pytest.raises(ValueError, match=f"{MARK}: the context"):
        marked("Patient.name", "fhirpath")


def test_an_element_id_stands_once_in_a_resource() -> None:
    names = [{"id": "a", "text": "x"}, {"id": "a", "text": "y"}]
    [issue] = VALIDATOR.issues({"resourceType": "Patient", "name": names})
    assert (issue.code, issue.expression) == ("invariant", "Patient.name[1].id")
    inner = {"resourceType": "Practitioner", "id": "p", "name": names[:1]}
    apart = {"contained": [inner], "generalPractitioner": [{"reference": "#p"}], "name": names[:1]}
    assert VALIDATOR.issues({"resourceType": "Patient", **apart}) == []
