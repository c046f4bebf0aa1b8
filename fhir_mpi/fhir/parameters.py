"""Parameters in, a checked dict out, ruled by the OperationDefinition (R5 operations.html#request)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from fhir_mpi.fhir.operation_definition import PRIMITIVES, inputs, is_resource, value_key
from fhir_mpi.fhir.outcome import (
    InvalidRequest,
    InvalidResource,
    InvalidValue,
    MalformedBody,
    MissingParameter,
)
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.fhir.validation.primitives import INTEGERS
from fhir_mpi.fhir.validation.values import value_issues

BODY: Final = "Parameters.parameter"
INTEGER: Final = re.compile(r"0|[-+]?[1-9][0-9]{0,18}", re.ASCII)
DECIMAL: Final = re.compile(r"[-+]?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Given:
    """A parameter as it was given: Parameters.parameter itself, and where it stands."""

    part: Json
    where: str


def read_parameters(
    definition: Resource, body: Resource | None, query: Sequence[tuple[str, str]] = ()
) -> Json:
    """The values of a call by parameter name; a list where a parameter may repeat, a dict where it has parts.

    A body that is not a Parameters is the value of the one resource parameter, others may then stand in
    the query, where every parameter of a primitive type can (R5 operations.html#request). Raises
    MalformedBody, InvalidRequest, InvalidValue, InvalidResource or MissingParameter with the location at
    fault.
    """
    specs = inputs(definition)
    given = [*_of_query(specs, query), *_of_body(specs, body)]
    return _collected(specs, given, BODY if body else "http")


def _of_query(specs: Iterable[Resource], query: Sequence[tuple[str, str]]) -> Iterator[_Given]:
    types = {spec["name"]: spec.get("type") for spec in specs}
    for name, text in query:
        where = f"http.{name}" if name in types else "http"
        type = types.get(name)
        if type is not None and type not in PRIMITIVES:
            raise InvalidRequest(f"{name} is of type {type}, which only a body can hold", expression=where)
        yield _Given({"name": name, value_key(type or "string"): _value_of(type or "string", text)}, where)


def _value_of(type: str, text: str) -> Any:
    """The JSON value that a text of the query stands for; the text itself where it is none of the type."""
    if type == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if type in INTEGERS and INTEGER.fullmatch(text):
        return int(text)
    if type == "decimal" and DECIMAL.fullmatch(text):
        return Decimal(text)
    return text


def _of_body(specs: Sequence[Resource], body: Resource | None) -> Iterator[_Given]:
    if not body:
        return
    if body.get("resourceType") == "Parameters":
        yield from _parts(body)
        return
    resources = [spec for spec in specs if is_resource(spec.get("type", ""))]
    if len(resources) != 1:
        raise InvalidRequest("the body must be a Parameters resource", expression="Parameters")
    yield _Given({"name": resources[0]["name"], "resource": body}, f"{BODY}[0]")


def _parts(body: Resource) -> Iterator[_Given]:
    if extra := body.keys() - {"resourceType", "id", "meta", "implicitRules", "language", "parameter"}:
        raise MalformedBody(f"Parameters has no element {min(extra)!r:.80}", expression="Parameters")
    yield from _listed(body.get("parameter", []), BODY)


def _listed(parts: Any, where: str) -> Iterator[_Given]:
    if not isinstance(parts, list):
        raise MalformedBody(f"{where.rpartition('.')[2]} is a list", expression=where)
    for number, part in enumerate(parts):
        at = f"{where}[{number}]"
        if not isinstance(part, dict) or not isinstance(part.get("name"), str):
            raise MalformedBody("a parameter has no name", expression=at)
        yield _Given(part, at)


def _collected(specs: Iterable[Resource], given: Iterable[_Given], where: str) -> Json:
    """Values by name, each of them allowed, as often as it may be; what is required among them."""
    allowed = {spec["name"]: spec for spec in specs}
    values: Json = {}
    for one in given:
        spec = allowed.get(one.part["name"])
        if spec is None:
            named = f"{one.where}.name" if one.where.startswith(BODY) else one.where
            known = ", ".join(allowed) or "no parameter"
            raise InvalidRequest(f"this operation takes {known} and nothing else", expression=named)
        _keep(values, spec, one)
    for name, spec in allowed.items():
        if spec["min"] > 0 and name not in values:
            raise MissingParameter(f"parameter {name} is required", expression=where)
    return values


def _keep(values: Json, spec: Resource, one: _Given) -> None:
    name, value = spec["name"], _value(spec, one)
    if not _repeats(spec):
        if name in values:
            raise InvalidRequest(f"{name} may be given once", expression=one.where)
        values[name] = value
        return
    found = values.setdefault(name, [])
    if spec["max"] != "*" and len(found) >= int(spec["max"]):
        raise InvalidRequest(f"{name} may be given {spec['max']} times", expression=one.where)
    found.append(value)


def _repeats(spec: Resource) -> bool:
    return str(spec.get("max", "1")) != "1"


def _value(spec: Resource, one: _Given) -> Any:
    if "part" in spec:
        _check_keys(spec, one, "part")
        return _collected(spec["part"], _listed(one.part["part"], f"{one.where}.part"), f"{one.where}.part")
    key = value_key(spec["type"])
    _check_keys(spec, one, key)
    if key == "resource":
        return _resource(spec, one.part["resource"], f"{one.where}.resource")
    issues = value_issues(spec["type"], one.part[key], f"{one.where}.{key}")
    if issues and one.where.startswith(BODY):
        raise InvalidResource(issues)
    if issues:
        raise InvalidValue(f"{spec['name']} is of type {spec['type']}", expression=one.where)
    return one.part[key]


def _check_keys(spec: Resource, one: _Given, key: str) -> None:
    if key not in one.part:
        raise InvalidRequest(f"{spec['name']} takes a {key}", expression=one.where)
    if extra := one.part.keys() - {"name", key, f"_{key}", "id", "extension"}:
        text = f"{spec['name']} takes a {key} and nothing else"
        raise MalformedBody(text, expression=f"{one.where}.{min(extra)}")


def _resource(spec: Resource, value: Any, where: str) -> Resource:
    if not isinstance(value, dict):
        raise MalformedBody(f"{spec['name']} is a resource", expression=where)
    if spec["type"] not in ("Resource", "DomainResource", value.get("resourceType")):
        raise InvalidRequest(f"{spec['name']} is of type {spec['type']}", expression=f"{where}.resourceType")
    return value
