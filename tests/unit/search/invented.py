"""Invented resources in which every search parameter finds something, and the searches for each entry."""

from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

from fhir_mpi.fhir.types import Resource
from fhir_mpi.search.filters import IndexValue
from fhir_mpi.search.folding import folded

TYPES = ("Patient", "Organization", "Person", "RelatedPerson", "Practitioner", "Provenance")
# No q: what ends in one is certainly not there. Letters of many kinds, and all that is escaped.
LETTERS = "abcXYZ0123éÉßøñçŁИя王 -'.,|$\\%_*\u0301"
WORDS = st.text(LETTERS, min_size=1, max_size=12).filter(lambda text: bool(folded(text)))
CODES = st.text("abcXYZ0123-.|,\\$@", min_size=1, max_size=8)
IDS = st.text("abcXYZ0123-.", min_size=1, max_size=8)
DATES = st.dates().map(lambda day: day.isoformat())
GENDERS = st.sampled_from(["male", "female", "other", "unknown"])


@st.composite
def resources(draw: Callable[[st.SearchStrategy[Any]], Any], type: str) -> Resource:
    """A resource in which every search parameter of its type finds something."""

    def concept() -> dict[str, Any]:
        coding = {"system": f"urn:{draw(IDS)}", "code": draw(CODES), "display": draw(WORDS)}
        return {"coding": [coding], "text": draw(WORDS)}

    def reference(target: str) -> dict[str, Any]:
        named = {"reference": f"{target}/{draw(IDS)}", "display": draw(WORDS)}
        return {**named, "identifier": identifier()}

    def identifier() -> dict[str, Any]:
        return {"system": f"urn:{draw(IDS)}", "value": draw(CODES), "type": concept()}

    def period() -> dict[str, Any]:
        return {"start": draw(DATES)}

    address = {"use": "home", "line": [draw(WORDS), draw(WORDS)], "text": draw(WORDS)}
    address |= {part: draw(WORDS) for part in ("city", "district", "state", "postalCode", "country")}
    telecom = [{"system": "phone", "value": draw(CODES)}, {"system": "email", "value": draw(CODES) + "@x"}]
    name = {"family": draw(WORDS), "given": [draw(WORDS), None, draw(WORDS)], "prefix": [draw(WORDS)]}
    meta = {"profile": [f"urn:{draw(IDS)}|1"], "source": f"https://{draw(IDS)}/x", "tag": concept()["coding"]}
    found = {
        "resourceType": type,
        "language": "fr",
        "meta": {**meta, "security": concept()["coding"]},
        "identifier": [identifier()],
        "active": draw(st.booleans()),
        "name": draw(WORDS) if type == "Organization" else [name],
        "address": [address],
        "telecom": telecom,
        "gender": draw(GENDERS),
        "birthDate": draw(DATES),
        "deceasedDateTime": draw(DATES),
        "managingOrganization": reference("Organization"),
        "patient": reference("Patient"),
    }
    own: dict[str, dict[str, Any]] = {
        "Patient": {
            "generalPractitioner": [reference("Practitioner")],
            "link": [{"other": reference("Patient")}],
            "communication": [{"language": concept()}],
        },
        "Organization": {
            "alias": [draw(WORDS)],
            "contact": [{"address": address}],
            "endpoint": [reference("Endpoint")],
            "partOf": reference("Organization"),
            "type": [concept()],
        },
        "Person": {
            "link": [{"target": reference(t)} for t in ("Patient", "Practitioner", "RelatedPerson", "Person")]
        },
        "RelatedPerson": {"relationship": [concept()]},
        "Practitioner": {
            "communication": [{"language": concept()}],
            "qualification": [{"identifier": [identifier()], "period": period()}],
        },
        "Provenance": {
            "activity": concept(),
            "agent": [{"who": reference("Device"), "role": [concept()], "type": concept()}],
            "basedOn": [reference("Task")],
            "encounter": reference("Encounter"),
            "entity": [{"what": reference("Group")}],
            "location": reference("Location"),
            "recorded": draw(DATES) + "T01:02:03Z",
            "occurredDateTime": draw(DATES),
            "signature": [{"type": concept()["coding"]}],
            "target": [reference("Patient")],
        },
    }
    return {**found, **own[type]}


def searches(kind: str, code: str, entry: IndexValue) -> Iterator[tuple[str, str]]:
    """The searches that ask for an entry, as name and value; those that a date wants are apart."""
    if not isinstance(entry, str):
        return
    if kind == "string":
        yield code, escaped(entry.partition("\x1f")[2])
        yield f"{code}:contains", escaped(entry.partition("\x1f")[0])
        yield f"{code}:exact", escaped(entry.partition("\x1f")[2])
    elif entry.startswith(("=", "~")):
        yield code, escaped(entry[1:])
    elif kind == "phonetic" or not entry.strip("|"):
        return
    elif code.endswith(":of-type"):
        if entry.count("|") == 2:  # else a code or value has a bar of its own, and the parts can't be told
            yield code, "|".join(escaped(part) for part in entry.split("|"))
    elif "|" in entry and kind in ("token", "reference") and not code.endswith(":text"):
        system, _, rest = entry.partition("|")
        yield code, f"{escaped(system)}|{escaped(rest)}"
    else:
        yield code, escaped(entry)


def escaped(text: str) -> str:
    for special in "\\,|$":
        text = text.replace(special, "\\" + special)
    return text
