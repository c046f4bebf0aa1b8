"""Invented people: the same seed gives the same people, relatives included."""

from collections import Counter
from datetime import date
from random import Random

from fhir_mpi.demo import corruption
from fhir_mpi.demo.corruption import duplicated, probe, typo
from fhir_mpi.demo.name_shares import Shares, demo_names
from fhir_mpi.demo.person import Person
from fhir_mpi.demo.population import patients, people
from fhir_mpi.demo.relatives import junior, namesake, sibling, twin

NAMES = demo_names()
PEOPLE = list(people(4000, seed=5, names=NAMES))


def test_the_same_seed_gives_the_same_people() -> None:
    assert list(people(200, seed=5, names=NAMES)) == PEOPLE[:200]
    assert list(people(200, seed=6, names=NAMES)) != PEOPLE[:200]


def test_ids_are_distinct_and_counted_on() -> None:
    assert [person.id for person in PEOPLE] == [f"p{n}" for n in range(4000)]
    assert len(list(people(7, seed=1, names=NAMES))) == 7


def test_most_people_share_name_and_address_with_a_relative() -> None:
    homes = Counter((p.family, p.line) for p in PEOPLE)
    share = sum(count for count in homes.values() if count > 1) / len(PEOPLE)
    assert 0.5 < share < 0.7


def test_there_are_twins_and_juniors() -> None:
    births = Counter((p.family, p.line, p.birth_date) for p in PEOPLE)
    assert 0 < sum(count for count in births.values() if count > 1) / len(PEOPLE) < 0.03
    assert any(p.suffix == "Jr" for p in PEOPLE)
    assert any(p.birth_order for p in PEOPLE)


def test_birth_dates_are_real_and_past() -> None:
    assert all("1935-01-01" <= p.birth_date <= "2024-12-31" for p in PEOPLE)
    assert all(date.fromisoformat(p.birth_date) for p in PEOPLE)


def test_a_person_becomes_a_patient() -> None:
    [patient] = patients(1, seed=5, names=NAMES)
    assert patient == PEOPLE[0].patient()
    assert patient["resourceType"] == "Patient"
    assert {"id", "identifier", "name", "telecom", "gender", "birthDate", "address"} <= patient.keys()


def test_what_is_unknown_is_left_out() -> None:
    nobody = Person("x", "Doe", "Jane", "", "", "", "", "", "", "", "", "", "", 1, "", "")
    assert nobody.patient() == {
        "resourceType": "Patient",
        "id": "x",
        "active": True,
        "name": [{"use": "official", "family": "Doe", "given": ["Jane"]}],
    }


def test_a_probe_keeps_most_and_errs_at_the_stated_rates() -> None:
    rng = Random(1)
    pairs = [(person, probe(person, rng, NAMES)) for person in PEOPLE]
    moved = sum(a.postal_code != b.postal_code for a, b in pairs) / len(pairs)
    called = sum(a.phone != b.phone for a, b in pairs) / len(pairs)
    dated = sum(a.birth_date != b.birth_date for a, b in pairs) / len(pairs)
    assert abs(moved - corruption.MOVED) < 0.03
    assert abs(called - corruption.PHONE_CHANGED) < 0.03
    assert abs(dated - corruption.BIRTH_DATE_ALTERED) < 0.02
    assert all(date.fromisoformat(b.birth_date) for _, b in pairs)


def test_a_typo_is_one_edit() -> None:
    rng = Random(2)
    assert {len(typo("Thornbury", rng)) for _ in range(50)} <= {8, 9, 10}
    assert typo("x", rng) == "x"


def test_relatives_differ_where_they_should() -> None:
    rng = Random(3)
    for person in PEOPLE[:200]:
        other = twin(person, rng, NAMES)
        assert (other.family, other.birth_date, other.line) == (person.family, person.birth_date, person.line)
        assert other.given != person.given
        assert sibling(person, rng, NAMES).birth_date > person.birth_date
        child = junior(person, rng, NAMES)
        assert (child.given, child.family, child.gender) == (person.given, person.family, person.gender)
        assert child.birth_date[:4] > person.birth_date[:4]
        unlucky = namesake(person, rng, NAMES)
        assert (unlucky.given, unlucky.birth_date) == (person.given, person.birth_date)
        assert unlucky.line != person.line


def test_duplicates_are_second_registrations() -> None:
    found = list(duplicated(1000, seed=5, names=NAMES, share=0.2))
    again = [patient for patient in found if patient["id"].endswith("-again")]
    assert len(found) == 1000
    assert 150 < len(again) < 250
    assert len({patient["id"] for patient in found}) == 1000


def test_the_last_of_the_duplicated_may_be_a_duplicate() -> None:
    sizes = [len(list(duplicated(n, seed=5, names=NAMES, share=0.5))) for n in range(1, 30)]
    assert sizes == list(range(1, 30))


def test_values_are_drawn_by_their_share() -> None:
    rng = Random(4)
    drawn = Counter(Shares({"often": 0.9, "seldom": 0.1}).draw(rng) for _ in range(1000))
    assert 850 < drawn["often"] < 950
