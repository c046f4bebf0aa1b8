"""The OpenAPI document of this very server: paths and operations follow its CapabilityStatement.

Resources are described one level deep. All of R5's structure would make a document that nobody reads and
that no generator turns into better classes than a FHIR library has.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from fhir_mpi.fhir.operation_definition import (
    PRIMITIVES,
    can_be_read,
    inputs,
    is_resource,
    needs_body,
    outputs,
)
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.fhir.validation.primitives import SCHEMAS
from fhir_mpi.http.negotiation import FHIR_JSON, JSON
from fhir_mpi.http.openapi.interactions import Place, form, history, type_places
from fhir_mpi.http.openapi.parts import (
    ALWAYS,
    FORMATS,
    PAGED,
    STATUSES,
    WITH_BODY,
    answers,
    body,
    components,
    named,
)
from fhir_mpi.http.operations import places

OPENAPI: Final = "3.1.1"
SYSTEM: Final = "system"
SHARED: Final = ("Bundle", "Parameters", "OperationOutcome", "CapabilityStatement")
ANYTHING: Final[Json] = {
    "type": "object",
    "required": ["resourceType"],
    "properties": {"resourceType": {"type": "string"}},
}
OWN: Final[Mapping[str, tuple[str, str, tuple[int, ...]]]] = {
    "/livez": ("Whether the process is alive", JSON, ()),
    "/readyz": ("Whether the store can serve", JSON, (503,)),
    "/openapi.json": ("This document", JSON, ()),
    "/docs": ("This document as a page", "text/html", ()),
}
"""Paths outside of the FHIR API: what each says, its media type, and other statuses than 200."""


def document(statement: Resource, operations: Iterable[Resource], base_path: str) -> Json:
    """OpenAPI 3.1 of what `statement` says, with the operations' own definitions."""
    entries = statement["rest"][0]["resource"]
    stored = [entry["type"] for entry in entries if "create" in _codes(entry)]
    described = dict.fromkeys([*(entry["type"] for entry in entries), *SHARED])
    shared = components(described)
    shared["schemas"]["Resource"] = ANYTHING
    paths: dict[str, Json] = {path: {"get": _own(path)} for path in OWN}
    found = [*_system(statement), *(p for entry in entries for p in type_places(entry))]
    for place in [*found, *_operations(operations, stored)]:
        tag = _tag(place)
        paths.setdefault(base_path + place.path, {})[place.method] = {
            "operationId": f"{place.method}{place.path}".replace("{", "").replace("}", ""),
            "tags": [tag],
            "summary": place.summary,
            **place.operation,
        }
    software = statement["software"]
    return {
        "openapi": OPENAPI,
        "info": {
            "title": statement["title"],
            "version": software["version"],
            "description": statement["description"],
        },
        "servers": [{"url": _origin(statement["implementation"]["url"], base_path)}],
        "paths": paths,
        "components": shared,
    }


def _origin(base_url: str, base_path: str) -> str:
    return base_url.removesuffix(base_path) or "/"


def _tag(place: Place) -> str:
    word = place.path.strip("/").split("/")[0]
    return word if word[:1].isupper() else SYSTEM


def _codes(entry: Resource) -> Sequence[str]:
    return [interaction["code"] for interaction in entry["interaction"]]


def _system(statement: Resource) -> Iterator[Place]:
    codes = [interaction["code"] for interaction in statement["rest"][0].get("interaction", ())]
    found: Json = {
        "parameters": named(*FORMATS),
        "responses": answers("CapabilityStatement", 200, refusals=ALWAYS),
    }
    yield Place("get", "/metadata", "What this server can do", found)
    yield from _jobs()
    if "batch" in codes or "transaction" in codes:
        bundle = {
            "parameters": named(*FORMATS, "Prefer"),
            "requestBody": body("Bundle", FHIR_JSON, JSON),
            "responses": answers("Bundle", 200, refusals=(*ALWAYS, *WITH_BODY, 405, 409, 410, 412, 422, 428)),
        }
        yield Place("post", "/", "Run a batch or a transaction", bundle)
    if "history-system" in codes:
        yield Place("get", "/_history", "The versions of everything", history())
    if "search-system" in codes:
        search: Json = {
            "parameters": named("_type", *PAGED, *FORMATS, "Prefer"),
            "responses": answers("Bundle", 200, refusals=(*ALWAYS, 410)),
        }
        yield Place("get", "/", "Search several types", search)
        yield Place("post", "/_search", "Search several types by a form", form(search))


def _jobs() -> Iterator[Place]:
    refusals = (400, 404, 406, 500, 503)
    found = {"parameters": named("id", *FORMATS), "responses": answers("Bundle", 200, 202, refusals=refusals)}
    yield Place("get", "/_jobs/{id}", "What came of a request that is answered later", found)
    gone = {"parameters": named("id"), "responses": answers("Bundle", 202, refusals=refusals)}
    yield Place("delete", "/_jobs/{id}", "End a job, or forget its answer", gone)


def _operations(operations: Iterable[Resource], types: Sequence[str]) -> Iterator[Place]:
    for definition in operations:
        for path, _ in places(definition, types):
            clean = path.replace(":fhir_id", "")
            for method in ["get", "post"] if can_be_read(definition) else ["post"]:
                title: str = definition.get("title") or definition["name"]
                yield Place(method, clean, title, _called(definition, clean, method))


def _called(definition: Resource, path: str, method: str) -> Json:
    refusals = {*ALWAYS, 410, 422}
    if definition["affectsState"]:
        refusals |= {405, 409, 412, 428}
    found: Json = {
        "description": definition.get("description", ""),
        "externalDocs": {"url": definition["url"]},
        "parameters": [*named(*(["id"] if "{id}" in path else []), *FORMATS), *_in_query(definition)],
    }
    if method == "post":
        refusals |= set(WITH_BODY)
        required = needs_body(definition)
        found["requestBody"] = body("Resource", FHIR_JSON, JSON, required=required)
    # a merge tells what is wrong where it tells what was done
    enclosed = any(spec["name"] == "outcome" for spec in outputs(definition))
    own = answers(_answer(definition), 200, refusals=refusals, enclosed=enclosed)
    return found | {"responses": own}


def _in_query(definition: Resource) -> Iterator[Json]:
    for parameter in inputs(definition):
        if (type := parameter.get("type")) in PRIMITIVES:
            schema: Any = dict(SCHEMAS[type])
            if str(parameter.get("max", "1")) != "1":
                schema = {"type": "array", "items": schema}
            text = parameter.get("documentation", "")
            yield {"name": parameter["name"], "in": "query", "description": text, "schema": schema}


def _answer(definition: Resource) -> str:
    specs = outputs(definition)
    type: str = specs[0].get("type", "") if len(specs) == 1 and specs[0]["name"] == "return" else ""
    return type if is_resource(type) else "Parameters"


def _own(path: str) -> Json:
    summary, media_type, others = OWN[path]
    kind = {"type": "string" if media_type.startswith("text") else "object"}
    responses = {
        str(status): {"description": STATUSES[status], "content": {media_type: {"schema": kind}}}
        for status in (200, *others)
    }
    return {"operationId": path.strip("/"), "tags": [SYSTEM], "summary": summary, "responses": responses}
