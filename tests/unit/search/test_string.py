"""string and phonetic search."""

import pytest

from fhir_mpi.fhir.outcome import InvalidValue, UnsupportedParameter
from fhir_mpi.search.folding import folded
from tests.unit.search.served import finds, patient, registry, request

NAMED = patient(
    name=[
        {"family": "Łuczak-Müller", "given": ["José", None, "Ana María"], "prefix": ["Dr."]},
        {"text": "Peter the Great"},
    ],
    address=[{"line": ["12 Rue de l'Église"], "city": "Genève", "postalCode": "1201", "use": "home"}],
)


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("family", "luc", True),
        ("family", "Łuczak-M", True),
        ("family", "müller", False),
        ("family:contains", "MULLER", True),
        ("family:contains", "mueller", False),
        ("family:exact", "Łuczak-Müller", True),
        ("family:exact", "Łuczak-Mu\u0308ller", True),
        ("family:exact", "łuczak-müller", False),
        ("family:exact", "Łuczak", False),
        ("family:contains", "Müller\u001f", True),
        ("given", "jose", True),
        ("given", "Jose\u0301", True),
        ("given", "  ana   MARIA ", True),
        ("given", "maria", False),
        ("name", "dr.", True),
        ("name", "peter the", True),
        ("name:contains", "great", True),
        ("name", "nobody,jos", True),
        ("name", r"nobody\,jos", False),
        ("address", "12 rue", True),
        ("address", "geneve", True),
        ("address-city", "GENÈVE", True),
        ("address-country:missing", "true", True),
        ("address-city:missing", "true", False),
        ("address-city:missing", "false", True),
        ("name", ".*", False),
        ("name", "%", False),
        ("family", '{"$gt":""}', False),
    ],
)
def test_a_string_search_finds(name: str, value: str, found: bool) -> None:
    assert finds(NAMED, name, value) is found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("Smith", True),
        ("smyth", True),
        ("Schmidt", True),
        ("John Smythe", True),
        ("Jon Doe", False),
        ("张伟", True),
    ],
)
def test_a_phonetic_search_finds_what_sounds_alike(value: str, found: bool) -> None:
    sounding = patient(name=[{"family": "Smith", "given": ["John"]}, {"text": "张伟"}])
    assert finds(sounding, "phonetic", value) is found


def test_phonetic_search_has_no_exact_form() -> None:
    with pytest.raises(UnsupportedParameter, match=":exact"):
        request([("phonetic:exact", "Smith")])


@pytest.mark.parametrize("name", ["name", "name:contains", "phonetic", "identifier:text"])
def test_a_value_without_a_letter_does_not_find_everybody(name: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        request([(name, " \u0301 ")])
    assert refused.value.issues[0].expression == f"http.{name.partition(':')[0]}"


def test_a_long_text_is_cut_alike_in_index_and_search() -> None:
    long = "x" * 999 + "é" * 5000
    stored = patient(name=[{"family": long, "given": ["ﷺ" * 1000]}])
    (entry,) = registry().index(stored)["family"]
    assert entry == "x" * 999 + "e\x1f" + "x" * 999 + "é"
    for name in ("family", "family:exact", "family:contains"):
        assert finds(stored, name, long)
    assert finds(stored, "given", "ﷺ" * 1000)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("ÅNGSTRÖM", "angstrom"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("Ægir Þór", "aegir thor"),
        ("ｆｕｌｌ", "full"),
        ("שָׁלוֹם", "שלום"),
        ("हिन्दी", "हिन्दी"),
        ("が", "か\u3099"),
        ("a\x1fb\tc", "a b c"),
    ],
)
def test_folding_takes_accents_and_keeps_letters(text: str, plain: str) -> None:
    assert folded(text) == plain
