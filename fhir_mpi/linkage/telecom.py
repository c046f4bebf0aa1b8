"""ContactPoint as linkage compares it."""

import re
import unicodedata
from functools import cache, lru_cache
from typing import Final

import phonenumbers

from fhir_mpi.linkage.conventions import EVERYWHERE, Conventions
from fhir_mpi.linkage.placeholders import is_placeholder_number

_FEWEST_DIGITS: Final = 7
_LONGEST: Final = 40
_PLAIN: Final = re.compile(r"[0-9 ().\-/]+")
_NORTH_AMERICA: Final = frozenset({"US", "CA", "PR", ""})
_EXTENSION: Final = re.compile(r"(?<=[\d\s).])(?:;ext=|[,;#x]|ext)", re.IGNORECASE)
_NOBODY: Final = frozenset({"none", "noemail", "nomail", "unknown", "na", "test", "noreply", "declined"})


def phone_number(value: str, region: str = "", conventions: Conventions = EVERYWHERE) -> str:
    """The number within its country: neither country code, trunk prefix nor extension; empty if unusable.

    Without a region and a country code the leading zeros count as a trunk prefix, and so does the 1 of
    eleven digits.

    >>> phone_number("+1 (344) 845-5689 ext. 7"), phone_number("999-999-9999"), phone_number("x 12")
    ('3448455689', '', '')
    >>> phone_number("+33 6 12 34 56 78"), phone_number("06 12 34 56 78", "FR"), phone_number("0612345678")
    ('612345678', '612345678', '612345678')
    """
    if region in _NORTH_AMERICA and _PLAIN.fullmatch(value) is not None:
        number = _national("".join([c for c in value if c.isdigit()]), region)
    else:
        number = _parsed(value[:_LONGEST], region)
    return "" if len(number) < _FEWEST_DIGITS or is_placeholder_number(number, conventions) else number


def _national(digits: str, region: str) -> str:
    if len(digits) == 11 and digits[0] == "1":
        return digits[1:]
    if digits.startswith("00") and not region:
        return _parsed("+" + digits[2:], region)
    return digits.lstrip("0")


@lru_cache(maxsize=1 << 12)
def _parsed(value: str, region: str) -> str:
    """Read as people of that region dial; its digits where it can't be."""
    try:
        found = phonenumbers.parse(value, region or None)
    except phonenumbers.NumberParseException:
        spoken = _EXTENSION.split(unicodedata.normalize("NFKC", value), maxsplit=1)[0]
        digits = "".join([str(unicodedata.digit(c)) for c in spoken if c.isdigit()])
        return _national(digits, region or "US")
    return str(found.national_number)


def region_of(country: str, conventions: Conventions = EVERYWHERE) -> str:
    """The region of an Address.country that is a code, or else the site's.

    >>> region_of("gb"), region_of("Middle-earth"), region_of("usa")
    ('GB', '', 'US')
    """
    code = country.strip().upper()
    code = _LONG_CODES.get(code, code)
    return code if is_region(code) else conventions.region


def is_region(code: str) -> bool:
    """Two capital letters that name a region with phone numbers of its own."""
    return code in _regions()


@cache
def _regions() -> frozenset[str]:
    return frozenset(phonenumbers.SUPPORTED_REGIONS)


_LONG_CODES: Final = {
    "USA": "US",
    "U.S.A.": "US",
    "UNITED STATES": "US",
    "UK": "GB",
    "GBR": "GB",
    "UNITED KINGDOM": "GB",
    "CAN": "CA",
    "CANADA": "CA",
    "DEU": "DE",
    "GERMANY": "DE",
    "DEUTSCHLAND": "DE",
    "FRA": "FR",
    "FRANCE": "FR",
    "ESP": "ES",
    "SPAIN": "ES",
    "ESPAÑA": "ES",
    "ITA": "IT",
    "ITALY": "IT",
    "ITALIA": "IT",
    "NLD": "NL",
    "BEL": "BE",
    "CHE": "CH",
    "AUT": "AT",
    "AUS": "AU",
    "AUSTRALIA": "AU",
    "NZL": "NZ",
    "IND": "IN",
    "INDIA": "IN",
    "CHN": "CN",
    "CHINA": "CN",
    "JPN": "JP",
    "KOR": "KR",
    "BRA": "BR",
    "BRASIL": "BR",
    "BRAZIL": "BR",
    "MEX": "MX",
    "MÉXICO": "MX",
    "MEXICO": "MX",
}
"""Codes of three letters and names that address forms show; what is not here is no region."""


def email_address(value: str) -> str:
    """Lower case without whitespace; empty if it has no @ or belongs to nobody.

    >>> email_address(" Jane.Doe@Example.org "), email_address("none@none.com")
    ('jane.doe@example.org', '')
    """
    email = "".join(value.casefold().split())
    mailbox, at, host = email.partition("@")
    return email if mailbox and at and host and mailbox not in _NOBODY else ""
