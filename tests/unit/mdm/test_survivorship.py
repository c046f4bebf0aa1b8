"""Which source's element survives, by each rule."""

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from fhir_mpi.mdm.golden import ORIGIN, Making, given_by_hand, golden_resource, redirected
from fhir_mpi.mdm.rules import InvalidRules, MdmRules, read_rules, rules_of
from fhir_mpi.mdm.survivorship import DEFAULT_RULES, Member, Origin, survived
from fhir_mpi.mdm.tags import is_blocked, is_golden, is_managed, is_redirected

START = datetime(2026, 1, 1, tzinfo=UTC)


def member(id: str, day: int, *, linked: int | None = None, trust: float = 0, **elements: Any) -> Member:
    resource = {"resourceType": "Patient", "id": id, **elements}
    first = day if linked is None else linked
    return Member(id, resource, START + timedelta(days=day), START + timedelta(days=first), trust)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (("most-recent",), "1990"),
        (("most-trusted",), "1980-01-01"),
        (("most-frequent",), "1985"),
        (("longest",), "1980-01-01"),
        (("keep",), "1985"),
        (("most-trusted", "most-recent"), "1980-01-01"),
        (("drop",), None),
        (("union",), "1990"),
    ],
)
def test_each_rule_leaves_its_value(rules: tuple[str, ...], expected: str | None) -> None:
    members = [
        member("a", 1, birthDate="1985"),
        member("b", 2, birthDate="1985"),
        member("c", 3, birthDate="1980-01-01", trust=9),
        member("d", 4, birthDate="1990"),
    ]
    for order in permutations(members):
        elements, _ = survived({"birthDate": rules}, order)
        assert elements.get("birthDate") == expected


def test_lists_are_united_and_each_value_is_there_once() -> None:
    one, two = {"system": "phone", "value": "1"}, {"value": "2"}
    members = [member("a", 1, telecom=[one]), member("b", 2, telecom=[two, one])]
    elements, origins = survived(DEFAULT_RULES, members)
    assert elements == {"telecom": [two, one]}
    assert origins == [Origin("telecom", ("a", "b"), "union")]


def test_an_element_with_a_choice_of_types_is_one_element_and_goes_with_what_json_has_beside_it() -> None:
    beside = {"extension": [{"url": "urn:x", "valueString": "y"}]}
    members = [
        member("a", 1, deceasedBoolean=True, birthDate="1980", _birthDate=beside),
        member("b", 2, deceasedDateTime="2020", birthDate="1980"),
    ]
    elements, _ = survived({"*": ("most-recent",)}, members)
    assert elements == {"deceasedDateTime": "2020", "birthDate": "1980"}
    elements, _ = survived({"*": ("keep",)}, members)
    assert elements == {"deceasedBoolean": True, "birthDate": "1980", "_birthDate": beside}


def test_what_points_into_its_own_resource_does_not_survive() -> None:
    inside = [{"reference": "#p"}]
    known = member(
        "a", 1, generalPractitioner=inside, contained=[{"resourceType": "Practitioner", "id": "p"}]
    )
    assert survived(DEFAULT_RULES, [known])[0] == {}


def test_equal_sources_are_all_the_origin() -> None:
    members = [member("a", 1, gender="male"), member("b", 2, gender="male"), member("c", 3, gender="female")]
    assert survived(DEFAULT_RULES, members)[1] == [Origin("gender", ("a", "b"), "most-frequent")]


MAKING = Making(rules_of({"eidSystems": {"*": "urn:eid"}}), lambda: "made")


def test_a_golden_record_is_made_of_its_sources_alone() -> None:
    members = [member("a", 1, gender="male", link=[{}], text={}), member("b", 2, birthDate="1980")]
    golden = golden_resource(MAKING, "Patient", members, None)
    assert is_golden(golden)
    assert (golden["active"], golden["gender"], golden["birthDate"]) == (True, "male", "1980")
    assert "link" not in golden
    assert "text" not in golden
    assert [i["value"] for i in golden["identifier"]] == ["made"]
    assert golden_resource(MAKING, "Patient", members[::-1], golden) == golden
    told = {e["extension"][0]["valueString"] for e in golden["extension"] if e["url"] == ORIGIN}
    assert told == {"gender", "birthDate"}


def test_what_a_person_gave_stays_whatever_the_sources_say() -> None:
    before = golden_resource(MAKING, "Patient", [member("a", 1, gender="male")], None)
    given = given_by_hand(
        before, {"resourceType": "Patient", "gender": "other", "identifier": [{"value": "x"}]}
    )
    assert (given["gender"], given["identifier"]) == ("other", before["identifier"])
    after = golden_resource(MAKING, "Patient", [member("a", 2, gender="female", birthDate="1980")], given)
    assert (after["gender"], after["birthDate"]) == ("other", "1980")
    assert golden_resource(MAKING, "Patient", [member("b", 3)], after)["gender"] == "other"


def test_a_plugin_has_the_last_word() -> None:
    making = Making(MdmRules(), lambda: "made", lambda type, sources, golden: {**golden, "gender": "unknown"})
    assert golden_resource(making, "Patient", [member("a", 1, gender="male")], None)["gender"] == "unknown"


def test_what_was_merged_says_so() -> None:
    golden = golden_resource(MAKING, "Patient", [member("a", 1)], None, blocked=True)
    assert is_blocked(golden)
    retired = redirected(golden)
    assert is_managed(retired)
    assert is_redirected(retired)
    assert not is_golden(retired)


def test_a_site_names_rules_for_some_elements_or_for_all() -> None:
    rules = rules_of({"survivorship": {"Patient": {"gender": "longest"}, "Organization": {"*": "keep"}}})
    assert rules.survivorship_of("Patient") == {**DEFAULT_RULES, "gender": ("longest",)}
    assert rules.survivorship_of("Organization") == {"text": ("drop",), "link": ("drop",), "*": ("keep",)}


def test_a_record_is_known_by_its_source_its_organization_or_its_identifiers() -> None:
    rules = rules_of(
        {
            "sources": [
                {"name": "a", "trust": 1, "identifierSystems": ["urn:a"]},
                {"name": "b", "trust": 2, "organizations": ["Organization/b"]},
                {"name": "c", "trust": 3, "uris": ["urn:c"]},
            ]
        }
    )
    known = {"identifier": [{"system": "urn:a"}]}
    assert rules.trust_of({"resourceType": "Patient", **known}) == 1
    known["managingOrganization"] = {"reference": "Organization/b"}  # type: ignore[assignment]
    assert rules.trust_of({"resourceType": "Patient", **known}) == 2
    assert rules.trust_of({"resourceType": "Patient", **known, "meta": {"source": "urn:c#1"}}) == 3
    assert rules.trust_of({"resourceType": "Patient"}) == 0


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        (["{"], "can't be read as JSON"),
        (['{"survivorship": {"Patient": {"name": "newest"}}}'], "survivorship.Patient.name"),
        (['{"unknown": 1}'], "unknown"),
        (['{"blocklist": []}', '{"blocklist": []}'], "blocklist stands in another document"),
        (
            ['{"blocklist": [{"resourceType": "Patient", "fields": [{"fhirPath": "a.b(", "value": "x"}]}]}'],
            "blocklist",
        ),
    ],
)
def test_rules_that_cannot_be_used_are_refused(tmp_path: Path, documents: list[str], said: str) -> None:
    paths = [tmp_path / f"{n}.json" for n in range(len(documents))]
    for path, document in zip(paths, documents, strict=True):
        path.write_text(document)
    with pytest.raises(InvalidRules, match=said):
        read_rules(paths)


def test_rules_may_stand_in_several_files(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"eidSystems": {"Patient": "urn:eid"}}))
    (tmp_path / "b.json").write_text(json.dumps({"blocklist": []}))
    rules = read_rules([tmp_path / "a.json", tmp_path / "b.json"])
    assert rules.eids.systems == {"Patient": ("urn:eid",)}
