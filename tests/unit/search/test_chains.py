"""Chains and _has: what they ask of other resources, and what they are refused with."""

import pytest

from fhir_mpi.definitions import load_definitions
from fhir_mpi.fhir.outcome import FhirError, InvalidValue, TooCostly, UnsupportedParameter
from fhir_mpi.search.filters import And, Equals, Filter, Not, Or, Prefix, Present, Referred, Refers
from fhir_mpi.search.registry import SearchRegistry
from tests.unit.search.served import CONTEXT, LENIENT, custom, request

BASE = "https://mpi.example.org/fhir/"


def refers(code: str, type: str, filter: Filter) -> Refers:
    return Refers(code, type, filter, (f"{type}/", f"{BASE}{type}/"))


def referred(type: str, code: str, filter: Filter, to: str = "Patient") -> Referred:
    return Referred(type, code, filter, (f"{to}/", f"{BASE}{to}/"))


X = Prefix("name", "x")
AGENT = Or((Equals("agent", "Device/d"), Equals("agent", f"{BASE}Device/d")))
NAMED = refers("organization", "Organization", X)


@pytest.mark.parametrize(
    ("name", "value", "filter"),
    [
        ("organization.name", "x", NAMED),
        ("organization:Organization.name", "x", NAMED),
        ("organization.name", "x,y", refers("organization", "Organization", Or((X, Prefix("name", "y"))))),
        ("organization._id", "7", refers("organization", "Organization", Equals("_id", "7"))),
        (
            "organization.name:missing",
            "true",
            refers("organization", "Organization", Not(Present("name"))),
        ),
        (
            "organization.type:not",
            "prov",
            refers("organization", "Organization", Not(Equals("type", "=prov"))),
        ),
        (
            "organization.partof.name",
            "x",
            refers("organization", "Organization", refers("partof", "Organization", X)),
        ),
        (
            "general-practitioner.name",
            "x",
            Or(
                (
                    refers("general-practitioner", "Organization", X),
                    refers("general-practitioner", "Practitioner", X),
                )
            ),
        ),
        ("general-practitioner.gender", "male", None),
        ("general-practitioner:Practitioner.name", "x", refers("general-practitioner", "Practitioner", X)),
        ("_has:Provenance:target:agent", "Device/d", referred("Provenance", "target", AGENT)),
        (
            "_has:Provenance:target:agent:missing",
            "true",
            referred(
                "Provenance",
                "target",
                Not(Or((Present("agent"), Present("agent:identifier"), Present("agent:text")))),
            ),
        ),
        (
            "_has:RelatedPerson:patient:_has:Provenance:target:agent",
            "Device/d",
            referred("RelatedPerson", "patient", referred("Provenance", "target", AGENT, "RelatedPerson")),
        ),
        (
            "organization._has:Provenance:target:agent",
            "Device/d",
            refers("organization", "Organization", referred("Provenance", "target", AGENT, "Organization")),
        ),
        (
            "_has:Person:link:organization.name",
            "x",
            referred("Person", "link", NAMED),
        ),
    ],
)
def test_a_chain_asks_of_the_other_end(name: str, value: str, filter: Filter | None) -> None:
    found = request([(name, value)])
    if filter is not None:
        assert found.filter == filter
    else:  # only one of the types it may refer to has the parameter
        assert isinstance(found.filter, Refers)
        assert found.filter.type == "Practitioner"
    assert found.understood == ((name, value),)


def test_chains_of_one_search_are_apart() -> None:
    found = request([("organization.name", "x"), ("organization.active", "true")]).filter
    assert isinstance(found, And)
    assert [part.code for part in found.parts if isinstance(part, Refers)] == ["organization"] * 2


def test_a_chain_without_a_value_is_ignored() -> None:
    for name in ("organization.name", "_has:Provenance:target:agent", "general-practitioner.name"):
        for value in ("", ",,"):
            assert request([(name, value)]).understood == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("organization.nonsense", 'Organization has no search parameter "nonsense"'),
        ("nonsense.name", 'Patient has no search parameter "nonsense"'),
        ("family.name", '"family" of Patient is no reference'),
        ("organization:Nonsense.name", 'does not refer to "Nonsense"'),
        ("organization:Patient.name", "the served types it refers to: Organization"),
        ("organization:identifier.name", 'does not refer to "identifier"'),
        ("organization.", 'Organization has no search parameter ""'),
        ("organization.name:sounds", 'modifier ":sounds" of search parameter "name"'),
        ("general-practitioner.nonsense", "Practitioner has no search parameter"),
        ("_has", "_has is written"),
        ("_has:Provenance:target", "_has is written"),
        ("_has:Provenance::agent", "_has is written"),
        ("_has:Observation:patient:code", 'resource type "Observation" is not served'),
        ("_has:Provenance:agent-role:agent", "is no reference"),
        ("_has:Provenance:nonsense:agent", "Provenance has no search parameter"),
        ("_has:Provenance:target:nonsense", "Provenance has no search parameter"),
        ("_has:Patient:organization:name", 'does not refer to "Patient"'),
    ],
)
def test_a_chain_that_leads_nowhere_is_refused(name: str, text: str) -> None:
    with pytest.raises(UnsupportedParameter, match=r".") as refused:
        request([(name, "x")])
    assert text in str(refused.value)
    assert [issue.expression for issue in refused.value.issues] == [f"http.{name}"]
    assert len(request([(name, "x")], context=LENIENT).warnings) == 1


def test_a_reference_that_may_name_no_served_type_is_refused() -> None:
    definition = custom("reference", "Observation.subject", target=["Group"])
    alone = SearchRegistry([definition], ["Observation"])
    with pytest.raises(UnsupportedParameter, match="refers to no type that is served"):
        alone.request("Observation", [("x.code", "1")], context=CONTEXT)
    with pytest.raises(UnsupportedParameter, match="refers to: none"):
        alone.request("Observation", [("x:Group.code", "1")], context=CONTEXT)


def test_a_value_is_read_as_its_own_parameter_reads_it() -> None:
    with pytest.raises(InvalidValue) as refused:
        request([("link:Patient.birthdate", "canary")])
    assert refused.value.issues[0].expression == "http.link:Patient.birthdate"
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "name",
    [
        "link:Patient.link:Patient.link:Patient.organization.name",
        "_has:Patient:link:" * 4 + "name",
        "link:Patient._has:Patient:link:link:Patient.organization.name",
        "link." * 500 + "name",
    ],
)
def test_a_chain_over_more_references_than_allowed_is_too_costly(name: str) -> None:
    with pytest.raises(TooCostly, match="at most 3 references in a row"):
        request([(name, "x")])


def test_how_far_a_chain_goes_is_set() -> None:
    definitions = load_definitions()
    near = SearchRegistry(definitions.search_parameters, definitions.types, depth=1)
    near.request("Patient", [("organization.name", "x")], context=CONTEXT)
    with pytest.raises(TooCostly, match="at most 1 references"):
        near.request("Patient", [("organization.partof.name", "x")], context=CONTEXT)


def test_all_chains_of_a_search_together_follow_so_many_references() -> None:
    pairs = [("organization.partof.name", "x")] * 25
    assert len(request(pairs).understood) == 25
    with pytest.raises(TooCostly, match="at most 50 references in one search"):
        request([*pairs, ("organization.name", "x")])


def test_a_parameter_with_a_dot_in_its_code_is_no_chain() -> None:
    dotted = {**custom("token", "Observation.status"), "code": "a.b"}
    found = SearchRegistry([dotted], ["Observation"]).request("Observation", [("a.b", "x")], context=CONTEXT)
    assert found.filter == Equals("a.b", "=x")


@pytest.mark.parametrize(
    "name", ["a.b:c.d", "_has:::", "_has:a:b:c:d:e", ".", "..", "organization..name", ":.:"]
)
def test_no_name_does_worse_than_a_fhir_error(name: str) -> None:
    with pytest.raises(FhirError):
        request([(name, "x")])
