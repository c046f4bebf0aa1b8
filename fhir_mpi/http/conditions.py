"""Conditional reads: whether a client has what it asks for already (R5 http.html#cread)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.fhir.dates import has_zone, period
from fhir_mpi.http.responses import fhir_response, shaped, version_headers
from fhir_mpi.search.results import read_shape
from fhir_mpi.storage.port import Stored

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ETAG: Final = re.compile(r'(?:W/)?"?([^"]*)"?')


def version_response(request: Request, stored: Stored) -> Response:
    """The version, or 304 without a body where the client's condition says that it has it."""
    headers, tag = version_headers(stored), str(stored.version)
    return unless_known(request, stored.json, headers, tag=tag, modified=stored.last_updated)


def unless_known(
    request: Request, body: bytes, headers: Mapping[str, str], *, tag: str, modified: datetime | None = None
) -> Response:
    """What is read, as the part of it that is asked for, or 304 where the client has the one of this tag."""
    if _is_known(request, tag, modified):
        return Response(status_code=304, headers=dict(headers))
    shape = read_shape(parse_qsl(request.url.query))
    return fhir_response(request, shaped(body, shape), headers=headers)


def _is_known(request: Request, current: str, modified: datetime | None) -> bool:
    """If-None-Match decides alone where both are sent (RFC 9110, section 13.2.2)."""
    tags = request.headers.getlist("if-none-match")
    if tags:
        return any(names_version(tag, current) for tag in ",".join(tags).split(","))
    since = _moment(request.headers.get("if-modified-since", ""))
    return since is not None and modified is not None and modified <= since


def names_version(tag: str, version: int | str) -> bool:
    """Whether an ETag, or the version that a client writes unquoted, is this version.

    >>> [names_version(tag, 2) for tag in ('W/"2"', '"2"', "2", " * ", 'W/"20"', "x")]
    [True, True, True, True, False, False]
    """
    found = ETAG.fullmatch(tag.strip())
    return tag.strip() == "*" or (found is not None and found[1] == str(version))


def _moment(text: str) -> datetime | None:
    """The last moment of an HTTP date, or of the instant that an entry of a Bundle has in its place; what
    is neither is no condition (RFC 9110, section 13.1.3).

    >>> _moment("Tue, 01 Feb 2022 10:00:00 GMT") == _moment("2022-02-01T11:00:00.999+01:00")
    True
    """
    try:
        _, last = period(text) if has_zone(text) else period(_instant(text))
    except ValueError:
        return None
    return EPOCH + timedelta(milliseconds=last)


def _instant(http_date: str) -> str:
    found = parsedate_to_datetime(http_date)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()
