"""What an OperationDefinition says: where an operation stands, how it may be called (R5 operations.html)."""

from collections.abc import Sequence
from typing import Final

from fhir_mpi.fhir.resource_types import RESOURCE_TYPES
from fhir_mpi.fhir.types import Resource
from fhir_mpi.fhir.validation.primitives import SCHEMAS

PRIMITIVES: Final = frozenset(SCHEMAS)
ABSTRACT: Final = frozenset({"Resource", "DomainResource"})


def operation_types(definition: Resource, served: Sequence[str]) -> Sequence[str]:
    """The types of `served` that the operation is for; an abstract one stands for all.

    >>> operation_types({"resource": ["Resource"]}, ["Patient", "Person"])
    ['Patient', 'Person']
    """
    named = definition.get("resource", ())
    return [type for type in served if type in named or not ABSTRACT.isdisjoint(named)]


def can_be_read(definition: Resource) -> bool:
    """Whether GET is allowed: nothing changes, what is needed fits a URL (R5 operations.html#request)."""
    needed = [p for p in inputs(definition) if p["min"] > 0]
    return not definition["affectsState"] and all(p.get("type") in PRIMITIVES for p in needed)


def needs_body(definition: Resource) -> bool:
    """Whether something that is required can only stand in a body."""
    return any(p["min"] > 0 and p.get("type") not in PRIMITIVES for p in inputs(definition))


def inputs(definition: Resource) -> list[Resource]:
    return [p for p in definition.get("parameter", ()) if p["use"] == "in"]


def outputs(definition: Resource) -> list[Resource]:
    return [p for p in definition.get("parameter", ()) if p["use"] == "out"]


def is_resource(type: str) -> bool:
    """Whether a parameter of this type is a resource.

    >>> is_resource("Patient"), is_resource("Resource"), is_resource("Meta")
    (True, True, False)
    """
    return type in ABSTRACT or type in RESOURCE_TYPES


def value_key(type: str) -> str:
    """Where Parameters.parameter keeps a value of this type.

    >>> value_key("Patient"), value_key("boolean"), value_key("Reference")
    ('resource', 'valueBoolean', 'valueReference')
    """
    return "resource" if is_resource(type) else f"value{type[0].upper()}{type[1:]}"
