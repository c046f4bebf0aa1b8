"""Values that stand where nothing is known. They are treated as missing: missing is no evidence.

>>> is_placeholder_name("babygirl"), is_placeholder_name("ruby")
(True, False)
>>> is_placeholder_number("000000000"), is_placeholder_number("123450001")
(True, False)
"""

import re
from typing import Final

_NAMES: Final = re.compile(
    r"(?:(?:new)?(?:baby|born|infant)(?:boy|girl|male|female|twin|of)?(?:[a-d]|[1-9])?"
    r"|(?:boy|girl|twin|male|female|fetus|neonate)(?:[a-c]|[1-9])?"
    r"|unk|unknown|unspecified|unidentified|notknown|notgiven|none|null|nil|na|nn|nfn|nln|noname|name"
    r"|anonymous|anon|confidential|deceased|test|tester|testing|testpatient|patient|dummy|donotuse|x{2,}|z{3,})"
)
_ADDRESSES: Final = frozenset(
    {
        "unknown",
        "unk",
        "none",
        "na",
        "homeless",
        "no fixed abode",
        "no fixed address",
        "nfa",
        "general delivery",
    }
)
_COUNTING: Final = ("0123456789", "1234567890", "9876543210", "0987654321")
_BIRTH_DATES: Final = frozenset(
    {"1900", "1900-01", "1900-01-01", "1899-12-30", "1899-12-31", "1901-01-01", "1911-11-11", "9999"}
)
_FIRST_BIRTH_YEAR: Final = "1870"
_LAST_BIRTH_YEAR: Final = "2200"


def is_placeholder_name(name: str) -> bool:
    """Of a folded name without spaces: "Baby Boy", "Unknown", "Test", "XXX"."""
    return _NAMES.fullmatch(name) is not None


def is_placeholder_number(number: str) -> bool:
    """Of folded letters and digits: one character repeated, or plain counting (4 and more)."""
    if len(set(number)) <= 1:
        return True
    return len(number) >= 4 and any(number in run for run in _COUNTING)


def is_placeholder_address(line: str) -> bool:
    return line in _ADDRESSES


def is_placeholder_birth_date(date: str) -> bool:
    """Defaults of registration systems, and years nobody alive or on record was born in."""
    return date in _BIRTH_DATES or not _FIRST_BIRTH_YEAR <= date[:4] <= _LAST_BIRTH_YEAR
