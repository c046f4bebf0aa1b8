"""The invariants of R5 datatypes and of the resources an index holds, by the type that carries them.

Each takes an element and says what is wrong with it: `(code, text, name of the child at fault)`. They meet
elements whose structure is broken too, so they look before they touch. dom-6 is left out: a warning on
every resource without a narrative is noise.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from fhir_mpi.fhir.dates import DAY, has_zone, period
from fhir_mpi.fhir.types import Json
from fhir_mpi.fhir.validation.narrative import problem

Finding: TypeAlias = tuple[str, str, str]
Invariant: TypeAlias = Callable[[Json], Iterator[Finding]]

_ZONES: Final = 14 * DAY // 24  # how far a time without zone can be from UTC


def _has(element: Json, name: str) -> bool:
    return name in element or f"_{name}" in element


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
        yield "invariant", "per-1: a period must not end before it starts", "end"


def _contact_point(element: Json) -> Iterator[Finding]:
    if _has(element, "value") and not _has(element, "system"):
        yield "invariant", "cpt-2: a value needs a system", "system"


def _reference(element: Json) -> Iterator[Finding]:
    names = ("reference", "identifier", "display")
    if "extension" not in element and not any(_has(element, name) for name in names):
        yield "invariant", "ref-2: a reference needs a reference, an identifier or a display", ""


def _attachment(element: Json) -> Iterator[Finding]:
    if _has(element, "data") and not _has(element, "contentType"):
        yield "invariant", "att-1: data needs a contentType", "contentType"


def _quantity(element: Json) -> Iterator[Finding]:
    if _has(element, "code") and not _has(element, "system"):
        yield "invariant", "qty-3: a code needs a system", "system"


def _narrative(element: Json) -> Iterator[Finding]:
    div = element.get("div")
    found = problem(div) if isinstance(div, str) else None
    if found:
        yield "invalid", found, "div"


def _extension(element: Json) -> Iterator[Finding]:
    has_value = any(name.startswith(("value", "_value")) for name in element)
    if has_value == ("extension" in element):
        yield "invariant", "ext-1: an extension has either a value or extensions", ""


def _patient_contact(element: Json) -> Iterator[Finding]:
    if not any(name in element for name in ("name", "telecom", "address", "organization")):
        yield "invariant", "pat-1: a contact needs a name, a telecom, an address or an organization", ""


def _organization(element: Json) -> Iterator[Finding]:
    if not _has(element, "name") and "identifier" not in element:
        yield "invariant", "org-1: an organization needs a name or an identifier", ""
    contacts = element.get("contact")
    for index, contact in enumerate(contacts if isinstance(contacts, list) else []):
        if isinstance(contact, dict):
            yield from _organization_contact(contact, index)


def _organization_contact(contact: Json, index: int) -> Iterator[Finding]:
    telecoms = contact.get("telecom")
    telecoms = telecoms if isinstance(telecoms, list) else []
    if any(_is_home(telecom) for telecom in telecoms):
        yield "invariant", "org-3: a telecom of an organization is never of use home", f"contact[{index}]"
    if _is_home(contact.get("address")):
        yield "invariant", "org-4: an address of an organization is never of use home", f"contact[{index}]"


def _is_home(element: Any) -> bool:
    return isinstance(element, dict) and element.get("use") == "home"


def _links_to_itself(element: Json) -> Iterator[Finding]:
    """No R5 invariant: a record that replaces itself would never resolve to a survivor."""
    links, own = element.get("link"), f"{element.get('resourceType')}/{element.get('id')}"
    for index, link in enumerate(links if isinstance(links, list) else []):
        other = link.get("other") if isinstance(link, dict) else None
        if isinstance(other, dict) and other.get("reference") == own:
            yield "invariant", "a record must not link to itself", f"link[{index}].other"


INVARIANTS: Final[Mapping[str, Invariant]] = {
    "Attachment": _attachment,
    "ContactPoint": _contact_point,
    "Extension": _extension,
    "Narrative": _narrative,
    "Organization": _organization,
    "Patient": _links_to_itself,
    "PatientContact": _patient_contact,
    "Period": _period,
    "Reference": _reference,
} | dict.fromkeys(("Quantity", "Age", "Count", "Distance", "Duration"), _quantity)


def _identifier(element: Json) -> Iterator[Finding]:
    if not _has(element, "value"):
        yield "invariant", "ident-1: an identifier with no value has limited utility", "value"


def _coding(element: Json) -> Iterator[Finding]:
    if not _has(element, "code") and _has(element, "display"):
        yield "invariant", "cod-1: a display without a code says nothing to a machine", "code"


WARNINGS: Final[Mapping[str, Invariant]] = {"Coding": _coding, "Identifier": _identifier}
