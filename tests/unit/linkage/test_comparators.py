"""Comparators as tables: which pairs reach a level, and which don't."""

import pytest

from fhir_mpi.linkage.comparators import COMPARATORS
from fhir_mpi.linkage.record import Record, Values

A, B = Record("a"), Record("b")


@pytest.mark.parametrize(
    ("comparator", "threshold", "left", "right", "agrees"),
    [
        ("missing", 0, (), ("x",), True),
        ("missing", 0, ("x",), ("y",), False),
        ("exact", 0, ("x", "y"), ("z", "y"), True),
        ("exact", 0, ("x",), ("y",), False),
        ("else", 0, ("x",), ("y",), True),
        ("jaro-winkler", 0.92, ("johnson",), ("jonson",), True),
        ("jaro-winkler", 0.92, ("johnson",), ("jackson",), False),
        ("edits", 1, ("3448455689",), ("3448455698",), True),
        ("edits", 1, ("3448455689",), ("3448450000",), False),
        ("prefix", 3, ("18503",), ("18599",), True),
        ("prefix", 3, ("18503",), ("17503",), False),
        ("sounds-alike", 0, ("allsop",), ("allsob",), True),
        ("sounds-alike", 0, ("allsop",), ("doe",), False),
        ("nickname", 0, ("william",), ("bill",), True),
        ("nickname", 0, ("bill",), ("bob",), False),
        ("initial", 0, ("j",), ("jane",), True),
        ("initial", 0, ("k",), ("jane",), False),
        ("initial", 0, ("jill",), ("jane",), False),
        ("partial-date", 0, ("1980",), ("1980-02-03",), True),
        ("partial-date", 0, ("1980-02",), ("1980-03-03",), False),
        ("date-edits", 1, ("1980-02-03",), ("1981-02-03",), True),
        ("date-edits", 1, ("1980-02-03",), ("1991-02-03",), False),
        ("date-edits", 1, ("1980",), ("1981",), False),
        ("day-month-swapped", 0, ("1980-02-03",), ("1980-03-02",), True),
        ("day-month-swapped", 0, ("1980-02-03",), ("1981-03-02",), False),
        ("first-of-january", 0, ("1980-01-01",), ("1980-09-17",), True),
        ("first-of-january", 0, ("1980-02-01",), ("1980-09-17",), False),
        ("same-words", 0, ("general hospital",), ("hospital general",), True),
        ("same-words", 0, ("general hospital",), ("general clinic",), False),
        ("words-within", 0, ("ashton general hospital",), ("general hospital",), True),
        ("words-within", 0, ("general hospital",), ("hospital",), False),
        ("incomparable-identifiers", 0, ("a|1",), ("b|1",), True),
        ("incomparable-identifiers", 0, ("a|1",), ("a|2",), False),
        ("incomparable-identifiers", 0, ("type:MR|1",), ("type:MR|2",), True),
        ("incomparable-identifiers", 0, ("type:MR|1",), ("type:MR|1",), False),
        ("incomparable-identifiers", 0, (), ("a|1",), True),
        ("identifier", 0, ("a|1", "b|2"), ("a|1", "c|3"), True),
        ("identifier", 0, ("a|1", "b|22"), ("a|1", "b|33"), False),
        ("identifier", 0, ("type:MR|1",), ("type:MR|1",), False),
        ("identifier-mixed", 0, ("a|1", "b|22"), ("a|1", "b|33"), True),
        ("identifier-mixed", 0, ("a|11",), ("a|12",), False),
        ("identifier-edit", 0, ("a|12345",), ("a|13245",), True),
        ("identifier-edit", 0, ("a|12345",), ("a|123455",), True),
        ("identifier-edit", 0, ("a|12345",), ("a|12346",), False),
        ("identifier-edit", 0, ("a|1234",), ("a|2134",), False),
        ("identifier-near", 0, ("a|12345",), ("a|12346",), True),
        ("identifier-near", 0, ("a|12345",), ("a|12399",), False),
        ("identifier-edit", 0, ("a|1234",), ("a|9999",), False),
        ("identifier-edit", 0, ("type:MR|12",), ("type:MR|13",), False),
        ("identifier-type", 0, ("type:MR|12",), ("type:MR|12",), True),
        ("identifier-type", 0, ("type:MR|12", "a|11"), ("type:MR|12", "a|99"), False),
    ],
)
def test_two_sides_agree_or_not(
    comparator: str, threshold: float, left: Values, right: Values, agrees: bool
) -> None:
    test = COMPARATORS[comparator](threshold)
    assert test(left, right, A, B) is agrees
    assert test(right, left, B, A) is agrees


@pytest.mark.parametrize(
    ("comparator", "left", "right", "agrees"),
    [
        ("swapped", Record("a", ("doe",), (), ("jane",)), Record("b", ("jane",), (), ("doe",)), True),
        ("swapped", Record("a", ("doe",), (), ("bob",)), Record("b", ("robert",), (), ("doe",)), True),
        ("swapped", Record("a", ("johnson",), (), ("jane",)), Record("b", ("jane",), (), ("jonson",)), True),
        ("swapped", Record("a", ("doe",), (), ("jane",)), Record("b", ("jane",), (), ("roe",)), False),
        ("family-part", Record("a", ("smith",)), Record("b", ("smithjones",), ("smith", "jones")), True),
        ("family-part", Record("a", ("smith",)), Record("b", ("jones",)), False),
        ("family-part", Record("a", ("smith",)), Record("b", ("doeroe",), ("doe", "roe")), False),
        (
            "other-given",
            Record("a", given=("ann",)),
            Record("b", given=("mary",), other_given=("ann",)),
            True,
        ),
        ("other-given", Record("a", given=("a",)), Record("b", given=("mary",), other_given=("a",)), False),
    ],
)
def test_what_crosses_features_agrees_or_not(
    comparator: str, left: Record, right: Record, agrees: bool
) -> None:
    test = COMPARATORS[comparator](0)
    feature = "given" if comparator == "other-given" else "family"
    a, b = getattr(left, feature), getattr(right, feature)
    assert test(a, b, left, right) is agrees
    assert test(b, a, right, left) is agrees
