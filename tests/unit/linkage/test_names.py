"""HumanName: compound names, generations, placeholders, whole-text names."""

import pytest

from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.names import PersonName, person_names
from fhir_mpi.linkage.nicknames import nickname_neighbours
from fhir_mpi.linkage.organization_names import organization_name
from fhir_mpi.linkage.phonetics import phonetic_code, phonetic_codes
from fhir_mpi.linkage.placeholders import is_placeholder_name


def _only(name: Json) -> PersonName:
    [found] = person_names([name])
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ({"family": "Doe", "given": ["Jane", "Q."]}, PersonName("doe", (), "jane", ("q",))),
        ({"family": "van der Berg"}, PersonName("vanderberg", ("berg",))),
        ({"family": "Smith-Jones"}, PersonName("smithjones", ("smith", "jones"))),
        ({"family": "Doe Jr."}, PersonName("doe", generation="2")),
        ({"family": "Doe", "suffix": ["M.D.", "III"]}, PersonName("doe", generation="3")),
        ({"family": "Junior"}, PersonName("junior")),
        ({"given": ["Mary Ann"]}, PersonName(given="mary", other_given=("ann",))),
        ({"given": ["Jean-Pierre"]}, PersonName(given="jeanpierre", other_given=("jean", "pierre"))),
        ({"family": "Doe", "given": ["Baby", "Boy"]}, PersonName("doe")),
        ({"family": "Doe", "given": ["BabyGirl A"]}, PersonName("doe")),
        ({"family": "UNKNOWN", "given": ["Unknown", "Jane"]}, PersonName(given="jane")),
        ({"text": "Jane Q Doe"}, PersonName("doe", (), "jane", ("q",))),
        ({"text": "Doe, Jane"}, PersonName("doe", (), "jane")),
        ({"text": "Mr. John Doe Sr"}, PersonName("doe", (), "john", (), "1")),
        ({"text": "王小明"}, PersonName("王", (), "小明")),
        ({"text": "欧阳小明"}, PersonName("欧阳", (), "小明")),
        ({"text": "田中 太郎"}, PersonName("田中", (), "太郎")),
        ({"text": "김민준"}, PersonName("김", (), "민준")),
        ({"text": "Nguyễn Văn An"}, PersonName("nguyen", (), "an", ("van",))),
        ({"text": "Frau Dr. Erika Muster"}, PersonName("muster", (), "erika")),
        ({"text": ""}, PersonName()),
        ({"family": "Doe MD", "given": ["Jane"]}, PersonName("doe", (), "jane")),
        ({"family": "Suresh", "given": ["FNU"]}, PersonName(given="suresh")),
        ({"family": "LNU", "given": ["Suresh"]}, PersonName(given="suresh")),
        ({"family": "الأحمد", "given": ["محمد"]}, PersonName("الاحمد", ("احمد",), "محمد")),
        (
            {"family": "Müller", "given": ["Jörg"]},
            PersonName("muller", (), "jorg", family_spelling="mueller", given_spelling="joerg"),
        ),
        ({"family": "Núñez", "given": ["José"]}, PersonName("nunez", (), "jose")),
        ({"family": None, "given": [None, "Jane"]}, PersonName(given="jane")),
    ],
)
def test_a_human_name_is_taken_apart(name: Json, expected: PersonName) -> None:
    assert _only(name) == expected


def test_an_anonymous_name_is_no_name() -> None:
    assert list(person_names([{"use": "anonymous", "family": "Doe"}])) == []


@pytest.mark.parametrize(
    "name",
    [
        *("babyboy", "newborn", "girla", "unknown", "test", "xxx", "twinb", "babytwin1"),
        *("unbekannt", "desconocido", "reciennacido", "inconnue", "nouveaune", "onbekend", "nieznany"),
        *("неизвестно", "مجهول", "未知", "不明", "미상", "fnu", "nosurname"),
    ],
)
def test_placeholders_are_known(name: str) -> None:
    assert is_placeholder_name(name)


@pytest.mark.parametrize("name", ["doe", "nana", "boyd", "babylon", "testa", "newborough", "nan", "max"])
def test_real_names_are_no_placeholders(name: str) -> None:
    assert not is_placeholder_name(name)


def test_nicknames_go_both_ways() -> None:
    assert "bob" in nickname_neighbours("robert")
    assert "robert" in nickname_neighbours("bob")
    assert "robert" not in nickname_neighbours("robert")
    assert nickname_neighbours("xyzzy") == frozenset()


def test_a_name_without_a_sound_code_is_its_own_code() -> None:
    assert phonetic_codes("1") == ("1",)
    assert phonetic_code("thompson") == phonetic_code("tompson")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("General Hospital, Inc.", "general hospital"),
        ("The General Hosp.", "general hospital"),
        ("Unknown", ""),
        ("Inc", "inc"),
        ("", ""),
    ],
)
def test_organization_names_lose_their_legal_form(name: str, expected: str) -> None:
    assert organization_name(name) == expected
