"""The RESTful interactions of a type and of the whole, as operations of OpenAPI."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.http.negotiation import FHIR_JSON, JSON, JSON_PATCH, MERGE_PATCH
from fhir_mpi.http.openapi.parts import (
    ALWAYS,
    FORMATS,
    HISTORY,
    PAGED,
    READ,
    WITH_BODY,
    answers,
    body,
    content,
    named,
)
from fhir_mpi.http.search import FORM


@dataclass(frozen=True, slots=True)
class Place:
    """One method of one path below the base, and its Operation Object without what all have."""

    method: str
    path: str
    summary: str
    operation: Json


@dataclass(frozen=True, slots=True)
class Type:
    """A resource type as the CapabilityStatement has it (CapabilityStatement.rest.resource)."""

    entry: Resource

    @property
    def name(self) -> str:
        found: str = self.entry["type"]
        return found

    @property
    def codes(self) -> Sequence[str]:
        return [interaction["code"] for interaction in self.entry["interaction"]]


def type_places(entry: Resource) -> Iterator[Place]:
    """Every method and path that a type's interactions stand for."""
    type = Type(entry)
    for code in type.codes:
        yield from INTERACTIONS[code](type)


def _read(type: Type) -> Iterator[Place]:
    conditions = named("id", *FORMATS, *READ, "If-None-Match", "If-Modified-Since")
    found = {"parameters": conditions, "responses": answers(type.name, 200, 304, refusals=(*ALWAYS, 410))}
    yield Place("get", f"/{type.name}/{{id}}", f"The current version of a {type.name}", found)


def _vread(type: Type) -> Iterator[Place]:
    found = {
        "parameters": named("id", "version", *FORMATS, *READ, "If-None-Match", "If-Modified-Since"),
        "responses": answers(type.name, 200, 304, refusals=(*ALWAYS, 410)),
    }
    path = f"/{type.name}/{{id}}/_history/{{version}}"
    yield Place("get", path, f"A version of a {type.name}", found)


def _create(type: Type) -> Iterator[Place]:
    found = _write(type, 200, 201, parameters=["If-None-Exist"], refusals=(409, 412, 422))
    yield Place("post", f"/{type.name}", f"Store a new {type.name}", found)


def _update(type: Type) -> Iterator[Place]:
    refusals = (405, 409, 412, 422, 428)
    found = _write(type, 200, 201, parameters=["id", "If-Match"], refusals=refusals)
    yield Place("put", f"/{type.name}/{{id}}", f"Store a {type.name} under this id", found)
    if type.entry.get("conditionalUpdate"):
        by_criteria = _write(type, 200, 201, parameters=["If-Match"], refusals=refusals, criteria=True)
        summary = f"Update the {type.name} that meets the criteria, or create it"
        yield Place("put", f"/{type.name}", summary, by_criteria)


def _patch(type: Type) -> Iterator[Place]:
    refusals = (409, 410, 412, 422, 428)
    patches = {
        "required": True,
        "content": {
            JSON_PATCH: {"schema": {"type": "array", "items": {"type": "object"}}},
            MERGE_PATCH: {"schema": {"type": "object"}},
            **content("Parameters", FHIR_JSON),
        },
    }
    found = _write(type, 200, parameters=["id", "If-Match"], refusals=refusals) | {"requestBody": patches}
    yield Place("patch", f"/{type.name}/{{id}}", f"Change parts of a {type.name}", found)
    if type.entry.get("conditionalUpdate"):  # conditionalPatch would break clients that read R4
        by_criteria = _write(type, 200, parameters=["If-Match"], refusals=refusals, criteria=True)
        summary = f"Change parts of the {type.name} that meets the criteria"
        yield Place("patch", f"/{type.name}", summary, by_criteria | {"requestBody": patches})


def _delete(type: Type) -> Iterator[Place]:
    found = {
        "parameters": named("id", *FORMATS, "If-Match", "Prefer"),
        "responses": answers("OperationOutcome", 200, 204, refusals=(*ALWAYS, 409, 412)),
    }
    yield Place("delete", f"/{type.name}/{{id}}", f"Delete a {type.name}; its versions stay", found)
    if type.entry.get("conditionalDelete", "not-supported") != "not-supported":
        by_criteria = found | {"parameters": [*_criteria(type), *named(*FORMATS, "If-Match", "Prefer")]}
        summary = f"Delete the {type.name} that meets the criteria"
        yield Place("delete", f"/{type.name}", summary, by_criteria)


def _search(type: Type) -> Iterator[Place]:
    found = {
        "parameters": [*_criteria(type), *named(*PAGED, *FORMATS, "Prefer")],
        "responses": answers("Bundle", 200, refusals=(*ALWAYS, 410)),
        "description": "A parameter may have a modifier (`name:exact`), and a reference may be followed"
        " (`organization.name`, `_has:Provenance:target:agent`): see the documentation of the project.",
    }
    yield Place("get", f"/{type.name}", f"Search for {type.name}", found)
    yield Place("post", f"/{type.name}/_search", f"Search for {type.name} by a form", form(found))


def form(search: Json) -> Json:
    """A search by GET as one by POST: each parameter may stand in the form."""
    return search | {
        "requestBody": {"required": False, "content": {FORM: {"schema": {"type": "object"}}}},
        "responses": answers("Bundle", 200, refusals=(*ALWAYS, *WITH_BODY, 410)),
    }


def _instance_history(type: Type) -> Iterator[Place]:
    found = history("id")
    yield Place("get", f"/{type.name}/{{id}}/_history", f"The versions of a {type.name}", found)


def _type_history(type: Type) -> Iterator[Place]:
    path, summary = f"/{type.name}/_history", f"The versions of every {type.name}"
    yield Place("get", path, summary, history())


def history(*where: str) -> Json:
    return {
        "parameters": named(*where, *HISTORY, *FORMATS),
        "responses": answers("Bundle", 200, refusals=(*ALWAYS, 410)),
    }


def _write(
    type: Type, *statuses: int, parameters: Sequence[str], refusals: Sequence[int], criteria: bool = False
) -> Json:
    """An interaction that brings a body; the representation may not be what the client prefers."""
    return {
        "parameters": [*(_criteria(type) if criteria else ()), *named(*parameters, *FORMATS, "Prefer")],
        "requestBody": body(type.name, FHIR_JSON, JSON),
        "responses": answers("Resource", *statuses, refusals={*ALWAYS, *WITH_BODY, *refusals}),
    }


def _criteria(type: Type) -> list[Json]:
    return [
        {
            "name": parameter["name"],
            "in": "query",
            "schema": {"type": "string"},
            "description": parameter.get("documentation", f"A {parameter['type']} parameter of R5"),
        }
        for parameter in type.entry.get("searchParam", ())
    ]


INTERACTIONS: Final[Mapping[str, Callable[[Type], Iterator[Place]]]] = {
    "read": _read,
    "vread": _vread,
    "create": _create,
    "update": _update,
    "patch": _patch,
    "delete": _delete,
    "search-type": _search,
    "history-instance": _instance_history,
    "history-type": _type_history,
}
"""By the interaction code of a CapabilityStatement (CapabilityStatement.rest.resource.interaction)."""
