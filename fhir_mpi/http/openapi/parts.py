"""What operations of the API share: schemas, parameters, answers (OpenAPI 3.1.1, components)."""

from collections.abc import Iterable, Mapping
from typing import Final

from fhir_mpi.fhir.references import LOGICAL_ID
from fhir_mpi.fhir.types import Json
from fhir_mpi.fhir.validation.elements import Element, children
from fhir_mpi.fhir.validation.primitives import SCHEMAS
from fhir_mpi.http.negotiation import FHIR_JSON, JSON, JSON_PATCH, MERGE_PATCH
from fhir_mpi.http.search import FORM

STATUSES: Final[Mapping[int, str]] = {
    200: "Done",
    201: "Created",
    202: "Accepted; what comes of it is told later",
    204: "Done; there is nothing to say",
    304: "The client has it already",
    400: "The request is wrong",
    404: "Not known here",
    405: "Not offered here; Allow says what is",
    406: "Only JSON of FHIR 5.0 is answered",
    408: "The body took too long to arrive",
    409: "Somebody else was first, or has what must be unique",
    410: "It was deleted, or the page has expired",
    412: "A condition does not hold",
    413: "The body, or what it asks for, is too large",
    414: "The URL is too long",
    415: "Only JSON of FHIR 5.0 is taken, plain or as gzip",
    422: "The resource breaks a profile, or a patch does not fit",
    428: "The version must be named in If-Match",
    500: "The server failed",
    503: "The server is busy; Retry-After says when to come back",
}
ALWAYS: Final = (400, 404, 406, 414, 500, 503)
"""What any request below the base may be answered with."""
WITH_BODY: Final = (408, 413, 415)
_HEADERS: Final[Mapping[str, str]] = {
    "If-None-Match": "ETags that the client has",
    "If-Modified-Since": "HTTP date of what the client has",
    "If-Match": "ETag of the version that is meant",
    "If-None-Exist": "Criteria; the resource is created where nothing meets them",
    "Prefer": "return=minimal, representation or OperationOutcome; handling=strict or lenient",
}
_QUERY: Final[Mapping[str, tuple[str, Json]]] = {
    "_format": ("Media type of the answer", {"type": "string"}),
    "_pretty": ("Whether the answer is indented: true", {"type": "string"}),
    "_summary": ("A part of each resource", {"enum": ["true", "text", "data", "count", "false"]}),
    "_elements": ("Elements, by comma", {"type": "string"}),
    "_count": ("Resources on a page", {"type": "integer", "minimum": 0}),
    "_sort": ("Search parameters, by comma, each with - for descending", {"type": "string"}),
    "_total": ("Whether matches are counted", {"enum": ["none", "estimate", "accurate"]}),
    "_include": ("What comes along: Type:parameter, maybe :Type", {"type": "string"}),
    "_revinclude": ("What comes along and refers to a match", {"type": "string"}),
    "_cursor": ("A page, as a link names it", {"type": "string"}),
    "_since": ("Only what was written then or later", {"type": "string"}),
    "_at": ("Only what was current then", {"type": "string"}),
    "_type": ("Resource types, by comma", {"type": "string"}),
}
PAGED: Final = ("_count", "_sort", "_total", "_include", "_revinclude", "_summary", "_elements", "_cursor")
READ: Final = ("_summary", "_elements")
HISTORY: Final = ("_count", "_since", "_at", "_sort", "_summary", "_elements", "_cursor")
FORMATS: Final = ("_format", "_pretty")
_PATH: Final[Mapping[str, Json]] = {
    name: {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": pattern}}
    for name, pattern in {"id": f"^{LOGICAL_ID}$", "version": "^[1-9][0-9]{0,8}$"}.items()
}
BODIES: Final = {"resource": (FHIR_JSON, JSON), "form": (FORM,), "patch": (JSON_PATCH, MERGE_PATCH)}


def components(types: Iterable[str]) -> Json:
    """Everything that operations refer to; each of `types` gets a schema."""
    return {
        "schemas": {type: schema(type) for type in types},
        "parameters": {p["name"]: p for p in (*_headers(), *_queries(), *_PATH.values())},
        "responses": {f"refused{status}": refusal(status) for status in STATUSES if status >= 400},
    }


def schema(type: str) -> Json:
    """The elements of a resource type, one level deep: what is in them is R5's, and `$validate` knows it."""
    properties = {name: _element(element) for name, element in children(type).items()}
    return {
        "type": "object",
        "required": ["resourceType"],
        "properties": {"resourceType": {"const": type}, **properties},
        "externalDocs": {"url": f"https://hl7.org/fhir/R5/{type.lower()}.html"},
    }


def _element(element: Element) -> Json:
    one = dict(SCHEMAS[element.type]) if element.primitive else {"type": "object"}
    if element.codes is not None:
        one = {"type": "string", "enum": sorted(element.codes)}
    return {"type": "array", "minItems": 1, "items": one} if element.many else one


def answers(type: str, *statuses: int, refusals: Iterable[int], enclosed: bool = False) -> Json:
    """The answers of an operation: `type` with each of `statuses`, an OperationOutcome with the others,
    which may stand in a Parameters where it is `enclosed`.
    """
    own = {str(s): _answer(type, s) for s in statuses}
    shared = {s: {"$ref": f"#/components/responses/refused{s}"} for s in sorted(refusals)}
    return own | {str(s): _enclosed(s) if enclosed else ref for s, ref in shared.items()}


def refusal(status: int) -> Json:
    """Always FHIR JSON, for what the client wanted may be what is at fault."""
    return {"description": STATUSES[status], "content": content("OperationOutcome", FHIR_JSON)}


def _enclosed(status: int) -> Json:
    kinds = [{"$ref": f"#/components/schemas/{type}"} for type in ("OperationOutcome", "Parameters")]
    either = {name: {"schema": {"anyOf": kinds}} for name in (FHIR_JSON, JSON)}
    return {"description": STATUSES[status], "content": either}


def _answer(type: str, status: int) -> Json:
    described = {"description": STATUSES[status]}
    return described if status in (202, 204, 304) else described | {"content": content(type, FHIR_JSON, JSON)}


def content(type: str, *media_types: str) -> Json:
    return {name: {"schema": {"$ref": f"#/components/schemas/{type}"}} for name in media_types}


def named(*names: str) -> list[Json]:
    """Shared parameters by name."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def body(type: str, *media_types: str, required: bool = True) -> Json:
    return {"required": required, "content": content(type, *media_types)}


def _headers() -> Iterable[Json]:
    for name, text in _HEADERS.items():
        yield {"name": name, "in": "header", "description": text, "schema": {"type": "string"}}


def _queries() -> Iterable[Json]:
    for name, (text, kind) in _QUERY.items():
        yield {"name": name, "in": "query", "description": text, "schema": kind}
