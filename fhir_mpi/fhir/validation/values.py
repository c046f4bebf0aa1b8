"""Validation of a single value of a data type, as Parameters.parameter holds one."""

from decimal import Decimal
from functools import cache
from typing import Any

from jsonschema_rs import Draft202012Validator

from fhir_mpi.fhir.outcome import Issue
from fhir_mpi.fhir.validation import schema
from fhir_mpi.fhir.validation.primitives import CHECKS, INTEGERS, SCHEMAS
from fhir_mpi.fhir.validation.profiles import ProfileRules, compiled_rules
from fhir_mpi.fhir.validation.walker import Walk, table


def value_issues(type: str, value: Any, place: str) -> list[Issue]:
    """Every error of a value that is to be of this data type; `place` is its FHIRPath.

    >>> [issue.expression for issue in value_issues("Coding", {"code": "a", "text": "b"}, "c")]
    ['c.text']
    >>> [issue.text for issue in value_issues("date", "2023-02-29", "d")]
    ['not a date of FHIR']
    """
    if type in SCHEMAS:
        text = f"not a {type} of FHIR"
        return [] if _is_primitive(type, value) else [Issue(_fault(type, value), text, place)]
    if not isinstance(value, dict):
        return [Issue("structure", "the JSON type must be object", place)]
    found = schema.issues(_validator(type), value, place)
    if found:
        return found
    walk = Walk(_no_rules(), nested=lambda _, __: None, root=place, type=type)
    walk.element(value, table(type), place)
    return [issue for issue in walk.found if issue.severity != "warning"]


def _is_primitive(type: str, value: Any) -> bool:
    if not _validator(type).is_valid(value):
        return False
    if type in INTEGERS:
        return isinstance(value, int)  # JSON Schema takes 2.0 for an integer
    return type not in CHECKS or CHECKS[type][0](value)


def _fault(type: str, value: Any) -> str:
    """The issue code: `structure` where JSON has another type, `value` where the value is the matter."""
    same_kind = Draft202012Validator({"type": SCHEMAS[type]["type"]}).is_valid(value)
    return "value" if same_kind and not (type in INTEGERS and isinstance(value, Decimal)) else "structure"


@cache
def _validator(type: str) -> Draft202012Validator:
    return Draft202012Validator(dict(SCHEMAS[type])) if type in SCHEMAS else schema.compiled(type)


@cache
def _no_rules() -> ProfileRules:
    return compiled_rules(())
