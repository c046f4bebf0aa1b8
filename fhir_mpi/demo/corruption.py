"""The same person, as another registration desk writes them down."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Final

from fhir_mpi.demo.name_shares import NameShares
from fhir_mpi.demo.person import Person
from fhir_mpi.demo.places import phone, place
from fhir_mpi.demo.population import people
from fhir_mpi.fhir.types import Resource
from fhir_mpi.linkage.nicknames import nickname_neighbours

# How often each error happens in the copies that the default model's weights were counted from.
NICKNAME: Final = 0.12
GIVEN_TYPO: Final = 0.08
FAMILY_TYPO: Final = 0.08
FAMILY_CHANGE: Final = 0.08  # of women
SWAPPED: Final = 0.02
BIRTH_DATE_ALTERED: Final = 0.07
MOVED: Final = 0.25
ADDRESS_TYPO: Final = 0.08
PHONE_CHANGED: Final = 0.35
PHONE_TYPO: Final = 0.10  # of changed ones
IDENTIFIERS_DROPPED: Final = 0.50
IDENTIFIER_TYPO: Final = 0.02
ABBREVIATED: Final = 0.30
_SHORT: Final = {
    "Street": "St.",
    "Avenue": "Ave",
    "Road": "Rd",
    "Drive": "Dr",
    "Boulevard": "BLVD",
    "Apt ": "#",
}
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_DIGITS: Final = "0123456789"


def probe(person: Person, rng: Random, names: NameShares) -> Person:
    """A corrupted copy: each error happens on its own, with its rate above."""
    return _with_other_numbers(_with_other_home(_with_other_names(person, rng, names), rng), rng)


def duplicated(n: int, *, seed: int, names: NameShares, share: float = 0.1) -> Iterator[Resource]:
    """n Patients, of whom about that share are second registrations of somebody before them."""
    rng = Random(seed)  # noqa: S311 - invented people, nothing secret
    made = 0
    for person in people(n, seed=seed, names=names):
        yield person.patient()
        made += 1
        if made < n and rng.random() < share / (1 - share):
            yield replace(probe(person, rng, names), id=f"{person.id}-again").patient()
            made += 1
        if made == n:
            return


def typo(text: str, rng: Random, alphabet: str = _LETTERS) -> str:
    """One letter left out, added, mistaken or swapped with its neighbour."""
    if len(text) < 2:
        return text
    at, letter = rng.randrange(len(text) - 1), rng.choice(alphabet)
    return rng.choice(
        (
            text[: at + 1] + text[at + 2 :],
            text[: at + 1] + letter + text[at + 1 :],
            text[: at + 1] + letter + text[at + 2 :],
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        )
    )


def _with_other_names(person: Person, rng: Random, names: NameShares) -> Person:
    family, given = person.family, person.given
    if rng.random() < NICKNAME:
        neighbours = sorted(nickname_neighbours(given.lower()))
        given = rng.choice(neighbours).title() if neighbours else given
    if rng.random() < GIVEN_TYPO:
        given = typo(given, rng)
    if person.gender == "female" and rng.random() < FAMILY_CHANGE:
        family = names.family.draw(rng)
    if rng.random() < FAMILY_TYPO:
        family = typo(family, rng)
    if rng.random() < SWAPPED:
        family, given = given, family
    return replace(person, family=family, given=given, middle=person.middle[: rng.randrange(3)])


def _with_other_home(person: Person, rng: Random) -> Person:
    if rng.random() < MOVED:
        home = place(rng)
        person = replace(
            person, line=home.line, city=home.city, state=home.state, postal_code=home.postal_code
        )
    elif rng.random() < ABBREVIATED:
        line = person.line
        for long, short in _SHORT.items():
            line = line.replace(long, short)
        person = replace(person, line=line.upper())
    elif rng.random() < ADDRESS_TYPO:
        person = replace(person, line=typo(person.line, rng))
    if rng.random() < PHONE_CHANGED:
        number = typo(person.phone, rng, _DIGITS) if rng.random() < PHONE_TYPO else phone(rng)
        person = replace(person, phone=number, email="")
    return person


def _with_other_numbers(person: Person, rng: Random) -> Person:
    if rng.random() < BIRTH_DATE_ALTERED:
        person = replace(person, birth_date=_altered(person.birth_date, rng))
    if rng.random() < IDENTIFIERS_DROPPED:
        return replace(person, record_number="", national_id="")
    if rng.random() < IDENTIFIER_TYPO:
        return replace(person, record_number=typo(person.record_number, rng, _DIGITS))
    return person


def _altered(date: str, rng: Random) -> str:
    """Day and month swapped, one digit mistaken, the first of January, or another day of the month."""
    year, month, day = date.split("-")
    luck = rng.random()
    if luck < 0.25 and day <= "12" and day != month:
        return f"{year}-{day}-{month}"
    if luck < 0.80:
        return (
            f"{int(year[:3]) * 10 + rng.randrange(10)}-{month}-{day}" if day != "29" else f"{year}-{month}-28"
        )
    return f"{year}-01-01" if luck < 0.95 else f"{year}-{month}-{rng.randrange(1, 29):02d}"
