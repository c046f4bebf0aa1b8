"""What each matcher says of two values, in HAPI's words."""

from typing import Any

import pytest

from fhir_mpi.linkage.hapi.columns import Column, read, values_of
from fhir_mpi.linkage.hapi.judging import MATCHERS, Judge, matcher, similarity

JUST_EXACT = {"exact": True}
MRN = {"system": "urn:mrn"}
AGE = {"url": "urn:age", "valueInteger": 7}
JOB = {"url": "urn:job", "valueString": "baker"}


def named(family: str, *given: str) -> dict[str, Any]:
    return {"family": family, "given": [*given]}


def identified(system: str, value: str) -> dict[str, Any]:
    return {"system": system, "value": value}


def agreement(judge: Judge, path: str, left: Any, right: Any) -> float:
    column = Column("Patient", path, judge.reading)

    def prepared(values: Any) -> Any:
        patient = {"resourceType": "Patient", path: values} if values is not None else {}
        (text,) = read([column], {"resourceType": "Patient", **patient})
        return judge.prepare(values_of(text))

    return judge.agreement(prepared(left), prepared(right))


@pytest.mark.parametrize(
    ("algorithm", "options", "path", "left", "right", "matches"),
    [
        ("STRING", {}, "family", "José", "JOSE", True),
        ("STRING", JUST_EXACT, "family", "José", "JOSE", False),
        ("STRING", {}, "active", True, True, True),
        ("STRING", {}, "family", ["a", "b"], ["c", "B"], True),
        ("STRING", {}, "family", None, None, False),
        ("STRING", {}, "family", None, "a", False),
        ("STRING", {}, "name", {"family": "a"}, {"family": "a"}, False),
        ("SUBSTRING", {}, "given", "Bill", "Billy", True),
        ("SUBSTRING", {}, "given", "Egbert", "Bert", False),
        ("SUBSTRING", JUST_EXACT, "given", "bill", "Billy", False),
        ("NICKNAME", {}, "given", "Ken", "Kenneth", True),
        ("NICKNAME", {}, "given", "Kenny", "Ken", True),
        ("NICKNAME", {}, "given", "Ken", "Bob", False),
        ("NICKNAME", {}, "given", "Zzz", "ZZZ", True),
        ("DATE", {}, "birthDate", "2019-08-01", "2019-08-01", True),
        ("DATE", {}, "birthDate", "2019-08-01", "2019-08", True),
        ("DATE", {}, "birthDate", "2019-08-01", "2019", True),
        ("DATE", {}, "birthDate", "2019-08-01", "2019-09", False),
        ("DATE", {}, "deceasedDateTime", "2019-08-01T10:00:00Z", "2019-08-01", True),
        ("DATE", {}, "deceasedDateTime", "2019-08-01T10:00:00.5Z", "2019-08-01T10:00:00Z", True),
        ("DATE", {}, "deceasedDateTime", "2019-08-01T10:00:00+01:00", "2019-08-01T10:00:00Z", False),
        ("DATE", {}, "birthDate", "yesterday", "yesterday", False),
        ("NUMERIC", {}, "phone", "(519) 555-0100", "519.555.0100", True),
        ("NUMERIC", {}, "phone", "519 555 0100", "519 555 0101", False),
        ("NUMERIC", {}, "phone", "none", "unknown", True),
        ("NAME_ANY_ORDER", {}, "name", [named("A", "B")], [named("b", "a")], True),
        ("NAME_ANY_ORDER", {}, "name", [named("A", "B")], [named("A", "C")], False),
        (
            "NAME_ANY_ORDER",
            JUST_EXACT,
            "name",
            [named("A", "B")],
            [named("b", "a")],
            False,
        ),
        (
            "NAME_FIRST_AND_LAST",
            {},
            "name",
            [{"family": "A", "given": ["B", "C"]}],
            [named("a", "c")],
            True,
        ),
        (
            "NAME_FIRST_AND_LAST",
            {},
            "name",
            [named("A", "B")],
            [named("B", "A")],
            False,
        ),
        ("NAME_FIRST_AND_LAST", {}, "name", [{"family": "A"}], [{"family": "A"}], False),
        ("IDENTIFIER", {}, "identifier", [identified("urn:a", "1")], [identified("urn:a", "1")], True),
        ("IDENTIFIER", {}, "identifier", [identified("urn:a", "1")], [identified("urn:b", "1")], False),
        ("IDENTIFIER", {}, "identifier", [{"value": "1"}], [{"value": "1"}], True),
        ("IDENTIFIER", {}, "identifier", [{"system": "urn:a"}], [{"system": "urn:a"}], False),
        ("IDENTIFIER", MRN, "identifier", [identified("urn:a", "1")], [identified("urn:a", "1")], False),
        (
            "IDENTIFIER",
            MRN,
            "identifier",
            [identified("urn:mrn", "1")],
            [identified("urn:a", "2"), identified("urn:mrn", "1")],
            True,
        ),
        ("EMPTY_FIELD", {}, "telecom", None, None, True),
        ("EMPTY_FIELD", {}, "telecom", None, [{"value": "1"}], False),
        ("EMPTY_FIELD", {}, "telecom", [{"value": "1"}], [{"value": "1"}], False),
        ("EXTENSION_ANY_ORDER", {}, "name", [{"extension": [JOB]}], [{"extension": [AGE, JOB]}], True),
        (
            "EXTENSION_ANY_ORDER",
            {},
            "name",
            [{"extension": [JOB]}],
            [{"extension": [{"url": "urn:job", "valueString": "cook"}]}],
            False,
        ),
        ("SOUNDEX", {}, "given", "Jon", ["Peter", "John"], True),
        ("SOUNDEX", {}, "given", "Jon", "Peter", False),
    ],
)
def test_two_sides_match_or_not(
    algorithm: str, options: dict[str, Any], path: str, left: Any, right: Any, matches: bool
) -> None:
    judge = matcher(algorithm, **options)
    assert agreement(judge, path, left, right) == float(matches)
    assert agreement(judge, path, right, left) == float(matches)


def test_there_are_the_nineteen_matchers_of_HAPI() -> None:
    assert len(MATCHERS) == 19
    assert all(isinstance(matcher(name), Judge) for name in MATCHERS)


def test_the_best_pair_of_values_counts() -> None:
    judge = similarity("LEVENSCHTEIN")
    assert agreement(judge, "given", ["Ann", "Eve"], ["Eva", "Bob"]) == pytest.approx(2 / 3)
    assert agreement(judge, "given", ["Ann"], None) == 0


def test_a_similarity_may_look_at_case_and_diacritics() -> None:
    assert agreement(similarity("LEVENSCHTEIN", exact=True), "given", "ÉVE", "eve") == 0
    assert agreement(similarity("LEVENSCHTEIN"), "given", "ÉVE", "eve") == 1
