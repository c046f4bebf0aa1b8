"""The explanation of a match as one HTML page: it brings its style, and needs nothing from anywhere."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.mdm.explanation import Explanation
from fhir_mpi.operations.explained.chart import chart

FOLDER: Final = Path(__file__).parent
STYLE: Final = (FOLDER / "page.css").read_text(encoding="utf-8")
TEMPLATES: Final = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
WITHIN_THE_PAGE: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; "
    f"style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'"
)
POLICY: Final = f"{WITHIN_THE_PAGE}; frame-ancestors 'none'"
"""The Content-Security-Policy that the page is sent with; a file carries the first part in itself."""


class Line(NamedTuple):
    """One thing that is known of a person, on both sides."""

    what: str
    ours: list[str]
    theirs: list[str]


def page(found: Explanation, ours: Resource, theirs: Resource) -> str:
    """HTML of the verdict, the waterfall, both records, their normalised values, and the keys."""
    return TEMPLATES.get_template("page.html").render(
        found=found,
        match=found.match,
        ours=ours,
        theirs=theirs,
        lines=list(_lines(ours, theirs)),
        chart=chart(found.match.outcomes, found.model.thresholds),
        style=STYLE,
        policy=WITHIN_THE_PAGE,
    )


def _lines(ours: Resource, theirs: Resource) -> Iterator[Line]:
    """What both records say, as they say it."""
    one, other = dict(_facts(ours)), dict(_facts(theirs))
    for what in [*one, *(what for what in other if what not in one)]:
        yield Line(what, one.get(what, []), other.get(what, []))


def _facts(resource: Resource) -> Iterator[tuple[str, list[str]]]:
    names = resource.get("name")
    yield "name", [names] if isinstance(names, str) else [_name(n) for n in _present(names)]
    yield "alias", [str(alias) for alias in resource.get("alias") or () if alias]
    yield "birth date", _text(resource.get("birthDate"))
    yield "gender", _text(resource.get("gender"))
    yield "identifier", [_joined(" ", i.get("system"), i.get("value")) for i in _identifiers(resource)]
    contacts = _present(resource.get("contact"))
    telecom = [*_present(resource.get("telecom")), *(t for c in contacts for t in _present(c.get("telecom")))]
    yield "telecom", [_joined(" ", t.get("system"), t.get("value")) for t in telecom]
    yield "address", [_address(a) for a in _present(resource.get("address"))]
    yield "deceased", _text(resource.get("deceasedDateTime") or resource.get("deceasedBoolean"))
    yield "active", _text(resource.get("active"))


def _identifiers(resource: Resource) -> list[Json]:
    return _present(resource.get("identifier"))


def _present(elements: object) -> list[Json]:
    return (
        [element for element in elements if isinstance(element, dict)] if isinstance(elements, list) else []
    )


def _name(name: Json) -> str:
    parts = [*(name.get("prefix") or ()), *(name.get("given") or ()), name.get("family")]
    said = _joined(" ", *parts, *(name.get("suffix") or ())) or str(name.get("text") or "")
    return f"{said} ({name['use']})" if name.get("use") else said


def _address(address: Json) -> str:
    place = _joined(" ", address.get("postalCode"), address.get("city"))
    lines = address.get("line") or ()
    said = _joined(", ", *lines, place, address.get("state"), address.get("country"))
    return said or str(address.get("text") or "")


def _text(value: object) -> list[str]:
    return [] if value is None else [str(value).lower() if isinstance(value, bool) else str(value)]


def _joined(between: str, *parts: object) -> str:
    return between.join(str(part) for part in parts if part)
