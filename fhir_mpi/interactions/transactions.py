"""A transaction: every write planned first, then all of them in one commit (R5 http.html#trules)."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from fhir_mpi.fhir.outcome import Conflict, FhirError, InvalidRequest, InvalidResource
from fhir_mpi.fhir.storage_response import StorageResponse
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.uniqueness import IdentifierTaken, unit_of_work
from fhir_mpi.interactions.writing import (
    Written,
    check_identity,
    check_precondition,
    deleting,
    is_unchanged,
    plan_create,
    plan_delete,
    plan_update,
    require,
    updating,
)
from fhir_mpi.storage.port import ClaimConflict, Head, Stored, Write, WriteConflict

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


@dataclass(frozen=True, slots=True)
class Known:
    """Where a resource stands, and its current version if that was read: only what is PUT needs it."""

    head: Head | None
    current: Stored | None


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
    known = await _known(services, placed)
    plans = {}
    for change in placed:
        plans[change.number] = _planned(services, change, known.get((change.type, change.id or "")), targets)
        await asyncio.sleep(0)  # ten thousand plans take seconds: other requests come between
    try:
        await services.store.commit(
            await unit_of_work(services, [write for write, _ in plans.values() if write])
        )
    except IdentifierTaken as taken:
        number = next(change.number for change in placed if (change.type, change.id) in taken.places)
        raise _placed(taken, f"Bundle.entry[{number}]") from taken
    except (WriteConflict, ClaimConflict) as conflict:
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
    services: Services, change: Change, known: Known | None, targets: Mapping[str, str]
) -> tuple[Write | None, Written]:
    try:
        return _plan(services, change, known or Known(None, None), targets)
    except FhirError as error:
        raise _placed(error, f"Bundle.entry[{change.number}]") from error


def _plan(
    services: Services, change: Change, known: Known, targets: Mapping[str, str]
) -> tuple[Write | None, Written]:
    id, head = change.id or "", known.head
    if change.method == "DELETE":
        deletion = plan_delete(services, change.type, id, head, change.if_match)
        return deletion, Written(deletion.version if deletion else None, deleting(head))
    resource = rewritten(change.resource, targets)
    for unresolved in placeholders(resource, change.type):
        raise InvalidRequest("no entry that writes a resource has this fullUrl", expression=unresolved)
    if change.method == "POST":
        write, warnings = plan_create(services, change.type, resource, id)
        return write, Written(write.version, StorageResponse.CREATE, warnings)
    check_identity(change.type, id, resource)
    check_precondition(services, head, change.if_match)
    warnings = tuple(services.intake.check(resource))
    if is_unchanged(known.current, resource):
        return None, Written(known.current, StorageResponse.UPDATE_NO_CHANGE, warnings)
    write = plan_update(services, change.type, id, resource, head)
    return write, Written(write.version, updating(head), warnings)


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


async def _known(services: Services, changes: Iterable[Change]) -> Mapping[tuple[str, str], Known]:
    """Where each resource stands that an entry names, with its content where that may stay the same."""
    named: dict[str, list[Change]] = {}
    for change in changes:
        if change.method != "POST":
            named.setdefault(change.type, []).append(change)
    found: dict[tuple[str, str], Known] = {}
    for type, group in named.items():
        heads = await services.store.heads(type, [c.id or "" for c in group])
        read = await services.store.read_many(type, [c.id or "" for c in group if c.method == "PUT"])
        # one that was written between the two has another version, and is no longer what `head` says
        current = {s.id: s for s in read if s.id in heads and s.version == heads[s.id].version}
        found.update({(type, id): Known(head, current.get(id)) for id, head in heads.items()})
    return found
