"""FHIR JSON as plain dicts, keys as FHIR spells them: the server has no second object model."""

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
Resource: TypeAlias = Json
