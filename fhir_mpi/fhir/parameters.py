"""Parameters in, a checked dict out, ruled by the OperationDefinition (R5 parameters.html)."""

from typing import Any, Final

from fhir_mpi.fhir.outcome import InvalidRequest, InvalidValue, MalformedBody, MissingParameter
from fhir_mpi.fhir.types import Json, Resource

PRIMITIVES: Final = {
    "boolean": bool,
    "integer": int,
    "positiveInt": int,
    "unsignedInt": int,
    "string": str,
    "code": str,
    "id": str,
    "uri": str,
    "canonical": str,
}


def value_key(type_code: str) -> str:
    """Where Parameters.parameter keeps a value of this type.

    >>> value_key("Patient"), value_key("boolean"), value_key("Reference")
    ('resource', 'valueBoolean', 'valueReference')
    """
    if type_code in PRIMITIVES or type_code in ("Reference", "Identifier"):
        return "value" + type_code[0].upper() + type_code[1:]
    return "resource"


def read_parameters(definition: Resource, body: Resource) -> Json:
    """The values of a call by parameter name.

    A body that is not a Parameters is the value of the one resource parameter (R5 operations.html#bare).
    Raises MalformedBody, InvalidRequest, InvalidValue or MissingParameter with the location at fault.
    """
    allowed = {p["name"]: p for p in definition["parameter"] if p["use"] == "in"}
    values: Json = {}
    for number, given in enumerate(_parts(definition, body)):
        where = f"Parameters.parameter[{number}]"
        if not isinstance(given, dict) or not isinstance(given.get("name"), str):
            raise MalformedBody("a parameter has no name", expression=where)
        name = given["name"]
        if name not in allowed:
            raise InvalidRequest(
                f"{definition['code']} takes {', '.join(allowed)} and nothing else",
                expression=f"{where}.name",
            )
        if name in values:
            raise InvalidRequest(f"{name} may be given once", expression=where)
        values[name] = _value(allowed[name], given, where)
    for name, spec in allowed.items():
        if spec["min"] > 0 and name not in values:
            raise MissingParameter(f"parameter {name} is required", expression="Parameters.parameter")
    return values


def _parts(definition: Resource, body: Resource) -> list[Any]:
    if body.get("resourceType") == "Parameters":
        if extra := body.keys() - {"resourceType", "id", "meta", "implicitRules", "language", "parameter"}:
            raise MalformedBody(f"Parameters has no element {min(extra)!r:.80}", expression="Parameters")
        parts = body.get("parameter", [])
        if not isinstance(parts, list):
            raise MalformedBody("parameter is a list", expression="Parameters.parameter")
        return parts
    resources = [
        p for p in definition["parameter"] if p["use"] == "in" and value_key(p["type"]) == "resource"
    ]
    if len(resources) != 1:
        raise InvalidRequest("the body must be a Parameters resource", expression="Parameters")
    return [{"name": resources[0]["name"], "resource": body}]


def _value(spec: Resource, given: Json, where: str) -> Any:
    key = value_key(spec["type"])
    if key not in given:
        raise InvalidRequest(f"{spec['name']} takes a {key}", expression=where)
    if extra := given.keys() - {"name", key, "id", "extension"}:
        raise MalformedBody(
            f"{spec['name']} takes a {key} and nothing else", expression=f"{where}.{min(extra)}"
        )
    value = given[key]
    if key == "resource":
        return _resource(spec, value, f"{where}.resource")
    expected = PRIMITIVES.get(spec["type"], dict)
    if type(value) is not expected:
        raise MalformedBody(f"{spec['name']} is of type {spec['type']}", expression=f"{where}.{key}")
    if spec["type"] in ("positiveInt", "unsignedInt") and value < (spec["type"] == "positiveInt"):
        raise InvalidValue(f"{spec['name']} is of type {spec['type']}", expression=f"{where}.{key}")
    return value


def _resource(spec: Resource, value: Any, where: str) -> Resource:
    if not isinstance(value, dict):
        raise MalformedBody(f"{spec['name']} is a resource", expression=where)
    if spec["type"] not in ("Resource", value.get("resourceType")):
        raise InvalidRequest(f"{spec['name']} is of type {spec['type']}", expression=f"{where}.resourceType")
    return value
