"""uri: compared as it is written, case and all (R5 search.html#uri)."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from fhir_mpi.fhir.outcome import TooCostly
from fhir_mpi.search.filters import Contains, Equals, Filter, IndexValue, Or, Prefix
from fhir_mpi.search.term import Term, cut

MODIFIERS: Final = frozenset({"above", "below", "contains", "missing"})
DEEPEST_PATH: Final = 32


def index(values: Sequence[Any]) -> Iterator[tuple[str, IndexValue]]:
    for value in values:
        if isinstance(value, str):
            yield "", cut(value)


def filter(term: Term) -> Filter:
    text = term.text
    match term.modifier:
        case "below":
            return Or((Equals(term.code, text), Prefix(term.code, text.rstrip("/") + "/")))
        case "above":
            return Or(tuple(Equals(term.code, url) for url in _ancestors(term, text)))
        case "contains":
            return Contains(term.code, text)
        case _:
            return Equals(term.code, text)


def _ancestors(term: Term, url: str) -> list[str]:
    """The URL itself and every shorter path of it, down to scheme and host; a URN has none."""
    scheme, slashes, path = url.partition("://")
    if not slashes:
        return [url]
    segments = path.split("/")
    if len(segments) > DEEPEST_PATH:
        raise TooCostly(f"the path is deeper than {DEEPEST_PATH} segments", expression=f"http.{term.code}")
    shorter = ["/".join(segments[:end]) for end in range(len(segments), 0, -1)]
    return [f"{scheme}://{part}" for part in shorter]
