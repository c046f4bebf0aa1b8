"""What two records say of life and death, and of being in use."""

import pytest

from fhir_mpi.linkage.comparing_lives import LIFE_TESTS
from fhir_mpi.linkage.record import Record

ORDER = ("death-unsaid", "died-before-birth", "same-death", "other-death", "both-living-or-dead")


@pytest.mark.parametrize(
    ("left", "right", "level"),
    [
        ((), (), "death-unsaid"),
        (("true",), (), "death-unsaid"),
        (("true",), ("true",), "both-living-or-dead"),
        (("false",), ("false",), "both-living-or-dead"),
        (("2020-01-02",), ("true",), "both-living-or-dead"),
        (("2020-01-02",), ("2020-01-02",), "same-death"),
        (("2020-01-02",), ("2020",), "same-death"),
        (("2020-01-02",), ("2020-01-03",), "other-death"),
        (("2020-01-02",), ("false",), "else"),
        (("true",), ("false",), "else"),
    ],
)
def test_lives_are_compared(left: tuple[str, ...], right: tuple[str, ...], level: str) -> None:
    for a, b in ((left, right), (right, left)):
        one, other = Record("1", deceased=a), Record("2", deceased=b)
        assert next((name for name in ORDER if LIFE_TESTS[name](a, b, one, other)), "else") == level


@pytest.mark.parametrize(
    ("death", "birth", "before"),
    [
        ("1980-05-01", "1985-02-03", True),
        ("1985", "1985-02-03", False),
        ("1984", "1985-02-03", True),
        ("1985-02-03", "1985", False),
        ("true", "1985", False),
    ],
)
def test_nobody_dies_before_birth(death: str, birth: str, before: bool) -> None:
    dead, born = Record("1", deceased=(death,)), Record("2", birth_date=(birth,))
    assert LIFE_TESTS["died-before-birth"](dead.deceased, (), dead, born) is before
    assert LIFE_TESTS["died-before-birth"]((), dead.deceased, born, dead) is before
    assert LIFE_TESTS["death-unsaid"](dead.deceased, (), dead, born) is not before


def test_a_record_out_of_use_is_seen_from_either_side() -> None:
    used, retired = Record("1"), Record("2", inactive=("true",))
    assert LIFE_TESTS["both-in-use"]((), (), used, used)
    assert not LIFE_TESTS["both-in-use"]((), retired.inactive, used, retired)
