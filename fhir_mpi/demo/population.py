"""A population of invented people who live in households.

60 % share family name and address with a relative, half of those the phone; 1.2 % of these are twins.
The proportions are those under which relatives are known to drown a matcher's precision.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from random import Random
from typing import Final

from fhir_mpi.demo.name_shares import NameShares
from fhir_mpi.demo.person import Person
from fhir_mpi.demo.places import Place, phone, place
from fhir_mpi.fhir.types import Resource
from fhir_mpi.linkage.nicknames import nickname_neighbours

_FIRST_BIRTH: Final = date(1935, 1, 1).toordinal()
_LAST_BIRTH: Final = date(2024, 12, 31).toordinal()
_YEAR: Final = 365.25
_ALONE: Final = 0.63
"""Share of households of one; with two to five in the others, 40 % of people live alone."""
_TWINS: Final = 0.02
_JUNIORS: Final = 0.02
_MAILS: Final = ("mail.demo.invalid", "post.demo.invalid", "inbox.demo.invalid")


def people(n: int, *, seed: int, names: NameShares) -> Iterator[Person]:
    """The first n people of a population: the same seed gives the same people, in constant memory.

    >>> from fhir_mpi.demo.name_shares import demo_names
    >>> [p.id for p in people(3, seed=1, names=demo_names())]
    ['p0', 'p1', 'p2']
    """
    rng = Random(seed)  # noqa: S311 - invented people, nothing secret
    made = 0
    while made < n:
        for person in _household(rng, names, made):
            yield person
            made += 1
            if made == n:
                return


def patients(n: int, *, seed: int, names: NameShares) -> Iterator[Resource]:
    """The same people as Patient resources."""
    return (person.patient() for person in people(n, seed=seed, names=names))


def stranger(rng: Random, names: NameShares, id: str) -> Person:
    """Somebody who lives alone."""
    gender = "female" if rng.random() < 0.51 else "male"
    born = rng.randrange(_FIRST_BIRTH, _LAST_BIRTH)
    return _person(rng, names, id, names.family.draw(rng), gender, born, place(rng), phone(rng))


def sibling_name(rng: Random, names: NameShares, gender: str, taken: str) -> str:
    """A given name that parents would give beside one that is taken: no John and Jack."""
    related = nickname_neighbours(taken.lower())
    given = names.given(gender, rng)
    while given == taken or given.lower() in related:
        given = names.given(gender, rng)
    return given


def _household(rng: Random, names: NameShares, first: int) -> Iterator[Person]:
    head = stranger(rng, names, f"p{first}")
    yield head
    if rng.random() < _ALONE:
        return
    member = head
    for number in range(1, rng.choice((2, 2, 2, 3, 4, 5))):
        member = _relative(rng, names, head, member, f"p{first + number}")
        yield member


def _relative(rng: Random, names: NameShares, head: Person, last: Person, id: str) -> Person:
    """A spouse near in age, a child, or a twin of the last member; all under the head's name and roof."""
    gender = "female" if rng.random() < 0.5 else "male"
    home = Place(head.line, head.city, head.state, head.postal_code)
    number = head.phone if rng.random() < 0.5 else phone(rng)
    if last is not head and rng.random() < _TWINS:
        born, order = date.fromisoformat(last.birth_date).toordinal(), 2
    else:
        born, order = _birth_of_relative(rng, head, spouse=last is head), 0
    person = _person(rng, names, id, head.family, gender, born, home, number)
    if order:
        given = sibling_name(rng, names, gender, last.given)
        return replace(person, given=given, birth_order=order if rng.random() < 0.5 else 0)
    if last is not head and gender == head.gender == "male" and rng.random() < _JUNIORS:
        return replace(person, given=head.given, suffix="Jr" if rng.random() < 0.5 else "")
    return person


def _birth_of_relative(rng: Random, head: Person, *, spouse: bool) -> int:
    born = date.fromisoformat(head.birth_date).toordinal()
    days = int((rng.gauss(0, 4) if spouse else rng.gauss(28, 6)) * _YEAR)
    # Where the head of the household is a child itself, the relative is a parent.
    return born + days if _FIRST_BIRTH <= born + days < _LAST_BIRTH else born - days


def _person(
    rng: Random, names: NameShares, id: str, family: str, gender: str, born: int, home: Place, number: str
) -> Person:
    given = names.given(gender, rng)
    return Person(
        id=id,
        family=family,
        given=given,
        middle=_middle(rng, names, gender),
        suffix="",
        gender=gender,
        birth_date=date.fromordinal(born).isoformat(),
        line=home.line,
        city=home.city,
        state=home.state,
        postal_code=home.postal_code,
        phone=number,
        email=_email(rng, given, family) if rng.random() < 0.5 else "",
        hospital=rng.randrange(1, 6),
        record_number=f"{rng.randrange(10**7, 10**8)}",
        national_id=f"{rng.randrange(10**8, 10**9)}" if rng.random() < 0.6 else "",
    )


def _middle(rng: Random, names: NameShares, gender: str) -> str:
    luck = rng.random()
    if luck < 0.5:
        return ""
    name = names.given(gender, rng)
    return name if luck > 0.8 else name[0]


def _email(rng: Random, given: str, family: str) -> str:
    return f"{given}.{family}{rng.randrange(1000)}@{rng.choice(_MAILS)}".lower()
