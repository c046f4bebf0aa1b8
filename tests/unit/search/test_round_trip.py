"""What the index holds, a search finds; what it doesn't hold, no search finds.

One property joins the two verbs of every search type: from each entry of an invented resource the
search is made that ought to find it, and one that ought not to.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mpi.fhir.types import Resource
from fhir_mpi.search.parameter import COLUMNS
from fhir_mpi.search.registry import REFERENCES
from tests.unit.search.findings import holds
from tests.unit.search.invented import TYPES, resources, searches
from tests.unit.search.served import registry, request

EXAMPLES = Path(__file__).parents[4] / "shared" / "data" / "r5" / "examples"


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
        if code == REFERENCES:  # no parameter's
            continue
        parameter = registry().parameters(type)[code.partition(":")[0]]
        kind = "phonetic" if code == "phonetic" else parameter.type.name
        for value in values:
            for name, asked in searches(kind, code, value):
                assert holds(request([(name, asked)], type).filter, entries), (name, asked)
                assert not holds(request([(name, asked + "q")], type).filter, entries), (name, asked)
                checked += 1
    return checked


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
