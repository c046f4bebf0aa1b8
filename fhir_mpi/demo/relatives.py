"""People who are easily taken for somebody else. Each lacks identifiers of their own."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random

from fhir_mpi.demo.name_shares import NameShares
from fhir_mpi.demo.person import Person
from fhir_mpi.demo.places import phone
from fhir_mpi.demo.population import sibling_name, stranger


def twin(person: Person, rng: Random, names: NameShares) -> Person:
    """Same family name, birth date and address, half the time the phone; another given name."""
    return _relative(person, rng, names, person.birth_date)


def sibling(person: Person, rng: Random, names: NameShares) -> Person:
    """Three years younger, in the same household."""
    born = date.fromisoformat(person.birth_date) + timedelta(days=3 * 365 + rng.randrange(-100, 100))
    return _relative(person, rng, names, born.isoformat())


def junior(person: Person, rng: Random, names: NameShares) -> Person:
    """A child with the parent's whole name, in the same household."""
    born = date.fromisoformat(person.birth_date) + timedelta(days=int(rng.gauss(28, 5) * 365.25))
    child = _relative(person, rng, names, born.isoformat())
    return replace(child, given=person.given, gender=person.gender, suffix=rng.choice(("", "Jr")))


def namesake(person: Person, rng: Random, names: NameShares) -> Person:
    """Same given name, family name, gender and birth date; all else is different."""
    other = _unregistered(stranger(rng, names, f"{person.id}-namesake"), rng)
    return replace(
        other,
        family=person.family,
        given=person.given,
        gender=person.gender,
        birth_date=person.birth_date,
        email="",
    )


def _relative(person: Person, rng: Random, names: NameShares, born: str) -> Person:
    gender = "female" if rng.random() < 0.5 else "male"
    return _unregistered(
        replace(
            person,
            id=f"{person.id}-relative",
            given=sibling_name(rng, names, gender, person.given),
            middle="",
            suffix="",
            gender=gender,
            birth_date=born,
            phone=person.phone if rng.random() < 0.5 else phone(rng),
            email="",
        ),
        rng,
    )


def _unregistered(person: Person, rng: Random) -> Person:
    """With numbers of their own: half the time none is known, as on a probe."""
    if rng.random() < 0.5:
        return replace(person, record_number="", national_id="")
    return replace(
        person,
        record_number=f"{rng.randrange(10**7, 10**8)}",
        national_id=f"{rng.randrange(10**8, 10**9)}" if person.national_id else "",
    )
