"""The entries of a batch or transaction, read: each a request that can be tried (R5 bundle.html)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote

from starlette.requests import Request

from fhir_mpi.fhir.outcome import (
    FhirError,
    InvalidRequest,
    InvalidValue,
    MalformedBody,
    NotFound,
    UnsupportedParameter,
)
from fhir_mpi.fhir.types import Json
from fhir_mpi.http.conditional import asked, creation_criteria, criteria_of
from fhir_mpi.http.patches import entry_patch, patch_of, version_meant
from fhir_mpi.http.state import below_base, server
from fhir_mpi.interactions import patching
from fhir_mpi.interactions.conditional import Criteria
from fhir_mpi.interactions.placing import Change, at_entry
from fhir_mpi.interactions.writing import require

WRITING: Final = ("DELETE", "POST", "PUT", "PATCH")
VERBS: Final = (*WRITING, "GET", "HEAD")
"""The methods that an entry can have."""
INSTANCE: Final = re.compile(r"([A-Z][A-Za-z]{0,63})(?:/([A-Za-z0-9\-.]{1,64}))?")
ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
INTERACTIONS: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
CONDITIONS: Final = ("ifNoneMatch", "ifModifiedSince", "ifMatch", "ifNoneExist")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; `path` is decoded, below the base, without slashes at its ends. `conditions` are those
    that it has, by their names in Bundle.entry.request.
    """

    number: int
    method: str
    path: str
    query: str
    resource: Json | None
    full_url: str | None
    conditions: Mapping[str, str]

    @property
    def where(self) -> str:
        return f"Bundle.entry[{self.number}]"

    @property
    def operation(self) -> str | None:
        """The code of the operation that this calls."""
        last = self.path.rpartition("/")[2]
        return last[1:] if last.startswith("$") else None

    @property
    def writes(self) -> bool:
        """Whether this is an interaction that writes: in a transaction they are done together."""
        return self.method in WRITING and self.operation is None


def read_entry(request: Request, number: int, given: Json) -> Entry:
    """MalformedBody, InvalidValue or InvalidRequest, with their place, for what is no request; NotFound for
    one to another server.
    """
    where, wanted = f"Bundle.entry[{number}]", given.get("request")
    if not isinstance(wanted, dict) or not isinstance(wanted.get("url"), str):
        raise MalformedBody("an entry has a request with method and url", expression=f"{where}.request")
    conditions = {name: wanted[name] for name in CONDITIONS if name in wanted}
    full_url = given.get("fullUrl")
    if not all(isinstance(text, str) for text in (full_url or "", *conditions.values())):
        raise MalformedBody("fullUrl and conditions are strings", expression=where)
    if wanted.get("method") not in VERBS:
        raise InvalidValue(f"method is one of {', '.join(VERBS)}", expression=f"{where}.request.method")
    path, query = _address(request, wanted["url"], f"{where}.request.url")
    entry = Entry(number, wanted["method"], path, query, given.get("resource"), full_url, conditions)
    _check(request, entry)
    return entry


def change_of(request: Request, entry: Entry) -> Change:
    """The entry of a transaction as the change that it makes."""
    target = INSTANCE.fullmatch(entry.path)
    if target is None or (target[2] and (entry.method == "POST" or asked(entry.query))):
        raise InvalidRequest(
            "url is [type] for POST, [type]/[id] or [type]?[criteria] for PUT, PATCH and DELETE",
            expression=f"{entry.where}.request.url",
        )
    if misplaced := sorted(
        entry.conditions.keys() - {"ifNoneExist" if entry.method == "POST" else "ifMatch"}
    ):
        raise UnsupportedParameter(
            f"{misplaced[0]} has no place here", expression=f"{entry.where}.request.{misplaced[0]}"
        )
    with at_entry(entry.number):
        require(server(request).services, target[1], INTERACTIONS[entry.method])
        return Change(
            entry.number,
            entry.method,
            target[1],
            target[2],
            criteria=None if target[2] else _criteria(request, entry, target[1]),
            resource=entry.resource if entry.method in ("POST", "PUT") else None,
            patch=_patch(entry),
            full_url=entry.full_url,
            if_match=_if_match(entry),
        )


def _address(request: Request, url: str, where: str) -> tuple[str, str]:
    """The decoded path below the base, and the query."""
    if ABSOLUTE.match(url):
        below = below_base(request, url)
        if below is None:
            raise NotFound("this is no URL of this server", expression=where)
        url = below
    path, _, query = url.partition("?")
    return unquote(path).strip("/ "), query


def _check(request: Request, entry: Entry) -> None:
    if entry.method == "POST" and not entry.path:
        raise InvalidRequest("a Bundle inside a Bundle is not run", expression=f"{entry.where}.request.url")
    brings = entry.method in ("POST", "PUT", "PATCH") and entry.operation is None
    if (brings or entry.resource is not None) and not isinstance(entry.resource, dict):
        raise MalformedBody("an entry that writes has a resource", expression=f"{entry.where}.resource")
    called = below_base(request, entry.full_url or "")
    addressed = entry.method in ("PUT", "PATCH", "DELETE") and "/" in entry.path
    if called is not None and addressed and unquote(called).strip("/") != entry.path:
        raise InvalidRequest(
            "fullUrl and request.url name different resources", expression=f"{entry.where}.fullUrl"
        )


def _criteria(request: Request, entry: Entry, type: str) -> Criteria | None:
    condition = entry.conditions.get("ifNoneExist")
    try:
        if entry.method != "POST":
            return criteria_of(request, entry.method, type, entry.query)
        queried = asked(entry.query)
        nothing = condition is None and not queried
        return None if nothing else creation_criteria(request, type, condition, queried)
    except FhirError as error:  # it says where in a query; here the query has a place of its own
        where = f"{entry.where}.request.{'url' if condition is None else 'ifNoneExist'}"
        error.issues = tuple(replace(issue, expression=where) for issue in error.issues)
        raise


def _patch(entry: Entry) -> patching.Change | None:
    return patch_of(*entry_patch(entry.resource or {})) if entry.method == "PATCH" else None


def _if_match(entry: Entry) -> int | None:
    given = entry.conditions.get("ifMatch")
    return None if given is None else version_meant(given, f"{entry.where}.request.ifMatch")


def check_operation(request: Request, entry: Entry) -> None:
    """UnsupportedParameter for an operation that changes something: it would not be one with the rest."""
    for definition in server(request).services.definitions.operations.values():
        if definition["code"] == entry.operation and definition["affectsState"]:
            raise UnsupportedParameter(
                "a transaction takes no operation that changes something",
                expression=f"{entry.where}.request.url",
            )
