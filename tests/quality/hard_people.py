"""The invented people of the hard corpus, and what may happen to what is known of them."""

from collections.abc import Callable
from random import Random
from typing import Any, Final, TypeAlias

from fhir_mpi.fhir.types import Json

Change: TypeAlias = Callable[[Json], Json]
"""From what is known of somebody to what is written of them instead (None: not known)."""

MRN: Final = "https://hospital-1.invalid/mrn"
OTHER_MRN: Final = "https://hospital-2.invalid/mrn"
NATIONAL: Final = "https://nation.invalid/id"
SSN: Final = "http://hl7.org/fhir/sid/us-ssn"
_FAMILIES: Final = [
    "Thornbury",
    "Oakhurst",
    "Hartnell",
    "Ashdown",
    "Winslade",
    "Pemberley",
    "Marchetti",
    "Lindqvist",
    "Kowalczyk",
    "Vandermeer",
    "Castellanos",
    "Brightwater",
    "Okonkwo",
    "Delacroix",
    "Rosenthal",
    "Halvorsen",
    "Montefiore",
    "Quillfeather",
    "Stanhope",
    "Zielinski",
]
_WOMEN: Final = [
    "Margaret",
    "Isabel",
    "Katherine",
    "Theresa",
    "Josephine",
    "Victoria",
    "Eleanor",
    "Rebecca",
    "Susannah",
    "Deborah",
    "Gabrielle",
    "Henrietta",
    "Rosalind",
    "Beatrice",
    "Frances",
    "Winifred",
    "Adelaide",
    "Philippa",
    "Georgina",
    "Constance",
]
_MEN: Final = [
    "Frederick",
    "Benjamin",
    "Nathaniel",
    "Theodore",
    "Alexander",
    "Leonard",
    "Gregory",
    "Lawrence",
    "Vincent",
    "Zachary",
    "Reginald",
    "Matthew",
    "Cornelius",
    "Augustus",
    "Raymond",
    "Bartholomew",
    "Clifford",
    "Montague",
    "Ferdinand",
    "Archibald",
]
_STREETS: Final = ("Foxglove Road", "Quarry Street", "Harbor Lane", "Juniper Avenue", "Millstone Drive")
PEOPLE: Final = 20


def somebody(number: int) -> Json:
    """One of twenty people, women and men in turn, no two of one family."""
    rng = Random(4000 + number)
    woman = number % 2 == 0
    return {
        "family": _FAMILIES[number % PEOPLE],
        "given": [(_WOMEN if woman else _MEN)[number % PEOPLE]],
        "suffix": None,
        "gender": "female" if woman else "male",
        "birthDate": f"{rng.randrange(1935, 1989)}-{rng.randrange(1, 10):02d}-{rng.randrange(13, 28):02d}",
        "line": f"{rng.randrange(11, 99)} {_STREETS[number % 5]}",
        "postalCode": f"{rng.randrange(20000, 98000)}",
        "phone": f"{rng.randrange(201, 989)}-555-{rng.randrange(1000, 9999)}",
        "email": None,
        "identifiers": [],
    }


def relative(known: Json) -> str:
    """A given name of the other sex's list or of the same, never the own: somebody of the household."""
    names = _WOMEN if known["gender"] == "female" else _MEN
    return names[(names.index(known["given"][0]) + 7) % PEOPLE]


def opposite(known: Json) -> Json:
    """A given name of the other sex, by the day of birth, and that sex."""
    names, gender = (_MEN, "male") if known["gender"] == "female" else (_WOMEN, "female")
    return {
        "given": [names[int(known["birthDate"][-2:]) % PEOPLE]],
        "gender": gender,
    }


def patient(id: str, said: Json) -> Json:
    """The Patient that a desk would make of it."""
    names = said.get("names") or [
        {"family": said["family"], "given": said["given"], "suffix": [said["suffix"]]}
    ]
    telecom = [("phone", said["phone"]), ("email", said["email"])]
    found: Json = {
        "resourceType": "Patient",
        "id": id,
        "name": names,
        "gender": said["gender"],
        "birthDate": said["birthDate"],
        "telecom": [{"system": system, "value": value} for system, value in telecom if value],
        "identifier": [{"system": system, "value": value} for system, value in said["identifiers"]],
        "address": [],
    }
    if said["line"] or said["postalCode"]:
        lines = [said["line"]] if said["line"] else []
        found["address"] = [{"line": lines, "postalCode": said["postalCode"], "country": said.get("country")}]
    return (
        found
        | {key: said[key] for key in ("active", "deceasedBoolean", "deceasedDateTime") if key in said}
        | ({"multipleBirthInteger": said["twin"]} if said.get("twin") else {})
    )


def same(_known: Json) -> Json:
    return {}


def but(**changes: Any) -> Change:
    """These instead, whoever it is."""
    return lambda _known: changes


def also(*changes: Change) -> Change:
    """All of them, each upon what the ones before made."""

    def change(known: Json) -> Json:
        made: Json = {}
        for one in changes:
            made |= one(known | made)
        return made

    return change


alone = but(line=None, postalCode=None, phone=None)
elsewhere = but(line="7 Granite Street Apt 3", postalCode="99103", phone="415-555-0142")
moved = but(line="7 Granite Street Apt 3", postalCode="99103")
no_phone, no_address = but(phone=None), but(line=None, postalCode=None)


def numbered(*identifiers: tuple[str, str]) -> Change:
    return but(identifiers=list(identifiers))


def sibling_name(known: Json) -> Json:
    return {"given": [relative(known)]}


def years_later(years: int) -> Change:
    """Born so many years, a month and some days later."""

    def change(known: Json) -> Json:
        year, month, day = (int(part) for part in known["birthDate"].split("-"))
        return {"birthDate": f"{year + years}-{month % 12 + 1:02d}-{day - 9:02d}"}

    return change


def date_digit(at: int) -> Change:
    """One digit of the birth date mistyped, so that it stays a date."""

    def change(known: Json) -> Json:
        date = known["birthDate"]
        digit = "1" if date[at] == "2" else "2" if date[at] == "1" else str((int(date[at]) + 1) % 10)
        return {"birthDate": date[:at] + digit + date[at + 1 :]}

    return change


def day_month(known: Json) -> Json:
    """A day that could be a month: the fifth, of the own month."""
    year, month, _ = known["birthDate"].split("-")
    return {"birthDate": f"{year}-{month}-{_other_month(month)}"}


def day_month_swapped(known: Json) -> Json:
    year, month, _ = known["birthDate"].split("-")
    return {"birthDate": f"{year}-{_other_month(month)}-{month}"}


def _other_month(month: str) -> str:
    return "11" if month != "11" else "04"


def crossed(known: Json) -> Json:
    return {"family": known["given"][0], "given": [known["family"]]}


def initial(known: Json) -> Json:
    return {"given": [known["given"][0][0] + "."]}


def name_typo(known: Json) -> Json:
    """Two letters of the given name exchanged."""
    name = known["given"][0]
    return {"given": [name[:3] + name[4] + name[3] + name[5:]]}


def precise_to(length: int) -> Change:
    return lambda known: {"birthDate": known["birthDate"][:length]}
