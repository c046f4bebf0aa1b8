"""Pairs that are easily graded wrongly, what each should be, and why.

Every pair starts from the same invented person; a side says what is different on it (None: not known).
The index is taken to hold a million people.
"""

from dataclasses import dataclass
from typing import Any

from fhir_mpi.fhir.types import Json, Resource

BASE: Json = {
    "family": "Thornbury",
    "given": ["Margaret"],
    "suffix": None,
    "gender": "female",
    "birthDate": "1970-05-08",
    "line": "12 Foxglove Road",
    "postalCode": "18503",
    "phone": "201-555-0188",
    "email": None,
    "mrn": None,
    "ssn": None,
    "twin": None,
}
MRN, SSN = "https://hospital-1.invalid/mrn", "https://nation.invalid/id"


@dataclass(frozen=True)
class HardPair:
    """`left` is matched against an index that holds `right`."""

    category: str
    why: str
    grade: str
    left: dict[str, Any]
    right: dict[str, Any]

    @property
    def probe(self) -> Resource:
        return _patient("probe", BASE | self.left)

    @property
    def stored(self) -> Resource:
        return _patient("stored", BASE | self.right)


def _patient(id: str, said: Json) -> Resource:
    found: Json = {
        "resourceType": "Patient",
        "id": id,
        "gender": said["gender"],
        "birthDate": said["birthDate"],
    }
    names = [{"family": said["family"], "given": said["given"], "suffix": [s for s in [said["suffix"]] if s]}]
    names += [{"use": "maiden", "family": said["maiden"]}] if "maiden" in said else []
    contacts = [("phone", said["phone"]), ("email", said["email"])]
    found["name"] = names
    found["telecom"] = [{"system": system, "value": value} for system, value in contacts if value]
    if said["line"] or said["postalCode"]:
        found["address"] = [{"line": [said["line"]], "postalCode": said["postalCode"]}]
    systems = [(said.get("mrnSystem", MRN), said["mrn"]), (SSN, said["ssn"])]
    found["identifier"] = [{"system": system, "value": value} for system, value in systems if value]
    if said["twin"]:
        found["multipleBirthInteger"] = said["twin"]
    return found


ALONE = {"line": None, "postalCode": None, "phone": None}
ELSEWHERE = {"line": "7 Quarry Street Apt 3", "postalCode": "90210", "phone": "415-555-0142"}
YOUNG = {"birthDate": "2024-03-05"}
NEWBORN = YOUNG | {"given": ["Baby", "Boy"], "gender": "male"}
NAMED = YOUNG | {"given": ["Oliver"], "gender": "male"}
LI: dict[str, Any] = {"family": "李", "given": ["小龙"], "gender": "male"}
WANG: dict[str, Any] = {"family": "王", "given": ["芳"]}
AHMAD: dict[str, Any] = {"family": "الأحمد", "given": ["محمّد"], "gender": "male"}
JOHN: dict[str, Any] = {"family": "Thornbury", "given": ["John"], "gender": "male"}

HARD_PAIRS = [
    HardPair("same", "everything agrees", "certain", {}, {}),
    HardPair("same", "name and birth date alone can be two people", "probable", ALONE, ALONE),
    HardPair("nickname", "Peggy is Margaret", "certain", {"given": ["Peggy"]}, {}),
    HardPair(
        "nickname",
        "Maggie, and moved, same phone",
        "certain",
        {"given": ["Maggie"]},
        ELSEWHERE | {"phone": "201-555-0188"},
    ),
    HardPair("typo", "one letter of the given name", "certain", {"given": ["Margarit"]}, {}),
    HardPair("typo", "one letter of the family name", "certain", {"family": "Thornbery"}, {}),
    HardPair("typo", "one digit of the birth year", "certain", {"birthDate": "1971-05-08"}, {}),
    HardPair("typo", "one digit of the phone", "certain", {"phone": "201-555-0189"}, {}),
    HardPair("typo", "abbreviated street and unit", "certain", {"line": "12 FOXGLOVE RD."}, {}),
    HardPair("day and month", "swapped, otherwise the same", "certain", {"birthDate": "1970-08-05"}, {}),
    HardPair(
        "day and month", "the first of January is a desk's guess", "certain", {"birthDate": "1970-01-01"}, {}
    ),
    HardPair("birth date", "only the year is known", "probable", {"birthDate": "1970"}, {}),
    HardPair("birth date", "no date at all", "probable", {"birthDate": None}, {}),
    HardPair(
        "birth date",
        "another day and month of the year: perhaps a cousin",
        "possible",
        {"birthDate": "1970-11-23"},
        {},
    ),
    HardPair(
        "swapped",
        "family and given name in each other's field",
        "certain",
        {"family": "Margaret", "given": ["Thornbury"]},
        {},
    ),
    HardPair(
        "swapped", "swapped, with the nickname", "certain", {"family": "Peggy", "given": ["Thornbury"]}, {}
    ),
    HardPair("maiden", "another family name, same address and phone", "certain", {"family": "Oakhurst"}, {}),
    HardPair(
        "maiden",
        "the earlier name is on record",
        "certain",
        {"family": "Oakhurst", "line": None, "postalCode": None},
        {"maiden": "Oakhurst"},
    ),
    HardPair("maiden", "double-barrelled after the wedding", "certain", {"family": "Oakhurst-Thornbury"}, {}),
    HardPair(
        "maiden",
        "another family name, and nothing of the old life",
        "certainly-not",
        {"family": "Oakhurst"},
        ELSEWHERE,
    ),
    HardPair("moved", "another address, same phone", "certain", {}, ELSEWHERE | {"phone": "201-555-0188"}),
    HardPair("moved", "another address and phone: name and birth date remain", "probable", {}, ELSEWHERE),
    HardPair(
        "moved",
        "another address, one identifier proves it",
        "certain",
        {"mrn": "447001"},
        ELSEWHERE | {"mrn": "447001"},
    ),
    HardPair(
        "namesake",
        "a common name and the same birthday, elsewhere",
        "possible",
        JOHN | {"family": "Smith"},
        JOHN | {"family": "Smith"} | ELSEWHERE,
    ),
    HardPair("twin", "another given name at the same address", "possible", {"given": ["Isabel"]}, {}),
    HardPair("twin", "brother and sister", "possible", JOHN, {}),
    HardPair(
        "twin", "first and second born, both still called as the first", "probable", {"twin": 1}, {"twin": 2}
    ),
    HardPair(
        "twin", "names alike, but second born", "probable", {"given": ["Margarete"], "twin": 2}, {"twin": 1}
    ),
    HardPair(
        "twin",
        "numbered one after the other, at one visit",
        "possible",
        {"given": ["Isabel"], "mrn": "447002"},
        {"mrn": "447001"},
    ),
    HardPair(
        "sibling",
        "three years younger, same house and phone",
        "certainly-not",
        {"given": ["Isabel"], "birthDate": "1973-06-19"},
        {},
    ),
    HardPair(
        "junior",
        "father and son of one name, different birth dates",
        "possible",
        JOHN | {"birthDate": "1999-11-23"},
        JOHN,
    ),
    HardPair(
        "junior",
        "suffixes differ, all else agrees",
        "probable",
        JOHN | {"suffix": "Jr"},
        JOHN | {"suffix": "Sr."},
    ),
    HardPair(
        "junior",
        "differing suffixes even under one number",
        "probable",
        JOHN | {"suffix": "Jr", "ssn": "314159265"},
        JOHN | {"suffix": "Sr", "ssn": "314159265"},
    ),
    HardPair("junior", "a suffix on one side only says nothing", "certain", JOHN | {"suffix": "Jr"}, JOHN),
    HardPair(
        "newborn", "Baby Boy is no name: the mother's address and the birth date", "probable", NEWBORN, NAMED
    ),
    HardPair("newborn", "twin boys, both Baby Boy", "probable", NEWBORN | {"twin": 1}, NEWBORN | {"twin": 2}),
    HardPair(
        "newborn",
        "a boy is not his sister",
        "possible",
        NEWBORN,
        YOUNG | {"given": ["Ruth"], "gender": "female"},
    ),
    HardPair(
        "shared phone",
        "a colleague under the office's number",
        "certainly-not",
        {"family": "Oakhurst", "given": ["Isabel"], "birthDate": "1981-02-14"}
        | ELSEWHERE
        | {"phone": "201-555-0188"},
        {},
    ),
    HardPair(
        "shared phone",
        "mother and daughter",
        "certainly-not",
        {"given": ["Isabel"], "birthDate": "1999-02-14"},
        {},
    ),
    HardPair(
        "record number",
        "the same number in another hospital proves nothing",
        "certainly-not",
        {
            "family": "Oakhurst",
            "given": ["Isabel"],
            "birthDate": "1981-02-14",
            "mrn": "447001",
            "mrnSystem": "https://hospital-2.invalid/mrn",
        }
        | ELSEWHERE,
        {"mrn": "447001"},
    ),
    HardPair(
        "record number",
        "two digits swapped, name mistyped",
        "certain",
        {"mrn": "474001", "given": ["Mrgaret"]},
        {"mrn": "447001"},
    ),
    HardPair(
        "identifier conflict",
        "two national numbers: two people, or an error to be looked at",
        "possible",
        {"ssn": "314159265"},
        {"ssn": "271828182"},
    ),
    HardPair(
        "identifier conflict",
        "record numbers agree, national numbers don't",
        "probable",
        {"mrn": "447001", "ssn": "314159265"},
        {"mrn": "447001", "ssn": "271828182"},
    ),
    HardPair(
        "identifier conflict",
        "a placeholder number is none",
        "certain",
        {"ssn": "000-00-0000"},
        {"ssn": "271828182"},
    ),
    HardPair(
        "diacritics",
        "written with and without",
        "certain",
        {"family": "Núñez", "given": ["José"]},
        {"family": "NUNEZ", "given": ["Jose"]},
    ),
    HardPair(
        "diacritics",
        "hyphens, apostrophes and particles",
        "certain",
        {"family": "O'Brien van der Berg"},
        {"family": "OBrien-Vanderberg"},
    ),
    HardPair("Chinese script", "the same name and house", "certain", LI, LI),
    HardPair(
        "Chinese script",
        "another name, same birthday and house",
        "certainly-not",
        LI,
        WANG | {"gender": "male"},
    ),
    HardPair(
        "Arabic script",
        "with and without vowel points and hamza",
        "certain",
        AHMAD,
        AHMAD | {"family": "الاحمد", "given": ["محمد"]},
    ),
    HardPair("gender", "one wrong letter on a form", "certain", {"gender": "male"}, {}),
    HardPair(
        "stranger",
        "another person altogether, who shares the postal code and the day",
        "certainly-not",
        {"family": "Oakhurst", "given": ["Isabel"], "line": "99 Harbor Lane", "phone": "415-555-0142"},
        {},
    ),
]
