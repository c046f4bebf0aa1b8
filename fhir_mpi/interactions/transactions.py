"""A transaction: every write planned first, then all of them in one commit (R5 http.html#trules)."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from fhir_mpi.fhir.outcome import Conflict, FhirError, InvalidRequest, InvalidResource
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.writing import (
    Written,
    check_identity,
    check_version,
    plan_create,
    plan_delete,
    plan_update,
    require,
)
from fhir_mpi.storage.port import Head, UnitOfWork, Write, WriteConflict

INTERACTIONS: Final = {"POST": "create", "PUT": "update", "DELETE": "delete"}
PLACEHOLDERS: Final = ("urn:uuid:", "urn:oid:")
"""What a reference begins with that means an entry of the same Bundle (R5 bundle.html#references)."""


@dataclass(frozen=True, slots=True)
class Change:
    """One writing entry: POST without id, PUT and DELETE with it; `number` is its place in the Bundle."""

    number: int
    method: str
    type: str
    id: str | None
    resource: Resource | None = None
    full_url: str | None = None
    if_match: int | None = None


async def transact(services: Services, changes: Sequence[Change]) -> Mapping[int, Written]:
    """Does all changes or none; answers what each left behind, by its number.

    References between entries by `fullUrl` point to the ids given here. Raises the error of the first
    entry that can't be done, with its place in the Bundle.
    """
    for change in changes:
        _offered(services, change)
    placed = [replace(c, id=c.id or services.new_id()) for c in changes]
    _refuse_doubles(placed)
    targets = {c.full_url: f"{c.type}/{c.id}" for c in placed if c.full_url and c.resource}
    heads = await _heads(services, placed)
    plans = {}
    for change in placed:
        plans[change.number] = _planned(services, change, heads.get((change.type, change.id or "")), targets)
        await asyncio.sleep(0)  # ten thousand plans take seconds: other requests come between
    try:
        await services.store.commit(UnitOfWork([write for write, _ in plans.values() if write]))
    except WriteConflict as conflict:
        raise Conflict("another client changed one of these resources meanwhile; try again") from conflict
    return {number: written for number, (_, written) in plans.items()}


def rewritten(value: Any, targets: Mapping[str, str]) -> Any:
    """The value with each Reference.reference that names an entry's fullUrl pointing to its new place.

    >>> rewritten({"managingOrganization": {"reference": "urn:uuid:1"}}, {"urn:uuid:1": "Organization/a"})
    {'managingOrganization': {'reference': 'Organization/a'}}
    """
    if isinstance(value, list):
        return [rewritten(item, targets) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: targets.get(item, item)
        if key == "reference" and isinstance(item, str)
        else rewritten(item, targets)
        for key, item in value.items()
    }


def placeholders(value: Any, path: str) -> Iterator[str]:
    """Where references still name an entry of a Bundle that has no such entry.

    >>> list(placeholders({"link": [{"other": {"reference": "urn:uuid:1"}}]}, "Patient"))
    ['Patient.link[0].other.reference']
    """
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from placeholders(item, f"{path}[{number}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from placeholders(item, f"{path}.{key}")
    elif path.endswith(".reference") and isinstance(value, str) and value.startswith(PLACEHOLDERS):
        yield path


def _offered(services: Services, change: Change) -> None:
    try:
        require(services, change.type, INTERACTIONS[change.method])
    except FhirError as error:
        raise _placed(error, f"Bundle.entry[{change.number}]") from error


def _planned(
    services: Services, change: Change, head: Head | None, targets: Mapping[str, str]
) -> tuple[Write | None, Written]:
    try:
        return _plan(services, change, head, targets)
    except FhirError as error:
        raise _placed(error, f"Bundle.entry[{change.number}]") from error


def _plan(
    services: Services, change: Change, head: Head | None, targets: Mapping[str, str]
) -> tuple[Write | None, Written]:
    id = change.id or ""
    if change.method == "DELETE":
        deletion = plan_delete(services, change.type, id, head, change.if_match)
        return deletion, Written(deletion.version if deletion else None)
    resource = rewritten(change.resource, targets)
    for unresolved in placeholders(resource, change.type):
        raise InvalidRequest("no entry that writes a resource has this fullUrl", expression=unresolved)
    if change.method == "POST":
        write, warnings = plan_create(services, change.type, resource, id)
        return write, Written(write.version, created=True, warnings=warnings)
    check_identity(change.type, id, resource)
    check_version(head, change.if_match)
    warnings = tuple(services.intake.check(resource))
    write = plan_update(services, change.type, id, resource, head)
    return write, Written(write.version, created=head is None or head.deleted, warnings=warnings)


def _placed(error: FhirError, where: str) -> FhirError:
    """The same error, its expressions told from the Bundle."""
    issues = tuple(replace(issue, expression=_seen_from(where, issue.expression)) for issue in error.issues)
    if isinstance(error, InvalidResource):
        return InvalidResource(issues)
    error.issues = issues
    return error


def _seen_from(where: str, expression: str | None) -> str:
    """The location of a resource's element, told from the Bundle's root.

    >>> _seen_from("Bundle.entry[0]", "Patient.name[0]"), _seen_from("Bundle.entry[0]", None)
    ('Bundle.entry[0].resource.name[0]', 'Bundle.entry[0]')
    """
    if expression is None:
        return where
    _, dot, element = expression.partition(".")
    return f"{where}.resource{dot}{element}"


def _refuse_doubles(changes: Iterable[Change]) -> None:
    seen: set[tuple[str, str | None]] = set()
    urls: set[str] = set()
    for change in changes:
        if (change.type, change.id) in seen:
            raise InvalidRequest(
                "a transaction may write a resource once", expression=f"Bundle.entry[{change.number}]"
            )
        seen.add((change.type, change.id))
        if change.full_url in urls:
            raise InvalidRequest(
                "another entry has this fullUrl", expression=f"Bundle.entry[{change.number}].fullUrl"
            )
        urls.add(change.full_url or "")


async def _heads(services: Services, changes: Iterable[Change]) -> Mapping[tuple[str, str], Head]:
    wanted: dict[str, list[str]] = {}
    for change in changes:
        if change.method != "POST" and change.id:
            wanted.setdefault(change.type, []).append(change.id)
    found: dict[tuple[str, str], Head] = {}
    for type, ids in wanted.items():
        heads = await services.store.heads(type, ids)
        found.update({(type, id): head for id, head in heads.items()})
    return found
