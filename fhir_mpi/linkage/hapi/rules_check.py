"""What is wrong with a rules file, in HAPI's words and HAPI's order.

HAPI stops at the first problem; here every one is named, HAPI's first. What HAPI's JSON reader refuses
(HAPI-2060) is said in the words of a JSON Schema instead of those of a Java class.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import orjson
from jsonschema import Draft202012Validator

from fhir_mpi.fhir.fhirpath import UnsupportedExpression
from fhir_mpi.fhir.resource_types import RESOURCE_TYPES
from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.hapi.paths import InvalidPath, fhir_path, resource_path

Knows: TypeAlias = Callable[[str, str], bool]

ANY_TYPE: Final = "*"
MOST_FIELDS: Final = 64
SEARCHED_FOR_ANY: Final = ("Patient", "Practitioner")
"""Where HAPI looks for the search parameters of `*`."""
_NAMES: Final = re.compile(r",\s*")
_NO_URI: Final = re.compile(r"[\s<>\"{}|\\^`]|%(?![0-9A-Fa-f]{2})")


def field_names(key: str) -> list[str]:
    """The match fields that a key of matchResultMap names.

    >>> field_names("birthday, family")
    ['birthday', 'family']
    """
    return _NAMES.split(key)


def eid_systems(document: Json) -> Mapping[str, tuple[str, ...]]:
    """Type, or `*`, -> systems; the old `eidSystem` counts where there are no `eidSystems`."""
    systems = document.get("eidSystems") or {}
    if not systems and (document.get("eidSystem") or "").strip():
        systems = {ANY_TYPE: document["eidSystem"]}
    return {type: (s,) if isinstance(s, str) else tuple(s) for type, s in systems.items()}


def rules_problems(document: Any, knows: Knows) -> list[str]:
    """Every problem; empty for rules that can be used. `knows` says whether a type has a search parameter."""
    problems = [f"HAPI-2060: {e.json_path}: {e.message}" for e in _schema().iter_errors(document)]
    return problems or list(_problems(document, knows))


@cache
def _schema() -> Draft202012Validator:
    return Draft202012Validator(
        orjson.loads(files("fhir_mpi.linkage.hapi").joinpath("rules_schema.json").read_bytes())
    )


def _problems(document: Json, knows: Knows) -> Iterator[str]:
    yield from _whole(document)
    if document.get("mdmTypes") is None:
        yield "HAPI-1509: mdmTypes must be set to a list of resource types."
        return
    yield from _types(document["mdmTypes"], knows)
    yield from _search_parameters(document, knows)
    yield from _fields(document)
    systems = eid_systems(document)
    yield from _uris(systems)
    yield from _eid_types(systems, document["mdmTypes"])


def _whole(document: Json) -> Iterator[str]:
    """What HAPI looks at while it reads the file."""
    version = document.get("version")
    if not str("" if version is None else version).strip():
        yield "version may not be blank"
    systems = eid_systems(document)
    if ANY_TYPE in systems and len(systems) > 1:
        yield "eidSystems: where there is *, there is nothing else"
    fields = document.get("matchFields", ())
    if len(fields) > MOST_FIELDS:
        yield f"MDM cannot guarantee accuracy with more than {MOST_FIELDS} match fields."
    known = {field["name"] for field in fields}
    for key in document.get("matchResultMap", {}):
        for name in field_names(key):
            if name not in known:
                yield f"HAPI-1523: There is no matchField with name {name}"


def _types(types: list[str], knows: Knows) -> Iterator[str]:
    for type in types:
        if type not in RESOURCE_TYPES:
            yield _unknown_type(type)
        elif not knows(type, "identifier"):
            yield (
                f"HAPI-1510: Resource Type {type} is not supported, as it does not have an 'identifier'"
                " field, which is necessary for MDM workflow."
            )


def _search_parameters(document: Json, knows: Knows) -> Iterator[str]:
    for search in document.get("candidateSearchParams", ()):
        for parameter in search.get("searchParams") or [search.get("searchParam", "")]:
            yield from _search_parameter("candidateSearchParams", search["resourceType"], parameter, knows)
    for filter in document.get("candidateFilterSearchParams", ()):
        yield from _search_parameter(
            "candidateFilterSearchParams", filter["resourceType"], filter["searchParam"], knows
        )


def _search_parameter(section: str, type: str, parameter: str, knows: Knows) -> Iterator[str]:
    for searched in SEARCHED_FOR_ANY if type == ANY_TYPE else (type,):
        if searched not in RESOURCE_TYPES:
            yield _unknown_type(searched)
        elif not knows(searched, parameter.partition(":")[0]):
            told = f"{searched} does not have a search parameter called '{parameter}'"
            yield f"HAPI-1511: Error in {section}: {told}"


def _fields(document: Json) -> Iterator[str]:
    names = set()
    for field in document.get("matchFields", ()):
        name, similarity = field["name"], field.get("similarity")
        if name in names:
            yield f"HAPI-1512: Two MatchFields have the same name '{name}'"
        names.add(name)
        if similarity is not None and similarity.get("matchThreshold") is None:
            algorithm = similarity.get("algorithm") or "null"
            yield f"HAPI-1514: MatchField {name} similarity {algorithm} requires a matchThreshold"
        if similarity is None and field.get("matcher") is None:
            yield (
                f"HAPI-1513: MatchField {name} has neither a similarity nor a matcher.  At least one must be"
                " present."
            )
        elif not any((field.get(kind) or {}).get("algorithm") for kind in ("matcher", "similarity")):
            yield f"HAPI-1522: Field Match {name} has neither a matcher nor a similarity."
        types = document["mdmTypes"] if field["resourceType"] == ANY_TYPE else [field["resourceType"]]
        yield from dict.fromkeys(problem for type in types for problem in _path(field, type))


def _path(field: Json, type: str) -> Iterator[str]:
    name, declared = field["name"], field["resourceType"]
    plain, path = field.get("resourcePath"), field.get("fhirPath")
    given = f"MatchField [{name}] resourceType [{declared}] has defined"
    if plain is not None and path is not None:
        yield f"HAPI-1515: {given} both a resourcePath and a fhirPath. You must define one of the two."
    elif plain is not None:
        try:
            resource_path(plain, type)
        except InvalidPath as error:
            yield f"HAPI-1517: MatchField {name} resourceType {declared} has invalid path '{plain}'.  {error}"
    elif path is not None:
        try:
            fhir_path(path, type)
        except UnsupportedExpression as error:
            start = f"HAPI-1518: MatchField [{name}] resourceType [{declared}]"
            yield f"{start} has failed FHIRPath evaluation.  {error}"
    else:
        yield f"HAPI-1516: {given} neither a resourcePath or a fhirPath. You must define one of the two."


def _uris(systems: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for type, uris in systems.items():
        if type != ANY_TYPE and type.casefold() not in _FOLDED_TYPES:
            yield f"HAPI-1508: {type} is not a valid resource type, but is set in the eidSystems field."
        for uri in uris:
            if not _is_uri(uri):
                yield "HAPI-1519: Enterprise Identifier System (eidSystem) must be a valid URI"


def _eid_types(systems: Mapping[str, tuple[str, ...]], types: list[str]) -> Iterator[str]:
    for type in systems:
        if type != ANY_TYPE and type not in types:
            yield (
                f"HAPI-1507: There is an eidSystem set for [{type}] but that is not one of the mdmTypes."
                f" Valid options are [{', '.join([*types, ANY_TYPE])}]."
            )


_FOLDED_TYPES: Final = frozenset(type.casefold() for type in RESOURCE_TYPES)


def _is_uri(text: str) -> bool:
    try:
        urlsplit(text)
    except ValueError:
        return False
    return not _NO_URI.search(text)


def _unknown_type(type: str) -> str:
    return f'HAPI-1684: Unknown resource name "{type}" (this name is not known in FHIR version "R5")'
