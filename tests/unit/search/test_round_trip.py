"""What the index holds, a search finds; what it doesn't hold, no search finds.

One property joins the two verbs of every search type: from each entry of an invented resource the
search is made that ought to find it, and one that ought not to.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mpi.fhir.types import Resource
from fhir_mpi.search.filters import IndexValue
from fhir_mpi.search.folding import folded
from fhir_mpi.search.parameter import COLUMNS
from tests.unit.search.findings import holds
from tests.unit.search.served import registry, request

EXAMPLES = Path(__file__).parents[4] / "shared" / "data" / "r5" / "examples"
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
        return {"reference": f"{target}/{draw(IDS)}", "identifier": identifier()}

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


TYPES = ("Patient", "Organization", "Person", "RelatedPerson", "Practitioner", "Provenance")


@pytest.mark.parametrize("type", TYPES)
@settings(max_examples=6)
@given(data=st.data())
def test_every_entry_of_every_parameter_is_found_and_nothing_else(type: str, data: st.DataObject) -> None:
    resource = data.draw(resources(type))
    assert registry().parameters(type).keys() - COLUMNS <= registry().index(resource).keys()
    check_entries(resource)


@pytest.mark.parametrize("type", TYPES)
@settings(max_examples=6)
@given(data=st.data())
def test_a_date_is_found_by_itself_and_not_by_another(type: str, data: st.DataObject) -> None:
    resource = data.draw(resources(type))
    for code, parameter in registry().parameters(type).items():
        if parameter.type.name == "date" and code not in COLUMNS:
            for value in parameter.evaluate(resource):
                check_date(resource, code, value)


def test_the_official_examples_are_found_by_what_they_hold() -> None:
    if not EXAMPLES.is_dir():
        pytest.skip("the official examples are not here: only invented resources were searched")
    checked = 0
    for file in sorted(EXAMPLES.glob("*.json")):
        resource = json.loads(file.read_text(encoding="utf-8"))
        if resource["resourceType"] in TYPES:
            checked += check_entries(resource)
    assert checked > 1000


def check_entries(resource: Resource) -> int:
    type, entries = resource["resourceType"], registry().index(resource)
    checked = 0
    for code, values in entries.items():
        parameter = registry().parameters(type)[code.partition(":")[0]]
        kind = "phonetic" if code == "phonetic" else parameter.type.name
        for value in values:
            for name, asked in searches(kind, code, value):
                assert holds(request([(name, asked)], type).filter, entries), (name, asked)
                assert not holds(request([(name, asked + "q")], type).filter, entries), (name, asked)
                checked += 1
    return checked


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


def check_date(resource: Resource, code: str, value: Any) -> None:
    type, entries = resource["resourceType"], registry().index(resource)
    if isinstance(value, dict):
        assert holds(request([(code, "ge" + value["start"])], type).filter, entries)
        assert not holds(request([(code, "eb" + value["start"])], type).filter, entries)
        return
    other = f"{(int(value[:4]) + 5000) % 9999 + 1:04}"
    for prefix, found in (("", True), ("le", True), ("ge", True), ("ap", True), ("ne", False), ("gt", False)):
        assert holds(request([(code, prefix + value)], type).filter, entries) is found
    assert not holds(request([(code, other)], type).filter, entries)


def escaped(text: str) -> str:
    for special in "\\,|$":
        text = text.replace(special, "\\" + special)
    return text
