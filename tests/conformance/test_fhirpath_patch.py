"""Every case of HL7's test suite of FHIRPath Patch, read from XML."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest

from fhir_mpi.fhir.json import encode
from fhir_mpi.fhir.outcome import Unprocessable
from fhir_mpi.fhir.validation.elements import children
from fhir_mpi.interactions.fhirpath_patching import fhirpath_patch

SUITE: Final = Path(__file__).parents[3] / "shared/data/r5/test-suites/fhir-patch-tests.xml"
FHIR: Final = "{http://hl7.org/fhir}"
XHTML: Final = "{http://www.w3.org/1999/xhtml}"
REASONS: Final[Mapping[str, str]] = {
    "Add extension": "the suite writes Reference.reference as an XML attribute, so the element is empty",
}
"""The cases that fail, each with its reason."""


def cases() -> list[Any]:
    if not SUITE.is_file():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"{SUITE} is not there"))]
    found = ET.parse(SUITE).getroot().findall("case")  # noqa: S314 - our own copy of HL7's file
    return [pytest.param(case, id=case.attrib["name"]) for case in found]


def resource(parent: ET.Element) -> dict[str, Any]:
    (inner,) = parent
    type = inner.tag.removeprefix(FHIR)
    return {"resourceType": type, **element(type, inner)}


def element(type: str, node: ET.Element) -> dict[str, Any]:
    known = children(type)
    found: dict[str, Any] = {name: node.attrib[name] for name in ("id", "url") if name in node.attrib}
    for child in node:
        name = child.tag.removeprefix(FHIR).removeprefix(XHTML)
        rule = known[name]
        for key, value in spelled(name, rule.type, rule.primitive, child):
            if rule.many:
                found.setdefault(key, []).append(value)
            else:
                found[key] = value
    return found


def spelled(name: str, type: str, primitive: bool, node: ET.Element) -> Iterator[tuple[str, Any]]:
    if node.tag.startswith(XHTML):
        yield name, ET.tostring(node, encoding="unicode")
    elif type == "Resource":
        yield name, resource(node)
    elif not primitive:
        yield name, element(type, node)
    else:
        if "value" in node.attrib:
            yield name, read(type, node.attrib["value"])
        if below := element("Element", node):
            yield f"_{name}", below


def read(type: str, text: str) -> Any:
    if type == "boolean":
        return text == "true"
    return int(text) if type in ("integer", "positiveInt", "unsignedInt") else text


def tidy(patched: dict[str, Any]) -> dict[str, Any]:
    """The resource with its narrative in one form: the suite changes whitespace on the way."""
    text = patched.get("text")
    if text is None:
        return patched
    div = ET.canonicalize(text["div"], strip_text=True, rewrite_prefixes=True)
    return patched | {"text": text | {"div": div}}


def outcome_of(case: ET.Element) -> str | None:
    """What is wrong with our answer to a case; None where it is as the suite wants it."""
    diff = case.find("diff")
    given = case.find("input")
    assert diff is not None
    assert given is not None
    wanted = case.find("output")
    try:
        found = fhirpath_patch(encode(resource(diff)))(resource(given))
    except Unprocessable as error:
        return None if wanted is None else str(error)
    return None if wanted is not None and tidy(found) == tidy(resource(wanted)) else f"made {found}"


@pytest.mark.parametrize("case", cases())
def test_a_case_of_the_suite_is_answered_as_it_wants(case: ET.Element) -> None:
    wrong = outcome_of(case)
    if case.attrib["name"] in REASONS:
        assert wrong is not None, "the case passes: take it off the list"
    else:
        assert wrong is None


def test_every_case_that_is_listed_is_in_the_suite() -> None:
    if not SUITE.is_file():
        pytest.skip(f"{SUITE} is not there")
    named = {case.id for case in cases()}
    assert named >= REASONS.keys()
    assert len(named) > 30
