"""Similarities, held against those that HAPI reckoned."""

from math import isclose

import pytest

from fhir_mpi.linkage.hapi.similarities import SIMILARITIES
from fhir_mpi.linkage.hapi.texts import folded
from tests.unit.linkage.hapi.answers import recorded

RECORDED = recorded("similarities")


@pytest.mark.parametrize("algorithm", RECORDED["algorithms"])
def test_every_value_is_the_one_that_HAPI_reckoned(algorithm: str) -> None:
    at, similar = RECORDED["algorithms"].index(algorithm), SIMILARITIES[algorithm]
    for left, right, exact, values in RECORDED["pairs"]:
        a, b = (left, right) if exact else (folded(left), folded(right))
        expected = 0.0 if values[at] is None else values[at]
        assert isclose(similar(a, b), expected, abs_tol=1e-15), (left, right, exact)


def test_there_are_the_ten_of_HAPI() -> None:
    assert len(SIMILARITIES) == 10
    assert set(SIMILARITIES) == set(RECORDED["algorithms"])


@pytest.mark.parametrize(
    ("algorithm", "left", "right", "value"),
    [
        ("JARO_WINKLER", "MARTHA", "MARHTA", 0.961111),
        ("JARO_WINKLER", "A", "B", 0.0),
        ("JARO_WINKLER", "", "", 1.0),
        ("COSINE", "ABCE", "ABCDE", 0.408248),
        ("COSINE", "AB", "ABC", 0.0),
        ("COSINE", "ABC", "XYZ", 0.0),
        ("JACCARD", "ABCE", "ABCDE", 0.25),
        ("JACCARD", "AB", "AC", 0.0),
        ("LEVENSCHTEIN", "SMITH", "SMYTHE", 0.666667),
        ("LEVENSCHTEIN", "", "A", 0.0),
        ("SORENSEN_DICE", "ABCE", "ABCDE", 0.4),
        ("SORENSEN_DICE", "AB", "AC", 0.0),
        ("NUMERIC_LEVENSCHTEIN", "(519) 555-0100", "519 555 0101", 0.9),
        ("NUMERIC_COSINE", "none", "nothing", 1.0),
    ],
)
def test_two_texts_are_so_alike(algorithm: str, left: str, right: str, value: float) -> None:
    assert SIMILARITIES[algorithm](left, right) == pytest.approx(value, abs=1e-6)
    assert SIMILARITIES[algorithm](right, left) == pytest.approx(value, abs=1e-6)
