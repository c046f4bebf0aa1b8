"""Conditional reads: whether a client has what it asks for already (R5 http.html#cread)."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.http.responses import fhir_response, version_headers
from fhir_mpi.storage.port import Stored

ETAG: Final = re.compile(r'(?:W/)?"?([^"]*)"?')


def version_response(request: Request, stored: Stored) -> Response:
    """The version, or 304 without a body where the client's condition says that it has it."""
    headers = version_headers(stored)
    if _is_known(request, stored):
        return Response(status_code=304, headers=headers)
    return fhir_response(request, stored.json, headers=headers)


def _is_known(request: Request, stored: Stored) -> bool:
    """If-None-Match decides alone where both are sent (RFC 9110, section 13.2.2)."""
    tags = request.headers.getlist("if-none-match")
    if tags:
        return any(names_version(tag, stored.version) for tag in ",".join(tags).split(","))
    since = _moment(request.headers.get("if-modified-since", ""))
    return since is not None and stored.last_updated.replace(microsecond=0) <= since


def names_version(tag: str, version: int) -> bool:
    """Whether an ETag, or the version that a client writes unquoted, is this version.

    >>> [names_version(tag, 2) for tag in ('W/"2"', '"2"', "2", " * ", 'W/"20"', "x")]
    [True, True, True, True, False, False]
    """
    found = ETAG.fullmatch(tag.strip())
    return tag.strip() == "*" or (found is not None and found[1] == str(version))


def _moment(text: str) -> datetime | None:
    """An HTTP date; what is none is no condition (RFC 9110, section 13.1.3)."""
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
