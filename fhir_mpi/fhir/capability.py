"""The CapabilityStatement: the hand-written head, completed from the same definitions that run."""

from collections.abc import Iterable, Mapping, Sequence

from fhir_mpi.fhir.operation_definition import operation_types
from fhir_mpi.fhir.types import Json, Resource


def capability_statement(
    head: Resource,
    *,
    operations: Iterable[Resource],
    search_parameters: Mapping[str, Sequence[Resource]],
    published: Sequence[Json] = (),
    base_url: str,
    software_version: str,
) -> Resource:
    """`head` with the search parameters and operations of each type, and this server's address.

    `published` are entries of types that are served as well, complete as they are.
    """
    operations = list(operations)
    rest = head["rest"][0]
    resources = [_completed(entry, operations, search_parameters) for entry in rest["resource"]]
    completed = {**rest, "resource": [*resources, *published]}
    if system := [_operation(o) for o in operations if o["system"]]:
        completed["operation"] = system
    return {
        **head,
        "software": {"name": "fhir_mpi", "version": software_version},
        "implementation": {"description": "fhir_mpi master patient index", "url": base_url},
        "rest": [completed],
    }


def _completed(
    entry: Json, operations: Sequence[Resource], search_parameters: Mapping[str, Sequence[Resource]]
) -> Json:
    found = dict(entry)
    if parameters := search_parameters.get(entry["type"], ()):
        found["searchInclude"] = ["*", *_references({entry["type"]: parameters}, None)]
        found["searchRevInclude"] = ["*", *_references(search_parameters, entry["type"])]
        found["searchParam"] = [_search_parameter(p) for p in parameters]
    if own := [_operation(o) for o in operations if _is_for(o, entry["type"])]:
        found["operation"] = own
    return found


def _references(search_parameters: Mapping[str, Sequence[Resource]], target: str | None) -> list[str]:
    """`Type:code` of every reference parameter, those alone that can refer to `target` where it is given."""
    return [
        f"{type}:{parameter['code']}"
        for type, parameters in search_parameters.items()
        for parameter in parameters
        if parameter["type"] == "reference" and target in (None, *parameter.get("target", (target,)))
    ]


def _is_for(operation: Resource, type: str) -> bool:
    return (operation["type"] or operation["instance"]) and bool(operation_types(operation, [type]))


def _search_parameter(parameter: Resource) -> Json:
    found = {"name": parameter["code"], "definition": parameter["url"], "type": parameter["type"]}
    return {**found, **_documentation(parameter)}


def _operation(definition: Resource) -> Json:
    return {"name": definition["code"], "definition": definition["url"], **_documentation(definition)}


def _documentation(definition: Resource) -> Json:
    return {"documentation": definition["description"]} if "description" in definition else {}
