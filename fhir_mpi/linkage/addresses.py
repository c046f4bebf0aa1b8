"""Address as linkage compares it: one line of abbreviated words, and a postal code.

Standardised lines raise recall more than any weight does (Grannis 2019, PMC7787357: .813 to .916). By
rules of our own, for reasons that stand in docs/decisions/0025-addresses-by-rules.md.
"""

import re
from typing import Final

from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.conventions import EVERYWHERE, Conventions
from fhir_mpi.linkage.placeholders import is_placeholder_address, is_placeholder_number
from fhir_mpi.linkage.text import joined, words

# USPS Publication 28, appendices B and C: the common street suffixes and directions.
ABBREVIATIONS: Final = {
    "street": "st",
    "str": "st",
    "strasse": "st",
    "avenue": "ave",
    "av": "ave",
    "road": "rd",
    "boulevard": "blvd",
    "drive": "dr",
    "lane": "ln",
    "court": "ct",
    "place": "pl",
    "square": "sq",
    "terrace": "ter",
    "parkway": "pkwy",
    "highway": "hwy",
    "circle": "cir",
    "crescent": "cres",
    "trail": "trl",
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "northeast": "ne",
    "northwest": "nw",
    "southeast": "se",
    "southwest": "sw",
    "saint": "st",
    "mount": "mt",
    "fort": "ft",
    "first": "1st",
    "second": "2nd",
    "third": "3rd",
    "fourth": "4th",
    "fifth": "5th",
    "sixth": "6th",
    "seventh": "7th",
    "eighth": "8th",
    "ninth": "9th",
    "tenth": "10th",
}
# Beside English: what French, Spanish, Portuguese, Italian, Dutch, German and Nordic forms abbreviate.
_ELSEWHERE: Final = {
    "bd": "blvd",
    "bvd": "blvd",
    "chemin": "ch",
    "impasse": "imp",
    "allee": "all",
    "faubourg": "fg",
    "calle": "cl",
    "c": "cl",
    "avenida": "ave",
    "avda": "ave",
    "carretera": "ctra",
    "plaza": "pza",
    "rua": "r",
    "travessa": "tv",
    "praca": "pca",
    "alameda": "al",
    "estrada": "estr",
    "rodovia": "rod",
    "viale": "vle",
    "piazza": "pza",
    "corso": "cso",
    "vicolo": "vic",
    "straat": "st",
    "laan": "ln",
    "platz": "pl",
    "weg": "wg",
    "gasse": "ga",
    "gata": "g",
    "gatan": "g",
    "gade": "g",
    "vei": "v",
}
# What introduces a unit says nothing: "12 Main St #4" and "12 Main Street, Apt. 4" are one place.
_UNITS: Final = frozenset(
    [
        *("apt", "apartment", "unit", "suite", "ste", "flat", "no", "number", "room", "rm", "floor", "fl"),
        *("wohnung", "whg", "appt", "appartement", "apto", "apartamento", "depto", "departamento", "piso"),
        *("num", "numero", "nr", "interno", "int", "lgh"),
    ]
)
_DROPPED: Final = dict.fromkeys(_UNITS, "")
_SPELLINGS: Final = _ELSEWHERE | ABBREVIATIONS | _DROPPED
# "Hauptstrasse", "Hauptstr." and "Kerkstraat": the kind of street is the end of its name.
_ENDINGS: Final = re.compile(r"(?<=\w{3})(?:strasse|straat|str|platz|gasse|gatan|gata|gade|veien|vegen)$")
_SHORT: Final = {
    "strasse": "st",
    "straat": "st",
    "str": "st",
    "platz": "pl",
    "gasse": "ga",
    "gatan": "g",
    "gata": "g",
    "gade": "g",
    "veien": "v",
    "vegen": "v",
}
_POST_BOX: Final = re.compile(
    r"\b(?:p o box|po box|post office box|postfach|postbus|boite postale|apartado(?: de correos)?"
    r"|caixa postal|casella postale|postboks)\b"
)
_BOX: Final = "pobox"
_COUNTRY_PREFIX: Final = re.compile(r"\s*[A-Za-z]{1,3}-(?=\d{4,6}\s*$)")


def address_line(address: Json, conventions: Conventions = EVERYWHERE) -> str:
    """All lines as one, abbreviated; empty where none or a placeholder. Without lines, the text's first.

    A house number at the end comes to the front, as half of the world writes it there.

    >>> address_line({"line": ["12 North Main Street", "Apt. #4"]})
    '12 n main st 4'
    >>> address_line({"line": ["Hauptstraße 5"]}), address_line({"text": "5 Hauptstr., 10115 Berlin"})
    ('5 hauptst', '5 hauptst')
    """
    text = " ".join([line for line in address.get("line") or () if line])
    if not text:
        text = re.split(r"[,\n;]", address.get("text") or "", maxsplit=1)[0]
    folded = words(text)
    if is_placeholder_address(" ".join(folded), conventions):
        return ""
    return " ".join(_number_first(_spelled(folded)))


def _spelled(folded: list[str]) -> list[str]:
    if "box" in folded or not folded or not folded[0][0].isdigit():
        folded = _POST_BOX.sub(_BOX, " ".join(folded)).split()
    return [s for s in [_SPELLINGS[w] if w in _SPELLINGS else _street(w) for w in folded] if s]


def _street(word: str) -> str:
    """A word with the kind of street at its end, abbreviated."""
    if len(word) < 6:
        return word
    found = _ENDINGS.search(word)
    return word if found is None else word[: found.start()] + _SHORT[found[0]]


def _number_first(line: list[str]) -> list[str]:
    if len(line) < 2 or line[0][0].isdigit() or line[0] == _BOX:
        return line
    at = next((n for n, word in enumerate(line) if word[0].isdigit()), 0)
    return [line[at], *line[:at], *line[at + 1 :]] if at else line


def postal_code(address: Json, conventions: Conventions = EVERYWHERE) -> str:
    """Letters and digits of the postal code; of a US ZIP+4 the first five, without a country's letters.

    >>> postal_code({"postalCode": "18503-1234"}), postal_code({"postalCode": "sw1a 1aa"})
    ('18503', 'sw1a1aa')
    >>> postal_code({"postalCode": "D-10115"})
    '10115'
    """
    said = address.get("postalCode") or ""
    code = joined(_COUNTRY_PREFIX.sub("", said) if "-" in said else said)
    if len(code) == 9 and code.isdigit():
        code = code[:5]
    return "" if is_placeholder_number(code, conventions) else code


def city(address: Json) -> str:
    """The folded city, without spaces."""
    return joined(address.get("city") or "")
