"""Which representation a client sends and wants (R5 http.html#mime-type)."""

import re
from functools import lru_cache
from operator import itemgetter
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
HTML: Final = frozenset({"text/html", "html", "application/xhtml+xml"})
VERSIONS: Final = frozenset({"5", "5.0", "5.0.0"})
WEIGHT: Final = re.compile(r"[01](\.[0-9]{1,3})?")
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
    found = _best_of_ours(asked)
    if found is None:
        raise NotAcceptable(f"this server answers in {FHIR_JSON}, of FHIR 5.0")
    return found


def prefers_html(request: Request) -> bool:
    """Whether a page is wanted rather than FHIR JSON, as browsers do; for answers that have one."""
    asked = request.query_params.get("_format")
    return _prefers_html(",".join(request.headers.getlist("accept")) if asked is None else asked)


def _prefers_html(asked: str) -> bool:
    """
    >>> _prefers_html("text/html,application/xml;q=0.9,*/*;q=0.8"), _prefers_html("html")
    (True, True)
    >>> _prefers_html("application/fhir+json, text/html"), _prefers_html("*/*")
    (False, False)
    """
    parts = asked.split(",")
    pages = [(weight, -n) for n, part in enumerate(parts) if (weight := _weight_of_html(part))]
    ours = [(found[0], -n) for n, part in enumerate(parts) for found in _ours(part)]
    return bool(pages) and max(pages) > max(ours, default=(0.0, 0))


def _weight_of_html(part: str) -> float:
    name, *parameters = [word.strip().lower() for word in part.split(";")]
    weight = next((word.removeprefix("q=") for word in parameters if word.startswith("q=")), "1")
    return _weight(weight) if name in HTML else 0.0


@lru_cache(maxsize=256)  # a client says the same at every request
def _best_of_ours(asked: str) -> str | None:
    """The one that is wanted most, the first of equals (RFC 9110, section 12.5.1).

    >>> _best_of_ours("application/json;q=0.5, application/fhir+json; fhirVersion=5.0")
    'application/fhir+json'
    >>> _best_of_ours("application/fhir+json; fhirVersion=4.0, text/html")
    """
    wanted = [found for part in asked.split(",") for found in _ours(part)]
    return max(wanted, key=itemgetter(0), default=(0.0, None))[1]


def _ours(part: str) -> list[tuple[float, str]]:
    """The types of ours in one part of Accept, each with its weight."""
    words = [word.strip().replace(" ", "+").lower() for word in part.split(";")]
    parameters = dict(word.split("=", 1) for word in words if "=" in word)
    weight = _weight(parameters.get("q", "1"))
    if weight == 0 or not _is_ours(parameters.get("fhirversion")):
        return []
    return [(weight, OURS[word]) for word in words if word in OURS]


def _weight(text: str) -> float:
    return float(text) if WEIGHT.fullmatch(text) else 1.0


def _is_ours(version: str | None) -> bool:
    """Whether a fhirVersion is the one that is spoken here, whatever its patch level."""
    return version is None or version.strip('"').split("-")[0] in VERSIONS


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
    given = {key: value.strip('"') for key, _, value in (p.partition("=") for p in parameters)}
    if given.get("charset", "utf-8") not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType("send the body in UTF-8")
    if not _is_ours(given.get("fhirversion")):
        raise UnsupportedMediaType("send the body as FHIR 5.0")


def is_compressed(request: Request) -> bool:
    """Whether the body comes as gzip."""
    return _encoding(request) in COMPRESSED


def _encoding(request: Request) -> str:
    return request.headers.get("content-encoding", "identity").strip().lower()
