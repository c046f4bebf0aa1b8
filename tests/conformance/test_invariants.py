"""Every invariant of R5 on what an index holds: a fault that breaks it, or the reason why none is checked."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhir_mpi.fhir.types import Json
from fhir_mpi.fhir.validation import Validator

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "r5" / "structuredefinitions"
SERVED = ("Patient", "Organization", "Person", "RelatedPerson", "Practitioner", "Provenance")
VALIDATOR = Validator(SERVED)
XHTML = '<div xmlns="http://www.w3.org/1999/xhtml">'
UCUM = "http://unitsofmeasure.org"

NOT_CHECKED = {
    "dom-6": "a warning on every resource without a narrative says nothing about any of them",
    "prov-2": "needs the PractitionerRole that a reference leads to",
    "prov-3": "needs the PractitionerRole that a reference leads to",
}


def patient(**elements: Any) -> Json:
    return {"resourceType": "Patient", **elements}


def ext(**value: Any) -> Json:
    return patient(extension=[{"url": "http://example.org/e", **value}])


def contained(**inner: Any) -> Json:
    practitioner = {"resourceType": "Practitioner", "id": "p", **inner}
    return patient(contained=[practitioner], generalPractitioner=[{"reference": "#p"}])


def contact(**elements: Any) -> Json:
    return {"resourceType": "Organization", "name": "x", "contact": [elements]}


def repeat(**elements: Any) -> Json:
    return ext(valueTiming={"repeat": elements})


def trigger(**elements: Any) -> Json:
    return ext(valueTriggerDefinition=elements)


def quantity(value: int, **more: Any) -> Json:
    return {"value": value, "unit": "cm", **more}


def agent(**elements: Any) -> Json:
    return {
        "resourceType": "Provenance",
        "target": [{"reference": "Patient/1"}],
        "agent": [{"who": {"reference": "Organization/1"}, **elements}],
    }


SAMPLES = {"origin": {"value": 0}, "dimensions": 1}

BROKEN: list[tuple[str, Json]] = [
    ("age-1", ext(valueAge={"value": 3})),
    ("age-1", ext(valueAge={"value": 3, "code": "a", "system": "urn:x"})),
    ("age-1", ext(valueAge={"value": 0, "code": "a", "system": UCUM})),
    ("att-1", patient(photo=[{"data": "aGk="}])),
    ("av-1", ext(valueAvailability={"availableTime": [{"allDay": True, "availableEndTime": "12:00:00"}]})),
    ("cnt-3", ext(valueCount={"value": 3})),
    ("cnt-3", ext(valueCount={"value": 3, "code": "2", "system": UCUM})),
    ("cnt-3", ext(valueCount={"value": Decimal("3.5"), "code": "1", "system": UCUM})),
    ("cod-1", patient(maritalStatus={"coding": [{"display": "M"}]})),
    ("cpt-2", patient(telecom=[{"value": "1"}])),
    ("dis-1", ext(valueDistance={"value": 3})),
    ("dis-1", ext(valueDistance={"value": 3, "code": "m", "system": "urn:x"})),
    ("dom-2", contained(contained=[{"resourceType": "Patient", "id": "q"}])),
    ("dom-3", patient(contained=[{"resourceType": "Practitioner", "id": "p"}])),
    ("dom-4", contained(meta={"versionId": "1"})),
    ("dom-5", contained(meta={"security": [{"code": "R"}]})),
    ("dos-1", ext(valueDosage={"asNeeded": False, "asNeededFor": [{"text": "pain"}]})),
    ("drq-1", ext(valueDataRequirement={"type": "Patient", "codeFilter": [{"code": [{"code": "a"}]}]})),
    ("drq-2", ext(valueDataRequirement={"type": "Task", "dateFilter": [{"path": "a", "searchParam": "b"}]})),
    ("drt-1", ext(valueDuration={"value": 3, "code": "a", "system": "urn:x"})),
    ("drt-1", ext(valueDuration={"code": "a", "system": UCUM})),
    ("ele-1", patient(maritalStatus={"id": "a"})),
    ("exp-1", ext(valueExpression={"language": "text/cql"})),
    ("exp-2", ext(valueExpression={"language": "text/cql", "expression": "x", "name": "1a"})),
    ("ext-1", ext()),
    ("ident-1", patient(identifier=[{"system": "urn:x"}])),
    ("org-1", {"resourceType": "Organization", "active": True}),
    ("org-3", contact(telecom=[{"system": "phone", "value": "1", "use": "home"}])),
    ("org-4", contact(address={"text": "a", "use": "home"})),
    ("pat-1", patient(contact=[{"gender": "male"}])),
    ("per-1", patient(name=[{"text": "a", "period": {"start": "2020-02", "end": "2020-01-31"}}])),
    ("prov-1", agent(onBehalfOf={"reference": "Organization/1"})),
    ("qty-3", ext(valueQuantity={"code": "cm"})),
    ("rat-1", ext(valueRatio={"numerator": {"value": 1}})),
    ("ratrng-1", ext(valueRatioRange={"lowNumerator": {"value": 1}})),
    ("ratrng-1", ext(valueRatioRange={"denominator": {"value": 1}})),
    (
        "ratrng-2",
        ext(
            valueRatioRange={
                "lowNumerator": {"value": 3},
                "highNumerator": {"value": 1},
                "denominator": {"value": 1},
            }
        ),
    ),
    ("ref-1", patient(managingOrganization={"reference": "#x"})),
    ("ref-2", patient(managingOrganization={"type": "Organization"})),
    ("rng-2", ext(valueRange={"low": quantity(3), "high": quantity(1)})),
    ("sdd-1", ext(valueSampledData={**SAMPLES, "intervalUnit": "s"})),
    ("sdd-1", ext(valueSampledData={**SAMPLES, "intervalUnit": "s", "interval": 1, "offsets": "1 2"})),
    ("sqty-1", ext(valueRange={"low": quantity(3, comparator="<")})),
    ("sqty-1", ext(valueDosage={"doseAndRate": [{"doseQuantity": quantity(3, comparator="<")}]})),
    ("tim-1", repeat(duration=1)),
    ("tim-2", repeat(period=1)),
    ("tim-4", repeat(duration=-1, durationUnit="s")),
    ("tim-5", repeat(period=-1, periodUnit="s")),
    ("tim-6", repeat(periodMax=1)),
    ("tim-7", repeat(durationMax=1)),
    ("tim-8", repeat(countMax=1)),
    ("tim-9", repeat(offset=1)),
    ("tim-9", repeat(offset=1, when=["C"])),
    ("tim-10", repeat(timeOfDay=["10:00:00"], when=["HS"])),
    ("trd-1", trigger(type="data-added", data=[{"type": "Patient"}], timingDate="2020-01-01")),
    ("trd-2", trigger(type="named-event", name="x", condition={"expression": "x", "language": "text/cql"})),
    ("trd-3", trigger(type="named-event")),
    ("trd-3", trigger(type="periodic")),
    ("trd-3", trigger(type="data-added")),
    ("txt-1", patient(text={"status": "generated", "div": f"{XHTML}<script>1</script></div>"})),
    ("txt-2", patient(text={"status": "generated", "div": f"{XHTML} </div>"})),
]  # fmt: skip

KEPT: list[Json] = [
    ext(valueAge={"value": 3, "code": "a", "system": UCUM}),
    ext(valueAvailability={"availableTime": [{"allDay": True}, {"availableEndTime": "12:00:00"}]}),
    ext(valueCount={"value": 3, "code": "1", "system": UCUM}),
    ext(valueDataRequirement={"type": "Patient", "codeFilter": [{"path": "a"}]}),
    ext(valueDistance={"value": 3, "code": "m", "system": UCUM}),
    ext(valueDosage={"asNeeded": True, "asNeededFor": [{"text": "pain"}]}),
    ext(valueDuration={"value": 3, "code": "a", "system": UCUM}),
    ext(valueExpression={"language": "text/cql", "expression": "x", "name": "a_1"}),
    ext(valueRange={"low": quantity(1), "high": quantity(1)}),
    ext(valueRange={"low": quantity(3), "high": {"value": 1, "unit": "m"}}),
    ext(valueRange={"low": {"value": Decimal("1.04")}, "high": {"value": Decimal("1.0")}}),
    ext(valueRatio={"numerator": {"value": 1, "comparator": "<"}, "denominator": {"value": 1}}),
    ext(valueRatioRange={"highNumerator": {"value": 1}, "denominator": {"value": 1}}),
    ext(valueSampledData={**SAMPLES, "intervalUnit": "s", "interval": 1}),
    repeat(duration=1, durationMax=2, durationUnit="s", period=1, periodMax=2, periodUnit="d"),
    repeat(count=1, countMax=2, offset=1, when=["HS"]),
    trigger(type="periodic", timingDate="2020-01-01"),
    trigger(type="data-added", data=[{"type": "Patient"}], condition={"expression": "x", "language": "a/b"}),
    agent(onBehalfOf={"reference": "Organization/2"}),
]


@pytest.mark.parametrize(("key", "resource"), BROKEN)
def test_what_breaks_an_invariant_is_named_by_its_key(key: str, resource: Json) -> None:
    severity = "warning" if key in ("cod-1", "ident-1") else "error"
    assert {(i.severity, key in i.text) for i in VALIDATOR.issues(resource)} == {(severity, True)}


@pytest.mark.parametrize("resource", KEPT)
def test_what_keeps_the_invariants_has_no_issue(resource: Json) -> None:
    assert VALIDATOR.issues(resource) == []


def test_every_invariant_of_r5_is_checked_or_left_out_for_a_reason() -> None:
    if not FOLDER.is_dir():
        pytest.skip("the shared data are not here: structuredefinitions")
    keys = set(constraints())
    assert not {key for key, _ in BROKEN} & set(NOT_CHECKED)
    assert keys == {key for key, _ in BROKEN} | set(NOT_CHECKED)
    assert len(keys) >= 52


def constraints() -> Iterator[str]:
    """The key of every constraint on the served types, and on the datatypes that they reach."""
    read = {file.stem: json.loads(file.read_text()) for file in FOLDER.glob("*.json")}
    waiting, seen = list(SERVED), {"Resource"}
    while waiting:
        name = waiting.pop()
        if name in seen or name not in read:
            continue
        seen.add(name)
        for element in read[name]["snapshot"]["element"]:
            yield from (constraint["key"] for constraint in element.get("constraint", ()))
            for kind in element.get("type", ()):
                waiting.append(kind["code"])
                waiting += [url.rpartition("/")[2] for url in kind.get("profile", ())]


def test_a_language_that_somebody_speaks_is_one_of_bcp_47() -> None:
    def said(*coding: Json) -> list[str | None]:
        speaks = {"coding": list(coding)} if coding else {"text": "Polish"}
        return [i.expression for i in VALIDATOR.issues(patient(communication=[{"language": speaks}]))]

    assert said({"system": "urn:ietf:bcp:47", "code": "pl-PL"}, {"system": "urn:x", "code": "p"}) == []
    wrong = ["Patient.communication[0].language"]
    assert said() == wrong
    assert said({"system": "urn:x", "code": "pl"}) == wrong
    assert said({"system": "urn:ietf:bcp:47", "code": "pl_PL"}) == wrong
