"""Phonetic codes, held against those that HAPI made."""

from collections.abc import Mapping, Sequence

import pytest

from fhir_mpi.linkage.hapi.phonetics import CODES, phonetic_code
from tests.unit.linkage.hapi.answers import recorded

RECORDED = recorded("codes")
DIFFERENT: Mapping[tuple[str, str], Sequence[str]] = {
    # algorithm, text: ours, HAPI's. The library for Double Metaphone reads no letters beyond ASCII.
    ("DOUBLE_METAPHONE", "STRAßE"): ("STR", "STRS"),
    ("DOUBLE_METAPHONE", "ÑANDU"): ("NT", "NNT"),
    ("DOUBLE_METAPHONE", "ÇELIK"): ("LK", "SLK"),
}
"""The table of docs/reference/hapi-rules.md: these texts are only compared so where a field is exact."""


@pytest.mark.parametrize("algorithm", RECORDED["algorithms"])
def test_every_code_is_the_one_that_HAPI_made(algorithm: str) -> None:
    at = RECORDED["algorithms"].index(algorithm)
    ours = {text: phonetic_code(algorithm, text) for text in RECORDED["codes"]}
    theirs = {text: codes[at] for text, codes in RECORDED["codes"].items() if codes[at] is not None}
    different = {text: (ours[text], code) for text, code in theirs.items() if ours[text] != code}
    assert different == {text: found for (name, text), found in DIFFERENT.items() if name == algorithm}
    assert len(theirs) > 500


@pytest.mark.parametrize(
    ("algorithm", "one", "other", "same"),
    [
        ("CAVERPHONE1", "Gail", "Gael", True),
        ("CAVERPHONE1", "Gail", "Gale", False),
        ("CAVERPHONE2", "Gail", "Gale", True),
        ("COLOGNE", "Meyer", "Maier", True),
        ("DOUBLE_METAPHONE", "Allsop", "Allsob", True),
        ("DOUBLE_METAPHONE", "Smith", "Schmidt", False),
        ("MATCH_RATING_APPROACH", "Smith", "Smyth", False),
        ("MATCH_RATING_APPROACH", "Catherine", "Cathrine", True),
        ("METAPHONE", "Dury", "Durie", True),
        ("METAPHONE", "Allsop", "Allsob", False),
        ("NYSIIS", "Knight", "Night", True),
        ("REFINED_SOUNDEX", "Caren", "Karen", False),
        ("REFINED_SOUNDEX", "Brown", "Braun", True),
        ("SOUNDEX", "Jon", "John", True),
        ("SOUNDEX", "Jon", "Joan", True),
        ("SOUNDEX", "Jon", "Bob", False),
    ],
)
def test_names_sound_alike_or_not(algorithm: str, one: str, other: str, same: bool) -> None:
    assert (phonetic_code(algorithm, one) == phonetic_code(algorithm, other)) is same


@pytest.mark.parametrize("algorithm", ["SOUNDEX", "REFINED_SOUNDEX"])
def test_names_without_a_latin_letter_sound_like_themselves_where_HAPI_fails(algorithm: str) -> None:
    assert phonetic_code(algorithm, "Иван") != phonetic_code(algorithm, "Пётр")
    assert phonetic_code(algorithm, "Иван") == phonetic_code(algorithm, "иван")


@pytest.mark.parametrize("algorithm", CODES)
def test_a_text_without_letters_has_a_code_too(algorithm: str) -> None:
    assert isinstance(phonetic_code(algorithm, ""), str)
    assert phonetic_code(algorithm, "12 34") == "12 34"
