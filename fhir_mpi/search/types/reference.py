"""reference: what another resource is called (R5 search.html#reference).

A reference has the entries it is written as, that without its version, and for a relative one
`=id`, for a search that names no type. The virtual codes `:identifier` and `:text` hold
its identifier and its folded display.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from fhir_mpi.fhir.references import LOGICAL_ID
from fhir_mpi.fhir.resource_types import RESOURCE_TYPES
from fhir_mpi.search.filters import Equals, Filter, IndexValue, Or, Prefix
from fhir_mpi.search.folding import folded, sought
from fhir_mpi.search.term import Term, cut
from fhir_mpi.search.types import token

MODIFIERS: Final = frozenset({"missing", "identifier", "text", "mdm"}) | RESOURCE_TYPES
IDENTIFIER: Final = ":identifier"
TEXT: Final = ":text"
_LOGICAL_ID: Final = re.compile(LOGICAL_ID)
_RELATIVE: Final = re.compile(rf"([A-Z][A-Za-z]+)/({LOGICAL_ID})")
_VERSION: Final = re.compile(rf"/_history/{LOGICAL_ID}\Z")


def index(values: Sequence[Any]) -> Iterator[tuple[str, IndexValue]]:
    for value in values:
        if isinstance(value, str):
            yield from _written(value)
        elif isinstance(value, dict):
            yield from _reference(value)


def filter(term: Term) -> Filter:
    """`Type/id`, `id`, or a URL; one of this server is the same as the relative reference."""
    if term.modifier == "identifier":
        return token.coded(term, term.code + IDENTIFIER)
    if term.modifier == "text":
        return Prefix(term.code + TEXT, sought(term))
    text = term.text
    if term.modifier in RESOURCE_TYPES:
        if not _LOGICAL_ID.fullmatch(text):
            raise term.invalid("a logical id, as its modifier names the type")
        text = f"{term.modifier}/{text}"
    base = term.context.base_url.rstrip("/") + "/"
    text = text.removeprefix(base)
    if _RELATIVE.fullmatch(_VERSION.sub("", text)):
        return Or((Equals(term.code, text), Equals(term.code, base + text)))
    if _LOGICAL_ID.fullmatch(text):
        return Equals(term.code, "=" + text)
    return Equals(term.code, text)


def _reference(value: dict[str, Any]) -> Iterator[tuple[str, IndexValue]]:
    written = value.get("reference")
    if isinstance(written, dict):  # a CodeableReference
        yield from _reference(written)
    elif isinstance(written, str):
        yield from _written(written)
    if isinstance(display := value.get("display"), str):
        yield TEXT, folded(cut(display))
    for entry in token.identifier_entries(value.get("identifier")):
        yield IDENTIFIER, entry


@lru_cache(maxsize=4096)
def _written(text: str) -> tuple[tuple[str, IndexValue], ...]:
    """The entries of a reference or a canonical as it is written: without its version too."""
    text = cut(text)
    versionless = _VERSION.sub("", text).partition("|")[0]
    relative = _RELATIVE.fullmatch(versionless)
    entries = [text, versionless, *(["=" + relative[2]] if relative else ())]
    return tuple(("", entry) for entry in dict.fromkeys(entries))
