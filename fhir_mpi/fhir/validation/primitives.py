"""The JSON Schema of each FHIR primitive type, and the tests a schema cannot make."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from fhir_mpi.fhir.dates import is_date, is_date_time, is_instant, is_time

MAX_INT: Final = 2**31 - 1
LANGUAGE: Final = r"^[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*$"

_STRING: Final = {"type": "string", "minLength": 1}
_URI: Final = {"type": "string", "pattern": r"^\S+$"}

# Patterns: FHIR R5, Datatypes, primitive types. jsonschema-rs reads `$` as the very end of the text.
SCHEMAS: Final[Mapping[str, Mapping[str, Any]]] = {
    "base64Binary": {
        "type": "string",
        "pattern": r"^\s*(([0-9A-Za-z+/]\s*){4})*(([0-9A-Za-z+/]\s*){2}=\s*=\s*|([0-9A-Za-z+/]\s*){3}=\s*)?$",
        "minLength": 1,
    },
    "boolean": {"type": "boolean"},
    "canonical": _URI,
    "code": {"type": "string", "pattern": r"^[^\s]+( [^\s]+)*$"},
    "date": _STRING,
    "dateTime": _STRING,
    "decimal": {"type": "number"},
    "id": {"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"},
    "instant": _STRING,
    "integer": {"type": "integer", "minimum": -MAX_INT - 1, "maximum": MAX_INT},
    "integer64": {"type": "string", "pattern": r"^(0|[-+]?[1-9][0-9]{0,18})$"},
    "markdown": _STRING,
    "oid": {"type": "string", "pattern": r"^urn:oid:[0-2](\.(0|[1-9][0-9]*))+$"},
    "positiveInt": {"type": "integer", "minimum": 1, "maximum": MAX_INT},
    "string": _STRING,
    "time": _STRING,
    "unsignedInt": {"type": "integer", "minimum": 0, "maximum": MAX_INT},
    "uri": _URI,
    "url": _URI,
    "uuid": {
        "type": "string",
        "pattern": r"^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    },
    "xhtml": _STRING,
}

INTEGERS: Final = frozenset({"integer", "positiveInt", "unsignedInt"})

# A type whose value the walker must look at -> (is it one?, what to say where not).
CHECKS: Final[Mapping[str, tuple[Callable[[str], bool], str]]] = {
    "date": (is_date, "not a date of the calendar"),
    "dateTime": (is_date_time, "not a date of the calendar, or a time without seconds and zone"),
    "instant": (is_instant, "not an instant with date, seconds and zone"),
    "time": (is_time, "not a time of day with seconds"),
}
