"""Values that stand where nothing is known. They are treated as missing: missing is no evidence.

What is known everywhere stands in `placeholders.json`, by language; a site's own in its linkage model.

>>> is_placeholder_name("babygirl"), is_placeholder_name("ruby")
(True, False)
>>> is_placeholder_number("000000000"), is_placeholder_number("123450001")
(True, False)
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import orjson

from fhir_mpi.linkage.conventions import EVERYWHERE, Conventions
from fhir_mpi.linkage.text import joined

_COUNTING: Final = ("0123456789", "1234567890", "9876543210", "0987654321")
_FIRST_BIRTH_YEAR: Final = "1870"
_LAST_BIRTH_YEAR: Final = "2200"


@dataclass(frozen=True, slots=True)
class _Known:
    names: frozenset[str]
    name_pattern: re.Pattern[str]
    numbers: frozenset[str]
    addresses: frozenset[str]
    birth_dates: frozenset[str]


@cache
def _known() -> _Known:
    said = orjson.loads(files("fhir_mpi.linkage").joinpath("placeholders.json").read_bytes())
    return _Known(
        names=frozenset(joined(name) for names in said["names"].values() for name in names),
        name_pattern=re.compile("|".join(said["namePatterns"])),
        numbers=frozenset(said["numbers"]),
        addresses=frozenset(said["addresses"]),
        birth_dates=frozenset(said["birthDates"]),
    )


def is_placeholder_name(name: str, conventions: Conventions = EVERYWHERE) -> bool:
    """Of a folded name without spaces: "Baby Boy", "Unknown", "Test", "XXX", in many languages."""
    known = _known()
    return name in known.names or name in conventions.names or known.name_pattern.fullmatch(name) is not None


def is_placeholder_number(number: str, conventions: Conventions = EVERYWHERE) -> bool:
    """Of folded letters and digits: one character repeated, counting (4 and more), or known to be none."""
    if len(set(number)) <= 1 or number in _known().numbers or number in conventions.numbers:
        return True
    return len(number) >= 4 and any(number in run for run in _COUNTING)


def is_placeholder_address(line: str, conventions: Conventions = EVERYWHERE) -> bool:
    """Of a folded line: "homeless", "unknown"."""
    return line in _known().addresses or line in conventions.addresses


def is_placeholder_birth_date(date: str, conventions: Conventions = EVERYWHERE) -> bool:
    """Defaults of registration systems, and years nobody alive or on record was born in."""
    if date in _known().birth_dates or date in conventions.birth_dates:
        return True
    return not _FIRST_BIRTH_YEAR <= date[:4] <= _LAST_BIRTH_YEAR
