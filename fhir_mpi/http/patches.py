"""What the headers of a write say: the version it is meant for, and the kind of patch in its body."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from starlette.requests import Request

from fhir_mpi.fhir.outcome import InvalidValue
from fhir_mpi.http.bodies import read_body
from fhir_mpi.http.negotiation import JSON, JSON_PATCH, MERGE_PATCH, check_body_type
from fhir_mpi.http.state import server
from fhir_mpi.interactions.patching import Change, json_patch, merge_patch

PATCHES: Final[Mapping[str, Callable[[bytes], Change]]] = {
    JSON_PATCH: json_patch,
    MERGE_PATCH: merge_patch,
    JSON: merge_patch,  # as fhirpy sends it
}
ETAG: Final = re.compile(r'(?:W/)?"?([0-9]{1,9})"?')


async def read_patch(request: Request) -> Change:
    """The change in the body, by its Content-Type; a JSON Patch where that is not told."""
    own = server(request)
    check_body_type(request, frozenset(PATCHES))
    body = await read_body(request, limit=own.max_body, seconds=own.body_timeout)
    name = request.headers.get("content-type", JSON_PATCH).partition(";")[0].strip().lower()
    return PATCHES[name](body)


def if_match(request: Request) -> int | None:
    """The version in If-Match; InvalidValue where that is no single ETag of this server."""
    given = request.headers.get("if-match")
    if given is None:
        return None
    found = ETAG.fullmatch(given.strip())
    if found is None:
        raise InvalidValue('If-Match is one ETag such as W/"3"', expression="http.If-Match")
    return int(found[1])
