"""Names of many countries: how far two spellings of one name agree, and that each finds the other."""

import unicodedata

import pytest

from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.blocking import probe_keys, stored_keys
from fhir_mpi.linkage.fellegi_sunter import compiled
from fhir_mpi.linkage.model import default_model
from fhir_mpi.linkage.record import record_of
from fhir_mpi.linkage.romanisation import consonants, romanised, same_consonants, same_in_latin

MODEL = default_model("Patient")
COMPARES = {c.name: compiled(c, MODEL) for c in MODEL.comparisons}


def _levels(left: Json, right: Json) -> tuple[str, str]:
    a, b = (record_of({"resourceType": "Patient", "name": [name]}, "x") for name in (left, right))
    return COMPARES["given"](a, b).level, COMPARES["family"](a, b).level


@pytest.mark.parametrize(
    ("left", "right", "levels"),
    [
        # Spanish and Portuguese: two family names, of which either may be dropped
        (
            {"family": "García López", "given": ["Ana"]},
            {"family": "García", "given": ["Ana"]},
            ("exact", "part"),
        ),
        ({"family": "García López"}, {"family": "Garcia-Lopez"}, ("missing", "exact")),
        ({"family": "da Silva Santos"}, {"family": "Santos"}, ("missing", "part")),
        ({"family": "Ruiz", "given": ["Pepe"]}, {"family": "Ruiz", "given": ["José"]}, ("nickname", "exact")),
        # German umlauts: as they stand, in two letters, without dots
        (
            {"family": "Müller", "given": ["Jörg"]},
            {"family": "Mueller", "given": ["Joerg"]},
            ("exact", "exact"),
        ),
        (
            {"family": "Müller", "given": ["Jörg"]},
            {"family": "Muller", "given": ["Jorg"]},
            ("exact", "exact"),
        ),
        ({"family": "Groß"}, {"family": "GROSS"}, ("missing", "exact")),
        ({"family": "Ågård"}, {"family": "Aagaard"}, ("missing", "exact")),
        # Icelandic patronymics: brother and sister have different ones
        (
            {"family": "Jónsdóttir", "given": ["Þóra"]},
            {"family": "Jonsdottir", "given": ["Thora"]},
            ("exact", "exact"),
        ),
        # Arabic, in two scripts
        (
            {"family": "الأحمد", "given": ["محمد"]},
            {"family": "Al-Ahmad", "given": ["Mohamed"]},
            ("same consonants", "same consonants"),
        ),
        (
            {"family": "حسين", "given": ["فاطمة"]},
            {"family": "Hussein", "given": ["Fatima"]},
            ("same consonants", "same consonants"),
        ),
        ({"family": "الأحمد"}, {"family": "احمد"}, ("missing", "part")),
        # Chinese, in two scripts, and the given name in one word or two
        (
            {"family": "王", "given": ["小龙"]},
            {"family": "Wang", "given": ["Xiaolong"]},
            ("transliterated", "transliterated"),
        ),
        ({"family": "陈"}, {"family": "Chan"}, ("missing", "transliterated")),
        (
            {"family": "Li", "given": ["Xiao Long"]},
            {"family": "Li", "given": ["Xiaolong"]},
            ("rearranged", "exact"),
        ),
        ({"text": "王小龙"}, {"family": "王", "given": ["小龙"]}, ("exact", "exact")),
        ({"family": "王", "given": ["伟"]}, {"family": "王", "given": ["芳"]}, ("else", "exact")),
        # Korean, Japanese, Cyrillic, Greek
        (
            {"family": "김", "given": ["민준"]},
            {"family": "Kim", "given": ["Min-jun"]},
            ("transliterated", "transliterated"),
        ),
        (
            {"family": "タナカ", "given": ["ユキ"]},
            {"family": "Tanaka", "given": ["Yuki"]},
            ("transliterated", "transliterated"),
        ),
        ({"family": "タナカ"}, {"family": "たなか"}, ("missing", "transliterated")),
        (
            {"family": "Щербаков", "given": ["Юрий"]},
            {"family": "Shcherbakov", "given": ["Yuriy"]},
            ("transliterated", "transliterated"),
        ),
        (
            {"family": "Иванов", "given": ["Саша"]},
            {"family": "Иванов", "given": ["Александр"]},
            ("nickname", "exact"),
        ),
        ({"family": "Παπαδάκης"}, {"family": "Papadakis"}, ("missing", "transliterated")),
        # Vietnamese: the family name first, the called name last
        ({"text": "Nguyễn Văn An"}, {"family": "Nguyen", "given": ["Van", "An"]}, ("rearranged", "exact")),
        (
            {"family": "An", "given": ["Nguyen", "Van"]},
            {"family": "Nguyen", "given": ["Van", "An"]},
            ("swapped", "swapped"),
        ),
        # Indian names of one word
        (
            {"family": "Suresh", "given": ["FNU"]},
            {"family": "LNU", "given": ["Suresh"]},
            ("exact", "missing"),
        ),
        ({"given": ["सुरेश"]}, {"given": ["Sures"]}, ("transliterated", "missing")),
    ],
)
def test_two_spellings_of_a_name_agree_so_far(left: Json, right: Json, levels: tuple[str, str]) -> None:
    assert _levels(left, right) == levels
    assert _levels(right, left) == levels


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (("王", "小龙"), ("Wang", "Xiaolong")),
        (("김", "민준"), ("Kim", "Minjun")),
        (("Щербаков", "Юрий"), ("Shcherbakov", "Yuri")),
        (("الأحمد", "محمد"), ("Al-Ahmad", "Muhammad")),
        (("احمد", "يوسف"), ("Ahmad", "Yousef")),
        (("タナカ", "ユキ"), ("Tanaka", "Yuki")),
        (("Müller", "Jörg"), ("Mueller", "Joerg")),
    ],
)
def test_a_name_in_one_script_is_found_by_the_other(left: tuple[str, str], right: tuple[str, str]) -> None:
    a, b = (
        record_of(
            {"resourceType": "Patient", "birthDate": "1980-02-03", "name": [{"family": f, "given": [g]}]}, "x"
        )
        for f, g in (left, right)
    )
    assert probe_keys(MODEL, a) & stored_keys(MODEL, b)
    assert probe_keys(MODEL, b) & stored_keys(MODEL, a)


@pytest.mark.parametrize(
    "text", ["Núñez", "Åse Ødegård", "Nguyễn Thị Hương", "가나다", "ガガ", "Jürgen Groß", "محمّد"]
)
def test_composed_and_decomposed_letters_are_one(text: str) -> None:
    composed, decomposed = (
        record_of(
            {
                "resourceType": "Patient",
                "name": [{"family": unicodedata.normalize(form, text), "given": [text]}],
            }
        )
        for form in ("NFC", "NFD")
    )
    assert composed == decomposed


@pytest.mark.parametrize("hidden", ["\u200d", "\u202e", "\u00ad", "\ufeff"])
def test_marks_of_format_are_no_part_of_a_name(hidden: str) -> None:
    said = {"resourceType": "Patient", "name": [{"family": f"Tho{hidden}rnbury", "given": [f"Ja{hidden}ne"]}]}
    assert record_of(said).family == ("thornbury",)
    assert record_of(said).given == ("jane",)


def test_letters_that_look_alike_are_taken_for_one_another() -> None:
    assert _levels({"family": "Th\u043ernbury"}, {"family": "Thornbury"}) == ("missing", "transliterated")


def test_a_flood_of_marks_is_a_name_like_any_other() -> None:
    flood = "a" + 200_000 * "\u0301\u0323"
    assert record_of({"resourceType": "Patient", "name": [{"family": flood}]}).family == ("a",)


@pytest.mark.parametrize(
    ("x", "y", "latin", "sounds"),
    [
        ("doe", "doe", False, False),
        ("мария", "мария", True, False),
        ("мария", "марина", False, False),  # of one script: one letter apart is another name
        ("мария", "mariya", True, False),
        ("محمد", "mohammed", False, True),
        ("محمد", "ahmad", False, False),
        ("علي", "ali", False, False),  # one consonant proves nothing
        ("محمد", "محمد", False, False),
    ],
)
def test_scripts_are_compared_in_latin_or_by_consonants(x: str, y: str, latin: bool, sounds: bool) -> None:
    assert same_in_latin(x, y) is latin
    assert same_consonants(x, y) is sounds


def test_what_has_no_latin_spelling_stays_as_it_is() -> None:
    assert romanised("\u0301") == ("\u0301",)
    assert consonants("aha") == "h"
