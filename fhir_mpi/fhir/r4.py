"""R4 resources as R5 says the same, for the resource types of an index (R5 diff pages of each type).

| R4 | R5 |
|---|---|
| Organization.telecom, .address | Organization.contact, one per address, the first with all telecom |
| Organization.contact.name | a list of names |
| Practitioner.communication | its language |
| Provenance.reason | Provenance.authorization.concept |
| Attachment.size, a number | a string (integer64) |

Patient, Person and RelatedPerson differ in nothing else. What R5 has no place for is left as it is, so
that validation names it: modifier extensions of an Organization's contact, the Provenance.entity.role
`derivation`, attachments inside extensions, elements of the wrong JSON type.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from fhir_mpi.fhir.types import Json, Resource


def to_r5(resource: Resource) -> Resource:
    """The resource as R5; the very same object where R4 and R5 say it alike, so R5 passes as it is.

    Never raises and never changes what it was given; the order of keys is kept.

    >>> to_r5({"resourceType": "Organization", "telecom": [{"system": "phone", "value": "1"}]})
    {'resourceType': 'Organization', 'contact': [{'telecom': [{'system': 'phone', 'value': '1'}]}]}
    """
    type = resource.get("resourceType")
    convert = _BY_TYPE.get(type) if isinstance(type, str) else None
    found = convert(resource) if convert else resource
    contained = found.get("contained")
    if not isinstance(contained, list):
        return found
    return _with(found, "contained", [to_r5(c) if isinstance(c, dict) else c for c in contained])


def _organization(organization: Resource) -> Resource:
    contacts = organization.get("contact", [])
    telecom, addresses = organization.get("telecom", []), organization.get("address", [])
    if not all(isinstance(part, list) for part in (contacts, telecom, addresses)):
        return organization
    moved = _moved(telecom, addresses)
    named = [_contact(contact) for contact in contacts]
    if not moved and named == contacts:
        return organization
    return _in_place_of(organization, ("telecom", "address", "contact"), "contact", [*moved, *named])


def _moved(telecom: list[Any], addresses: list[Any]) -> list[Json]:
    """An ExtendedContactDetail holds one address: each gets its own, the first keeps all telecom."""
    details: list[Json] = [{"address": address} for address in addresses]
    if telecom:
        details[:1] = [{"telecom": telecom, **(details[0] if details else {})}]
    return details


def _contact(contact: Any) -> Any:
    if isinstance(contact, dict) and isinstance(contact.get("name"), dict):
        return {**contact, "name": [contact["name"]]}
    return contact


def _practitioner(practitioner: Resource) -> Resource:
    return _each(_photographed(practitioner), "communication", _language)


def _language(communication: Json) -> Json:
    """An R4 CodeableConcept as the R5 element that holds one; extensions belong to the concept."""
    if communication.keys() & {"language", "preferred"}:
        return communication
    return {"language": communication}


def _provenance(provenance: Resource) -> Resource:
    reasons = provenance.get("reason")
    if not isinstance(reasons, list) or "authorization" in provenance:
        return provenance
    return _in_place_of(provenance, ("reason",), "authorization", [{"concept": reason} for reason in reasons])


def _photographed(person: Resource) -> Resource:
    photo = person.get("photo")
    if isinstance(photo, dict):  # one in Person, where R5 has a list
        person = _with(person, "photo", [photo])
    return _each(person, "photo", _attachment)


def _attachment(attachment: Json) -> Json:
    size = attachment.get("size")
    return _with(attachment, "size", str(size)) if type(size) is int else attachment


def _each(resource: Resource, key: str, convert: Callable[[Json], Json]) -> Resource:
    elements = resource.get(key)
    if not isinstance(elements, list):
        return resource
    return _with(resource, key, [convert(e) if isinstance(e, dict) else e for e in elements])


def _with(element: Json, key: str, value: Any) -> Json:
    return element if element[key] == value else {**element, key: value}


def _in_place_of(resource: Resource, old: tuple[str, ...], new: str, value: Any) -> Resource:
    """The resource with `new` where the first of the `old` keys stood, and none of those."""
    first = next(key for key in resource if key in old)
    return {
        (new if key == first else key): (value if key == first else item)
        for key, item in resource.items()
        if key == first or key not in old
    }


_BY_TYPE: Final[Mapping[str, Callable[[Resource], Resource]]] = {
    "Organization": _organization,
    "Patient": _photographed,
    "Person": _photographed,
    "Practitioner": _practitioner,
    "Provenance": _provenance,
    "RelatedPerson": _photographed,
}
