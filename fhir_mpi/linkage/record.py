"""The features of a Patient or Organization that linkage compares, normalised once.

Nothing downstream sees the resource.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.linkage.addresses import address_line, city, postal_code
from fhir_mpi.linkage.birth import birth_date, birth_order, deceased
from fhir_mpi.linkage.conventions import EVERYWHERE, Conventions
from fhir_mpi.linkage.identifiers import identifier_text
from fhir_mpi.linkage.names import person_names
from fhir_mpi.linkage.organization_names import organization_name
from fhir_mpi.linkage.telecom import email_address, phone_number, region_of

Values: TypeAlias = tuple[str, ...]

NORMALISATION_VERSION: Final = "3"
"""Raised whenever the same resource would yield another record: the store must then be indexed anew."""

PACKING_VERSION: Final = "3"
"""Raised whenever `pack` writes another text for the same record."""

MOST_VALUES: Final = 8
"""A feature keeps its first eight distinct values: real records have one to three, and the blocking
keys of a record grow with their product."""


_OWN_PATIENT: Final = re.compile(r"Patient/(?P<id>[A-Za-z0-9.-]{1,64})(/_history/[A-Za-z0-9.-]{1,64})?")
# Folding leaves no control characters, so they can separate what is packed.
_FEATURE: Final = "\x1f"
_VALUE: Final = "\x1e"


class Record(NamedTuple):
    """Every value of every feature, folded; an empty tuple means missing.

    A NamedTuple and not a dataclass: one is made per candidate, and this takes less than half as long.
    """

    id: str
    family: Values = ()
    """Whole family names, of every name the person has or had."""
    family_parts: Values = ()
    """The parts of compound family names."""
    given: Values = ()
    """First given names."""
    other_given: Values = ()
    """Middle names, initials, parts of compound given names."""
    generation: Values = ()
    """"1" senior, "2" junior or II, "3", "4"."""
    birth_date: Values = ()
    """YYYY, YYYY-MM or YYYY-MM-DD."""
    birth_order: Values = ()
    """Which of twins, triplets ..., as a number."""
    gender: Values = ()
    """male, female or other."""
    address: Values = ()
    """Street lines, abbreviated."""
    postal_code: Values = ()
    city: Values = ()
    phone: Values = ()
    """The number within its country; fax and pager left out."""
    email: Values = ()
    identifier: Values = ()
    """`system|value`, or `type:CODE|value` where there is no system."""
    organization: Values = ()
    """Organization names: words without the legal form, separated by one space."""
    deceased: Values = ()
    """The date of death, "true", or "false" where the person is said to be alive."""
    inactive: Values = ()
    """"true" where the resource says active = false."""
    replaced_by: Values = ()
    """Ids of the records of this index that took the place of this one."""
    columns: Values = ()
    """What a rules file reads: one text for each of the model's columns (see linkage.hapi.columns)."""


def record_of(resource: Resource, id: str | None = None, conventions: Conventions = EVERYWHERE) -> Record:
    """The record of a Patient or an Organization; `id` replaces the resource's own.

    Tolerates null elements; values of the wrong JSON type are the validator's business.

    >>> jane = {"resourceType": "Patient", "id": "1", "name": [{"family": "Doe", "given": ["Jane"]}]}
    >>> record_of(jane).family, record_of(jane, "probe").id
    (('doe',), 'probe')
    """
    own = str(resource.get("id") or "") if id is None else id
    if resource["resourceType"] == "Organization":
        return _organization(resource, own, conventions)
    return _patient(resource, own, conventions)


def _patient(patient: Resource, id: str, conventions: Conventions) -> Record:
    names = list(person_names(_present(patient.get("name")), conventions))
    addresses = list(_present(patient.get("address")))
    phones, emails = _contacts(patient.get("telecom"), addresses, conventions)
    gender = patient.get("gender")
    return Record(
        id=id,
        family=_distinct([spelling for n in names for spelling in (n.family, n.family_spelling)]),
        family_parts=_distinct([part for n in names for part in n.family_parts]),
        given=_distinct([spelling for n in names for spelling in (n.given, n.given_spelling)]),
        other_given=_distinct([other for n in names for other in n.other_given]),
        generation=_distinct([n.generation for n in names]),
        birth_date=_distinct([birth_date(patient.get("birthDate") or "", conventions)]),
        birth_order=_distinct([birth_order(patient)]),
        gender=(gender,) if gender in ("male", "female", "other") else (),
        address=_distinct([address_line(a, conventions) for a in addresses]),
        postal_code=_distinct([postal_code(a, conventions) for a in addresses]),
        city=_distinct([city(a) for a in addresses]),
        phone=phones,
        email=emails,
        identifier=_identifiers(patient, conventions),
        deceased=_distinct([deceased(patient)]),
        inactive=_inactive(patient),
        replaced_by=_replaced_by(patient),
    )


def _organization(organization: Resource, id: str, conventions: Conventions) -> Record:
    contacts = list(_present(organization.get("contact")))
    contact_addresses = [c["address"] for c in contacts if isinstance(c.get("address"), dict)]
    addresses = [*_present(organization.get("address")), *contact_addresses]
    telecom = [*_present(organization.get("telecom"))]
    for contact in contacts:
        telecom.extend(_present(contact.get("telecom")))
    phones, emails = _contacts(telecom, addresses, conventions)
    names = [organization.get("name"), *(organization.get("alias") or ())]
    return Record(
        id=id,
        organization=_distinct([organization_name(n or "", conventions) for n in names]),
        address=_distinct([address_line(a, conventions) for a in addresses]),
        postal_code=_distinct([postal_code(a, conventions) for a in addresses]),
        city=_distinct([city(a) for a in addresses]),
        phone=phones,
        email=emails,
        identifier=_identifiers(organization, conventions),
        inactive=_inactive(organization),
    )


def _contacts(
    telecom: Iterable[Json | None] | None, addresses: Sequence[Json], conventions: Conventions
) -> tuple[Values, Values]:
    """Phones and mail addresses; a number without country code belongs where its owner lives."""
    countries = [a["country"] for a in addresses if a.get("country")]
    region = region_of(countries[0], conventions) if countries else conventions.region
    phones, emails = [], []
    for point in _present(telecom):
        value, system = point.get("value") or "", point.get("system")
        if system == "email":
            emails.append(email_address(value))
        elif system in ("phone", "sms", None):
            phones.append(phone_number(value, region, conventions))
    return _distinct(phones), _distinct(emails)


def _identifiers(resource: Resource, conventions: Conventions) -> Values:
    return _distinct([identifier_text(i, conventions) for i in _present(resource.get("identifier"))])


def _inactive(resource: Resource) -> Values:
    return ("true",) if resource.get("active") is False else ()


def _replaced_by(patient: Resource) -> Values:
    links = [link for link in _present(patient.get("link")) if link.get("type") == "replaced-by"]
    references = [(link.get("other") or {}).get("reference") or "" for link in links]
    return _distinct([found["id"] for found in map(_OWN_PATIENT.fullmatch, references) if found])


def _present(elements: Iterable[Json | None] | None) -> Iterable[Json]:
    return [e for e in elements or () if e]


def _distinct(values: Sequence[str]) -> Values:
    if len(values) == 1:
        return (values[0],) if values[0] else ()
    found = dict.fromkeys([v for v in values if v])
    return tuple(found) if len(found) <= MOST_VALUES else tuple(found)[:MOST_VALUES]


Test: TypeAlias = Callable[[Values, Values, Record, Record], bool]
"""Do two records agree so far? Of the values of the feature on both sides, and the records themselves."""


class UnknownPacking(ValueError):
    """A packed record of another version: the store must be indexed anew."""


def pack(record: Record) -> str:
    """The record without its id."""
    return _FEATURE.join([PACKING_VERSION, *[_VALUE.join(values) for values in record[1:]]])


def unpack(id: str, packed: str) -> Record:
    """The record that was packed; raises UnknownPacking for a version this code does not write.

    >>> doe = Record("1", family=("doe", "roe"), gender=("female",))
    >>> unpack("1", pack(doe)) == doe
    True
    """
    features = packed.split(_FEATURE)
    if features[0] != PACKING_VERSION or len(features) != len(Record._fields):
        raise UnknownPacking(f"packed record of version {features[0]!r}, expected {PACKING_VERSION!r}")
    values: list[Any]
    if _VALUE in packed:
        values = [tuple(text.split(_VALUE)) if text else () for text in features]
    else:
        values = [(text,) if text else () for text in features]
    values[0] = id
    return Record._make(values)
