"""What an operation answers, made and checked by its OperationDefinition (R5 operations.html#response)."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from fhir_mpi.fhir.operation_definition import is_resource, outputs, value_key
from fhir_mpi.fhir.types import Json, Resource


class WrongAnswer(RuntimeError):
    """An operation answered other than its definition says: a fault of the server."""


def answer_parameters(*values: tuple[str, str, Any]) -> Resource:
    """The Parameters with these values, each a name, a type and the value.

    >>> answer_parameters(("count", "integer", 3))
    {'resourceType': 'Parameters', 'parameter': [{'name': 'count', 'valueInteger': 3}]}
    """
    parts = [{"name": name, value_key(type): value} for name, type, value in values]
    return {"resourceType": "Parameters", **({"parameter": parts} if parts else {})}


def check_answer(definition: Resource, answer: Resource) -> None:
    """Raises WrongAnswer where names, types or cardinalities of an answer aren't those defined.

    One resource named `return` is the answer itself. What is inside of a value isn't looked at.
    """
    specs = outputs(definition)
    if len(specs) == 1 and specs[0]["name"] == "return" and is_resource(specs[0].get("type", "")):
        expected, found = specs[0]["type"], answer["resourceType"]
        if expected not in ("Resource", "DomainResource", found):
            raise WrongAnswer(f"{definition['id']} answered a {found} in place of a {expected}")
        return
    if answer["resourceType"] != "Parameters":
        raise WrongAnswer(f"{definition['id']} answered a {answer['resourceType']}")
    _check_parts(definition["id"], specs, answer.get("parameter", ()))


def _check_parts(operation: str, specs: Sequence[Resource], parts: Sequence[Json]) -> None:
    known = {spec["name"]: spec for spec in specs}
    count = Counter(part["name"] for part in parts)
    if unknown := count.keys() - known.keys():
        raise WrongAnswer(f"{operation} answered {', '.join(sorted(unknown))}, which is not defined")
    for name, spec in known.items():
        if count[name] < spec["min"] or (spec["max"] != "*" and count[name] > int(spec["max"])):
            raise WrongAnswer(f"{operation} answered {name} {count[name]} times")
    for part in parts:
        spec = known[part["name"]]
        if "part" in spec:
            _check_parts(operation, spec["part"], part.get("part", ()))
        elif value_key(spec["type"]) not in part:
            raise WrongAnswer(f"{operation} answered {spec['name']} that is no {spec['type']}")
