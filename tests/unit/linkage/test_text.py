"""Folding: what two registration desks write differently and mean alike."""

import pytest

from fhir_mpi.linkage.text import joined, words


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Mary-Ann ", ["mary", "ann"]),
        ("O'Brien", ["obrien"]),
        ("O\u2019Brien", ["obrien"]),
        ("Núñez", ["nunez"]),
        ("Müller", ["muller"]),
        ("STRASSE", ["strasse"]),
        ("Straße", ["strasse"]),
        ("Søren Łukasz", ["soren", "lukasz"]),
        ("王小明", ["王小明"]),
        ("محمّد", ["محمد"]),
        ("أحمد", ["احمد"]),
        ("ガガ", ["ガガ"]),
        ("한국", ["한국"]),
        ("कि", ["कि"]),
        ("", []),
        ("'-- .", []),
        ("a\x1fb\x1ec\x00d", ["a", "b", "c", "d"]),
        ("é\x1fb", ["e", "b"]),
    ],
)
def test_words_are_folded(text: str, folded: list[str]) -> None:
    assert words(text) == folded


def test_voiced_kana_stay_apart_from_plain_ones() -> None:
    assert words("ガ") != words("カ")


def test_joined_has_no_spaces() -> None:
    assert joined("van der Berg") == "vanderberg"
