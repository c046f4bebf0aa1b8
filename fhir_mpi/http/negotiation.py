"""Which representation a client sends and wants (R5 http.html#mime-type)."""

from functools import lru_cache
from typing import Final

from starlette.requests import Request

from fhir_mpi.fhir.outcome import NotAcceptable, UnsupportedMediaType

FHIR_JSON: Final = "application/fhir+json"
JSON: Final = "application/json"
OURS: Final = {
    FHIR_JSON: FHIR_JSON,
    "application/json+fhir": FHIR_JSON,
    JSON: JSON,
    "text/json": JSON,
    "*/*": FHIR_JSON,
    "application/*": FHIR_JSON,
    "json": FHIR_JSON,
}
BODIES: Final = frozenset({FHIR_JSON, "application/json+fhir", JSON, "text/json"})
COMPRESSED: Final = frozenset({"gzip", "x-gzip"})
JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"


def response_type(request: Request) -> str:
    """The media type to answer in: `_format` before Accept; raises NotAcceptable.

    Some clients join several types by semicolons (`application/fhir+json;application/json`): a part
    that is a type counts as one.
    """
    asked = request.query_params.get("_format")
    if asked is None:
        asked = ",".join(request.headers.getlist("accept")) or "*/*"
    found = _first_of_ours(asked)
    if found is None:
        raise NotAcceptable(f"this server answers in {FHIR_JSON}")
    return found


@lru_cache(maxsize=256)  # a client says the same at every request
def _first_of_ours(asked: str) -> str | None:
    parts = [part.strip().replace(" ", "+").lower() for part in asked.replace(";", ",").split(",")]
    return next((OURS[part] for part in parts if part in OURS), None)


def check_body_type(request: Request, allowed: frozenset[str] = BODIES) -> None:
    """Raises UnsupportedMediaType for a body that is not UTF-8 of an allowed type, plain or as gzip."""
    if _encoding(request) not in ("identity", *COMPRESSED):
        raise UnsupportedMediaType("send the body with Content-Encoding gzip or none")
    content_type = request.headers.get("content-type")
    if content_type is None:
        return
    name, *parameters = [part.strip().lower() for part in content_type.split(";")]
    if name not in allowed:
        raise UnsupportedMediaType(f"send the body as {' or '.join(sorted(allowed))}")
    charset = next((p.partition("=")[2].strip('"') for p in parameters if p.startswith("charset=")), "utf-8")
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType("send the body in UTF-8")


def is_compressed(request: Request) -> bool:
    """Whether the body comes as gzip."""
    return _encoding(request) in COMPRESSED


def _encoding(request: Request) -> str:
    return request.headers.get("content-encoding", "identity").strip().lower()
