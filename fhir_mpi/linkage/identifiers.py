"""Identifier as linkage compares it: one text, `system|value` or `type:CODE|value`.

Where no system is said, the type code stands in for it (HL7-FAST identity matching, 4.68); such an
identifier agrees with another that has no system either, but its difference proves nothing.
"""

from functools import lru_cache
from typing import Final

from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.placeholders import is_placeholder_number
from fhir_mpi.linkage.text import joined

WITHOUT_SYSTEM: Final = "type:"


def identifier_text(identifier: Json) -> str:
    """The comparable identifier; empty for placeholders and where neither system nor type is said.

    >>> identifier_text({"system": "http://hl7.org/fhir/sid/us-ssn", "value": "123-45-0001"})
    'http://hl7.org/fhir/sid/us-ssn|123450001'
    >>> identifier_text({"type": {"coding": [{"code": "DL"}]}, "value": "Q147"})
    'type:DL|q147'
    """
    value = joined(identifier.get("value") or "")
    if is_placeholder_number(value):
        return ""
    system = identifier.get("system")
    if system:
        return f"{_system(system)}|{value}"
    kind = _type_code(identifier)
    return f"{WITHOUT_SYSTEM}{kind}|{value}" if kind else ""


@lru_cache(maxsize=1024)
def _system(uri: str) -> str:
    return "".join(uri.casefold().split()).removesuffix("/")


def _type_code(identifier: Json) -> str:
    kind = identifier.get("type") or {}
    codes = [c["code"] for c in kind.get("coding") or () if c.get("code")]
    return "".join(codes[0].split()) if codes else joined(kind.get("text") or "")
