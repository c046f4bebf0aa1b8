"""The invariants of R5 datatypes and of the resources an index holds, by the type that carries them.

Those of quantities and of timing stand in files of their own. dom-6 is left out: a warning on every
resource without a narrative is noise.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fhir_mpi.fhir.dates import DAY, has_zone, period
from fhir_mpi.fhir.types import Json
from fhir_mpi.fhir.validation.findings import Finding, Invariant, broken, has
from fhir_mpi.fhir.validation.narrative import problem
from fhir_mpi.fhir.validation.primitives import LANGUAGE
from fhir_mpi.fhir.validation.quantities import QUANTITIES
from fhir_mpi.fhir.validation.timing import TIMING

_LANGUAGES: Final = "urn:ietf:bcp:47"
_LANGUAGE: Final = re.compile(LANGUAGE)
_ZONES: Final = 14 * DAY // 24  # how far a time without zone can be from UTC


def _period(element: Json) -> Iterator[Finding]:
    start, end = element.get("start"), element.get("end")
    if not isinstance(start, str) or not isinstance(end, str):
        return
    try:
        low, high = period(start)[0], period(end)[1]
    except ValueError:
        return  # said already, by the type
    slack = _ZONES if has_zone(start) != has_zone(end) else 0
    if low > high + slack:
        yield broken("per-1: a period must not end before it starts", "end")


def _contact_point(element: Json) -> Iterator[Finding]:
    if has(element, "value") and not has(element, "system"):
        yield broken("cpt-2: a value needs a system", "system")


def _reference(element: Json) -> Iterator[Finding]:
    names = ("reference", "identifier", "display")
    if "extension" not in element and not has(element, *names):
        yield broken("ref-2: a reference needs a reference, an identifier or a display")


def _attachment(element: Json) -> Iterator[Finding]:
    if has(element, "data") and not has(element, "contentType"):
        yield broken("att-1: data needs a contentType", "contentType")


def _narrative(element: Json) -> Iterator[Finding]:
    div = element.get("div")
    found = problem(div) if isinstance(div, str) else None
    if found:
        yield "invalid", found, "div"


def _extension(element: Json) -> Iterator[Finding]:
    has_value = any(name.startswith(("value", "_value")) for name in element)
    if has_value == ("extension" in element):
        yield broken("ext-1: an extension has either a value or extensions")


def _patient_contact(element: Json) -> Iterator[Finding]:
    if not any(name in element for name in ("name", "telecom", "address", "organization")):
        yield broken("pat-1: a contact needs a name, a telecom, an address or an organization")


def _organization(element: Json) -> Iterator[Finding]:
    if not has(element, "name") and "identifier" not in element:
        yield broken("org-1: an organization needs a name or an identifier")
    for index, contact in enumerate(_listed(element.get("contact"))):
        if isinstance(contact, dict):
            yield from _organization_contact(contact, index)


def _organization_contact(contact: Json, index: int) -> Iterator[Finding]:
    if any(_is_home(telecom) for telecom in _listed(contact.get("telecom"))):
        yield broken("org-3: a telecom of an organization is never of use home", f"contact[{index}]")
    if _is_home(contact.get("address")):
        yield broken("org-4: an address of an organization is never of use home", f"contact[{index}]")


def _is_home(element: Any) -> bool:
    return isinstance(element, dict) and element.get("use") == "home"


def _links_to_itself(element: Json) -> Iterator[Finding]:
    """No R5 invariant: a record that replaces itself would never resolve to a survivor."""
    own = f"{element.get('resourceType')}/{element.get('id')}"
    for index, link in enumerate(_listed(element.get("link"))):
        other = link.get("other") if isinstance(link, dict) else None
        if isinstance(other, dict) and other.get("reference") == own:
            yield broken("a record must not link to itself", f"link[{index}].other")


def _communication(element: Json) -> Iterator[Finding]:
    """The only required binding of our types to a concept: a language is one of BCP 47."""
    language = element.get("language")
    codings = language.get("coding") if isinstance(language, dict) else ()
    if isinstance(language, dict) and not any(_is_language(coding) for coding in _listed(codings)):
        yield "code-invalid", "one coding of a language must be a tag of urn:ietf:bcp:47", "language"


def _is_language(coding: Any) -> bool:
    if not isinstance(coding, dict) or coding.get("system") != _LANGUAGES:
        return False
    code = coding.get("code")
    return isinstance(code, str) and _LANGUAGE.fullmatch(code) is not None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _agent(element: Json) -> Iterator[Finding]:
    """prov-1 as far as it can be told without reading: by the references themselves."""
    who, other = element.get("who"), element.get("onBehalfOf")
    if isinstance(who, dict) and isinstance(other, dict):
        named = who.get("reference")
        if isinstance(named, str) and named == other.get("reference"):
            yield broken("prov-1: an agent does not act on its own behalf", "onBehalfOf")


INVARIANTS: Final[Mapping[str, Invariant]] = {
    **QUANTITIES,
    **TIMING,
    **dict.fromkeys(
        (f"{type}Communication" for type in ("Patient", "Person", "Practitioner", "RelatedPerson")),
        _communication,
    ),
    "Attachment": _attachment,
    "ContactPoint": _contact_point,
    "Extension": _extension,
    "Narrative": _narrative,
    "Organization": _organization,
    "Patient": _links_to_itself,
    "PatientContact": _patient_contact,
    "Period": _period,
    "ProvenanceAgent": _agent,
    "Reference": _reference,
}


def _identifier(element: Json) -> Iterator[Finding]:
    if not has(element, "value"):
        yield broken("ident-1: an identifier with no value has limited utility", "value")


def _coding(element: Json) -> Iterator[Finding]:
    if not has(element, "code") and has(element, "display"):
        yield broken("cod-1: a display without a code says nothing to a machine", "code")


WARNINGS: Final[Mapping[str, Invariant]] = {"Coding": _coding, "Identifier": _identifier}
