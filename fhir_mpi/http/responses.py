"""FHIR resources as HTTP responses."""

from collections.abc import Mapping
from datetime import UTC
from email.utils import format_datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.fhir.json import decode, encode, indented
from fhir_mpi.fhir.subset import Shape, subset
from fhir_mpi.fhir.types import Resource
from fhir_mpi.http.negotiation import FHIR_JSON, response_type
from fhir_mpi.operations.explained.page import POLICY
from fhir_mpi.storage.port import Stored

LARGEST_INDENTED: Final = 1024 * 1024
"""Bytes: to parse and write more would keep others waiting."""


def fhir_response(
    request: Request, resource: Resource | bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A resource, or its stored bytes, in the media type that the client asked for, indented if it likes."""
    body = resource if isinstance(resource, bytes) else encode(resource)
    if request.query_params.get("_pretty") == "true" and len(body) <= LARGEST_INDENTED:
        body = indented(body)
    media_type = response_type(request)
    response = Response(body, status, headers=dict(headers or {}))
    response.headers["content-type"] = media_type
    return response


def html_response(page: str) -> Response:
    """A page that brings its own style, and that nobody keeps: it shows what is known of people."""
    headers = {
        "content-security-policy": POLICY,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return Response(page, media_type="text/html", headers=headers)


def shaped(resource: bytes, shape: Shape | None) -> bytes:
    """A stored resource, or the part of it that was asked for."""
    return resource if shape is None else encode(subset(decode(resource), shape))


def error_response(resource: Resource, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """An OperationOutcome; always FHIR JSON, for the client's own wish may be what is at fault."""
    response = Response(encode(resource), status, headers=dict(headers or {}))
    response.headers["content-type"] = FHIR_JSON
    return response


def version_headers(stored: Stored) -> dict[str, str]:
    """ETag and Last-Modified of one version (R5 http.html#versioning)."""
    modified = stored.last_updated.astimezone(UTC)  # the one UTC that email.utils knows for GMT
    return {"etag": f'W/"{stored.version}"', "last-modified": format_datetime(modified, usegmt=True)}


def location(base_url: str, stored: Stored) -> str:
    return f"{base_url}/{stored.type}/{stored.id}/_history/{stored.version}"
