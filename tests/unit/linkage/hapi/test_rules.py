"""A rules file is read, or refused in HAPI's words."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from fhir_mpi.linkage.hapi.rules import InvalidRules, MdmRules, load_rules, read_rules
from tests.unit.linkage.hapi.answers import knows, recorded

STRING = {"algorithm": "STRING"}
BIRTHDAY = {"name": "birthday", "resourceType": "Patient", "resourcePath": "birthDate", "matcher": STRING}


def rules(**changes: Any) -> dict[str, Any]:
    whole = {
        "version": "1",
        "mdmTypes": ["Patient"],
        "candidateSearchParams": [{"resourceType": "Patient", "searchParams": ["given", "family:exact"]}],
        "candidateFilterSearchParams": [],
        "matchFields": [BIRTHDAY],
        "matchResultMap": {"birthday": "MATCH"},
    }
    return {key: value for key, value in {**whole, **changes}.items() if value != "absent"}


def field(**changes: Any) -> list[dict[str, Any]]:
    return [{key: value for key, value in {**BIRTHDAY, **changes}.items() if value != "absent"}]


def loaded(**changes: Any) -> MdmRules:
    return load_rules(rules(**changes), knows)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"eidSystems": {"Practitioner": "urn:eid"}},
            "HAPI-1507: There is an eidSystem set for [Practitioner] but that is not one of the"
            " mdmTypes. Valid"
            " options are [Patient, *].",
        ),
        (
            {"eidSystems": {"Foo": "urn:eid"}},
            "HAPI-1508: Foo is not a valid resource type, but is set in the eidSystems field.",
        ),
        ({"mdmTypes": "absent"}, "HAPI-1509: mdmTypes must be set to a list of resource types."),
        ({"mdmTypes": None}, "HAPI-1509: mdmTypes must be set to a list of resource types."),
        (
            {"mdmTypes": ["Binary"]},
            "HAPI-1510: Resource Type Binary is not supported, as it does not have an 'identifier'"
            " field, which is"
            " necessary for MDM workflow.",
        ),
        (
            {"candidateSearchParams": [{"resourceType": "Patient", "searchParams": ["givn:exact"]}]},
            "HAPI-1511: Error in candidateSearchParams: Patient does not have a search parameter called"
            " 'givn:exact'",
        ),
        (
            {"candidateSearchParams": [{"resourceType": "*", "searchParam": "organization"}]},
            "HAPI-1511: Error in candidateSearchParams: Practitioner does not have a search parameter called"
            " 'organization'",
        ),
        (
            {
                "candidateFilterSearchParams": [
                    {"resourceType": "Patient", "searchParam": "a", "fixedValue": "b"}
                ]
            },
            "HAPI-1511: Error in candidateFilterSearchParams: Patient does not have a search"
            " parameter called 'a'",
        ),
        ({"matchFields": [BIRTHDAY, BIRTHDAY]}, "HAPI-1512: Two MatchFields have the same name 'birthday'"),
        (
            {"matchFields": field(matcher="absent")},
            "HAPI-1513: MatchField birthday has neither a similarity nor a matcher.  At least one"
            " must be present.",
        ),
        (
            {"matchFields": field(matcher="absent", similarity={"algorithm": "COSINE"})},
            "HAPI-1514: MatchField birthday similarity COSINE requires a matchThreshold",
        ),
        (
            {"matchFields": field(fhirPath="birthDate")},
            "HAPI-1515: MatchField [birthday] resourceType [Patient] has defined both a resourcePath and a"
            " fhirPath. You must define one of the two.",
        ),
        (
            {"matchFields": field(resourcePath="absent")},
            "HAPI-1516: MatchField [birthday] resourceType [Patient] has defined neither a resourcePath or a"
            " fhirPath. You must define one of the two.",
        ),
        (
            {"matchFields": field(resourcePath="name.famly")},
            "HAPI-1517: MatchField birthday resourceType Patient has invalid path 'name.famly'. "
            " HAPI-1700: Unknown"
            " child name 'famly' in element HumanName - Valid names are: [extension, family, given,"
            " id, period,"
            " prefix, suffix, text, use]",
        ),
        (
            {"matchFields": field(resourcePath="")},
            "HAPI-1517: MatchField birthday resourceType Patient has invalid path ''.  HAPI-1790:"
            " Invalid path:"
            " Patient.",
        ),
        (
            {"matchFields": field(resourcePath="absent", fhirPath="name.foo()")},
            "HAPI-1518: MatchField [birthday] resourceType [Patient] has failed FHIRPath"
            " evaluation.  unsupported"
            " function foo()",
        ),
        ({"eidSystem": "no uri"}, "HAPI-1519: Enterprise Identifier System (eidSystem) must be a valid URI"),
        (
            {"eidSystems": {"Patient": "http://[x"}},
            "HAPI-1519: Enterprise Identifier System (eidSystem) must be a valid URI",
        ),
        (
            {"matchFields": field(matcher={})},
            "HAPI-1522: Field Match birthday has neither a matcher nor a similarity.",
        ),
        ({"matchResultMap": {"birthday, nam": "MATCH"}}, "HAPI-1523: There is no matchField with name nam"),
        ({"version": " "}, "version may not be blank"),
        (
            {"matchFields": [{**BIRTHDAY, "name": str(n)} for n in range(65)], "matchResultMap": {}},
            "MDM cannot guarantee accuracy with more than 64 match fields.",
        ),
        (
            {"eidSystems": {"*": "urn:a", "Patient": "urn:b"}},
            "eidSystems: where there is *, there is nothing else",
        ),
        ({"surprise": 1}, "HAPI-2060: $: Additional properties are not allowed ('surprise' was unexpected)"),
    ],
)
def test_a_rules_file_is_refused_in_the_words_of_HAPI(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRules) as refused:
        loaded(**changes)
    assert refused.value.problems[0] == message


OURS = {
    "searchParam single": None,  # HAPI 8 wants searchParams; older files have the one
    "eid list": None,  # several EID systems for a type
    "no matcher alg": "HAPI-1522: Field Match a has neither a matcher nor a similarity.",
    "eid star+": "eidSystems: where there is *, there is nothing else",
}


@pytest.mark.parametrize("case", recorded("messages"), ids=lambda case: str(case["case"]))
def test_HAPI_says_the_same_first(case: dict[str, Any]) -> None:
    """Up to where names of R4 elements, or words of Java, begin."""
    expected = OURS.get(case["case"], case["message"])
    if expected is None:
        load_rules(case["rules"], knows)
        return
    with pytest.raises(InvalidRules) as refused:
        load_rules(case["rules"], knows)
    said = refused.value.problems[0]
    if expected == "HAPI-2060":
        assert said.startswith("HAPI-2060: $")
    elif "HAPI-1518" in expected or "Valid names are" in expected:
        end = expected.index("Valid names are") if "Valid names" in expected else expected.index("  ")
        assert said[:end] == expected[:end]
    else:
        assert said == expected.replace('"R4"', '"R5"')


def test_every_problem_is_named() -> None:
    with pytest.raises(InvalidRules) as refused:
        loaded(matchFields=field(matcher="absent", resourcePath="absent"), eidSystem="no uri")
    assert [problem[:10] for problem in refused.value.problems] == ["HAPI-1513:", "HAPI-1516:", "HAPI-1519:"]


def test_a_field_of_any_type_is_checked_for_each() -> None:
    with pytest.raises(
        InvalidRules,
        match="HAPI-1517: MatchField birthday resourceType * has invalid path".replace("*", r"\*"),
    ):
        loaded(mdmTypes=["Patient", "Organization"], matchFields=field(resourceType="*"))


def test_a_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mdm-rules.json"
    path.write_text("{")
    with pytest.raises(InvalidRules, match=r"HAPI-2060: mdm-rules\.json: "):
        read_rules(path, knows)
    with pytest.raises(InvalidRules, match=r"HAPI-2060: absent\.json: "):
        read_rules(tmp_path / "absent.json", knows)
    path.write_bytes(orjson.dumps(rules()))
    assert read_rules(path, knows).version == "1"


@pytest.mark.parametrize(
    ("systems", "type", "found"),
    [
        ({"eidSystem": "urn:a"}, "Patient", ("urn:a",)),
        ({"eidSystems": {"*": "urn:a"}}, "Patient", ("urn:a",)),
        ({"eidSystems": {"Patient": "urn:a"}}, "Patient", ("urn:a",)),
        ({"eidSystems": {"Patient": ["urn:a", "urn:b"]}}, "Patient", ("urn:a", "urn:b")),
        ({"eidSystems": {"Patient": "urn:a"}}, "Practitioner", ()),
        ({"eidSystems": {"Patient": "urn:a"}, "eidSystem": "urn:old"}, "Patient", ("urn:a",)),
        ({}, "Patient", ()),
    ],
)
def test_a_type_has_these_EID_systems(systems: dict[str, Any], type: str, found: tuple[str, ...]) -> None:
    assert loaded(**systems).eid_systems_of(type) == found


def test_candidates_are_searched_for_by_type() -> None:
    found = loaded(
        candidateSearchParams=[
            {"resourceType": "Patient", "searchParams": ["given", "family"]},
            {"resourceType": "*", "searchParam": "identifier"},
            {"resourceType": "Practitioner", "searchParam": "active"},
        ],
        candidateFilterSearchParams=[
            {"resourceType": "Patient", "searchParam": "active", "qualifier": "NOT", "fixedValue": "false"},
            {"resourceType": "Practitioner", "searchParam": "active", "fixedValue": "true"},
        ],
    )
    assert [s.parameters for s in found.searches_of("Patient")] == [("given", "family"), ("identifier",)]
    assert [(f.parameter, f.value) for f in found.filters_of("Patient")] == [("active:not", "false")]


@pytest.mark.parametrize(
    ("matched", "result"),
    [
        ({"a"}, "MATCH"),
        ({"a", "b"}, "POSSIBLE_MATCH"),
        ({"a", "b", "d"}, "MATCH"),
        ({"c"}, "POSSIBLE_MATCH"),
        ({"a", "c"}, None),
        ({"a", "c", "d"}, "MATCH"),
        ({"d"}, None),
        (set(), None),
    ],
)
def test_exactly_these_fields_come_first_then_any_MATCH(matched: set[str], result: str | None) -> None:
    fields = [{**BIRTHDAY, "name": name} for name in "abcd"]
    results = {"c": "POSSIBLE_MATCH", "a": "MATCH", "a,b": "POSSIBLE_MATCH", "a, c": "NO_MATCH"}
    rule = loaded(matchFields=fields, matchResultMap=results).verdict(frozenset(matched))
    assert (rule.result if rule else None) == result
