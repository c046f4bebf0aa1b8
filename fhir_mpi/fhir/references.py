"""References as they are written: `Type/id`, maybe with a base URL and a version (R5 references.html)."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

LOGICAL_ID: Final = r"[A-Za-z0-9\-.]{1,64}"
"""The pattern of a logical id (R5 datatypes.html#id)."""

_TARGET: Final = re.compile(rf"(?:^|/)([A-Z][A-Za-z]*)/{LOGICAL_ID}(?:/_history/{LOGICAL_ID})?(?:#.*)?\Z")
_VERSION: Final = re.compile(rf"/_history/{LOGICAL_ID}\Z")
_LOCAL: Final = re.compile(rf"([A-Z][A-Za-z]*)/({LOGICAL_ID})(?:/_history/{LOGICAL_ID})?(?:#.*)?")


def written_type(reference: str) -> str | None:
    """The word in the place of the resource type, None where there is none.

    >>> written_type("https://example.org/FHIR/R5/Patient/1/_history/2"), written_type("urn:uuid:0-1")
    ('Patient', None)
    """
    found = _TARGET.search(reference)
    return None if found is None else found[1]


def local_references(value: Any, base_url: str) -> Mapping[str, Sequence[str]]:
    """Type -> ids of what the `reference` elements of a resource name on this server, without repeats.

    >>> local_references({"a": [{"reference": "Patient/1"}, {"reference": "http://x/Patient/2"}]}, "http://x")
    {'Patient': ['1', '2']}
    >>> local_references({"a": {"reference": "http://y/Patient/1"}, "b": {"reference": "#c"}}, "http://x")
    {}
    """
    found: dict[str, dict[str, None]] = {}
    for text in _references(value):
        place = local_reference(text, base_url)
        if place is not None:
            found.setdefault(place[0], {})[place[1]] = None
    return {type: list(ids) for type, ids in found.items()}


def written_references(resource: Any) -> Iterator[str]:
    """What the `reference` elements of a resource say, at any depth and without versions; none that are
    local to it, or to the Bundle it came in.

    >>> list(written_references({"a": [{"reference": "Patient/1/_history/2"}, {"reference": "#c"}]}))
    ['Patient/1']
    """
    for text in _references(resource):
        if not text.startswith(("#", "urn:")):
            yield versionless(text)


def versionless(reference: str) -> str:
    """
    >>> versionless("Patient/1/_history/2"), versionless("Patient/1")
    ('Patient/1', 'Patient/1')
    """
    return _VERSION.sub("", reference)


def spellings(type: str, id: str, base_url: str) -> tuple[str, str]:
    """How a resource of this server may be referred to, versions aside."""
    return f"{type}/{id}", f"{base_url.rstrip('/')}/{type}/{id}"


def repointed(value: Any, old: Collection[str], new: str) -> Any:
    """The value with each `reference` that says one of `old`, whatever its version, saying `new`.

    >>> repointed([{"reference": "Patient/1/_history/2", "display": "A"}], ["Patient/1"], "Patient/3")
    [{'reference': 'Patient/3', 'display': 'A'}]
    """
    if isinstance(value, list):
        return [repointed(each, old, new) for each in value]
    if not isinstance(value, dict):
        return value
    found = {key: repointed(each, old, new) for key, each in value.items()}
    reference = value.get("reference")
    if isinstance(reference, str) and versionless(reference) in old:
        found["reference"] = new
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str):
            yield reference
        value = list(value.values())
    if isinstance(value, list):
        for child in value:
            yield from _references(child)


def local_reference(reference: str, base_url: str) -> tuple[str, str] | None:
    """Type and id of what a reference means on this server, its version aside; None for any other.

    >>> local_reference("https://mpi.example/fhir/Patient/1/_history/2", "https://mpi.example/fhir")
    ('Patient', '1')
    >>> local_reference("#contained", "https://mpi.example/fhir") is None
    True
    """
    found = _LOCAL.fullmatch(reference.removeprefix(base_url.rstrip("/") + "/"))
    return None if found is None else (found[1], found[2])
