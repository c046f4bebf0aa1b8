"""Identifier as linkage compares it: one text, `system|value` or `type:CODE|value`.

Where no system is said, the type code stands in for it (HL7-FAST identity matching, 4.68); such an
identifier agrees with another that has no system either, but its difference proves nothing.

A number that its own check finds wrong was never issued: its difference proves nothing either. It is
`type:system|value`, and still speaks for a number of that system which is one edit away.
"""

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Final

from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.conventions import EVERYWHERE, Conventions
from fhir_mpi.linkage.placeholders import is_placeholder_number
from fhir_mpi.linkage.text import joined

WITHOUT_SYSTEM: Final = "type:"

CHECKS: Final = {
    "luhn": "stdnum.luhn",
    "us-ssn": "stdnum.us.ssn",
    "us-npi": "luhn after 80840",
    "gb-nhs": "stdnum.gb.nhs",
    "ie-pps": "stdnum.ie.pps",
    "fr-nir": "stdnum.fr.nir",
    "nl-bsn": "stdnum.nl.bsn",
    "be-nn": "stdnum.be.nn",
    "ch-ahv": "stdnum.ch.ssn",
    "es-dni": "stdnum.es.dni",
    "es-nie": "stdnum.es.nie",
    "it-codice-fiscale": "stdnum.it.codicefiscale",
    "se-personnummer": "stdnum.se.personnummer",
    "no-fodselsnummer": "stdnum.no.fodselsnummer",
    "fi-hetu": "stdnum.fi.hetu",
    "ee-ik": "stdnum.ee.ik",
    "pl-pesel": "stdnum.pl.pesel",
    "cz-rc": "stdnum.cz.rc",
    "tr-tckimlik": "stdnum.tr.tckimlik",
    "il-id": "stdnum.il.idnr",
    "br-cpf": "stdnum.br.cpf",
    "mx-curp": "stdnum.mx.curp",
    "za-id": "stdnum.za.idnr",
    "in-aadhaar": "stdnum.in_.aadhaar",
    "cn-ric": "stdnum.cn.ric",
    "kr-rrn": "stdnum.kr.rrn",
    "ca-phn-bc": "stdnum.ca.bc_phn",
}
"""Name of a check in a model -> the module of python-stdnum that makes it."""

_KNOWN: Final = {
    "http://hl7.org/fhir/sid/us-ssn": "us-ssn",
    "http://hl7.org/fhir/sid/us-npi": "us-npi",
    "https://fhir.nhs.uk/id/nhs-number": "gb-nhs",
    "http://fhir.nl/fhir/namingsystem/bsn": "nl-bsn",
    "https://www.ehealth.fgov.be/standards/fhir/core/namingsystem/ssin": "be-nn",
    "urn:oid:2.16.756.5.32": "ch-ahv",
    "urn:oid:1.2.250.1.213.1.4.8": "fr-nir",
    "http://hl7.it/sid/codicefiscale": "it-codice-fiscale",
    "urn:oid:1.2.752.129.2.1.3.1": "se-personnummer",
    "urn:oid:2.16.578.1.12.4.1.4.1": "no-fodselsnummer",
    "urn:oid:1.2.246.21": "fi-hetu",
    "https://fhir.ee/sid/pid/est/ni": "ee-ik",
    "urn:oid:2.16.840.1.113883.3.4424.1.1.616": "pl-pesel",
    "http://fhir.health.gov.il/identifier/il-national-id": "il-id",
    "https://fhir.infoway-inforoute.ca/namingsystem/ca-bc-patient-healthcare-id": "ca-phn-bc",
    "http://ns.electronichealth.net.au/id/hi/ihi/1.0": "luhn",
}
_OTHER_URIS: Final = {
    "urn:oid:2.16.840.1.113883.4.1": "http://hl7.org/fhir/sid/us-ssn",
    "urn:oid:2.16.840.1.113883.4.6": "http://hl7.org/fhir/sid/us-npi",
    "urn:oid:2.16.840.1.113883.2.1.4.1": "https://fhir.nhs.uk/id/nhs-number",
    "http://fhir.nhs.net/id/nhs-number": "https://fhir.nhs.uk/id/nhs-number",
    "urn:oid:2.16.840.1.113883.2.4.6.3": "http://fhir.nl/fhir/namingsystem/bsn",
    "urn:oid:2.16.840.1.113883.2.9.4.3.2": "http://hl7.it/sid/codicefiscale",
    "http://electronichealth.se/identifier/personnummer": "urn:oid:1.2.752.129.2.1.3.1",
}


def identifier_text(identifier: Json, conventions: Conventions = EVERYWHERE) -> str:
    """The comparable identifier; empty for placeholders and where neither system nor type is said.

    >>> identifier_text({"system": "http://hl7.org/fhir/sid/us-ssn", "value": "536-90-3399"})
    'http://hl7.org/fhir/sid/us-ssn|536903399'
    >>> identifier_text({"type": {"coding": [{"code": "DL"}]}, "value": "Q147"})
    'type:DL|q147'
    """
    value = joined(identifier.get("value") or "")
    if is_placeholder_number(value, conventions):
        return ""
    said = identifier.get("system")
    if said:
        system = _system(said)
        check = _KNOWN.get(system) or conventions.checks.get(said)
        if check is not None and not _passes(check, value):
            return f"{WITHOUT_SYSTEM}{system}|{value}"
        return f"{system}|{value}"
    kind = _type_code(identifier)
    return f"{WITHOUT_SYSTEM}{kind}|{value}" if kind else ""


@lru_cache(maxsize=1024)
def _system(uri: str) -> str:
    """One spelling of a system: without case, spaces and a last slash, a known OID as its URI."""
    system = "".join(uri.casefold().split()).removesuffix("/")
    return _OTHER_URIS.get(system, system)


@lru_cache(maxsize=1 << 12)
def _passes(check: str, value: str) -> bool:
    if check == "us-npi":
        return len(value) == 10 and _valid("stdnum.luhn")(f"80840{value}")
    return _valid(CHECKS[check])(value.upper())


@lru_cache(maxsize=64)
def _valid(module: str) -> Callable[[str], bool]:
    is_valid: Callable[[str], bool] = import_module(module).is_valid
    return is_valid


def _type_code(identifier: Json) -> str:
    kind = identifier.get("type") or {}
    codes = [c["code"] for c in kind.get("coding") or () if c.get("code")]
    return "".join(codes[0].split()) if codes else joined(kind.get("text") or "")
