"""What a write says of itself: the version it is meant for, and the kind of patch that it brings."""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Final

from starlette.requests import Request

from fhir_mpi.fhir.json import encode
from fhir_mpi.fhir.outcome import InvalidValue, MalformedBody, UnsupportedMediaType
from fhir_mpi.fhir.types import Json
from fhir_mpi.http.bodies import read_body
from fhir_mpi.http.negotiation import FHIR_JSON, JSON, JSON_PATCH, MERGE_PATCH, check_body_type
from fhir_mpi.http.state import server
from fhir_mpi.interactions.fhirpath_patching import fhirpath_patch, partial_or_fhirpath
from fhir_mpi.interactions.patching import Change, json_patch, merge_patch

PATCHES: Final[Mapping[str, Callable[[bytes], Change]]] = {
    JSON_PATCH: json_patch,
    MERGE_PATCH: merge_patch,
    JSON: partial_or_fhirpath,  # as fhirpy sends it
    FHIR_JSON: fhirpath_patch,
}
ETAG: Final = re.compile(r'(?:W/)?"?([0-9]{1,9})"?')


async def read_patch(request: Request) -> Change:
    """The change in the body, by its Content-Type; a JSON Patch where that is not told."""
    own = server(request)
    check_body_type(request, frozenset(PATCHES))
    body = await read_body(request, limit=own.max_body, seconds=own.body_timeout)
    return patch_of(request.headers.get("content-type", JSON_PATCH), body)


def if_match(request: Request) -> int | None:
    """The version in If-Match; InvalidValue where that is no single ETag of this server."""
    given = request.headers.get("if-match")
    return None if given is None else version_meant(given, "http.If-Match")


def version_meant(etag: str, expression: str) -> int:
    """The version that an If-Match names, which stands at `expression`."""
    found = ETAG.fullmatch(etag.strip())
    if found is None:
        raise InvalidValue('If-Match is one ETag such as W/"3"', expression=expression)
    return int(found[1])


def entry_patch(resource: Json) -> tuple[str, bytes]:
    """The Content-Type and the body of the patch in a Bundle's entry: a Binary with a patch in `data`,
    or the Parameters of a FHIRPath Patch (R5 http.html#patch).
    """
    if resource.get("resourceType") != "Binary":
        return FHIR_JSON, encode(resource)
    content_type, data = resource.get("contentType"), resource.get("data")
    if not isinstance(content_type, str) or not isinstance(data, str):
        raise MalformedBody("the Binary of a PATCH has a contentType and data", expression="Binary")
    try:
        return content_type, b64decode("".join(data.split()), validate=True)
    except ValueError as error:
        raise MalformedBody("data is no base64", expression="Binary.data") from error


def patch_of(content_type: str, body: bytes) -> Change:
    """The change in a body; UnsupportedMediaType where this is no kind of patch that is known."""
    name = content_type.partition(";")[0].strip().lower()
    if name not in PATCHES:
        raise UnsupportedMediaType(f"send the patch as {' or '.join(sorted(PATCHES))}")
    return PATCHES[name](body)
