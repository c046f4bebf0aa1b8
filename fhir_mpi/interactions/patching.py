"""PATCH: JSON Patch (RFC 6902; R5 http.html#patch) and, as fhirpy sends it, JSON Merge Patch (RFC 7396)."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import jsonpatch
from jsonpointer import JsonPointerException

from fhir_mpi.fhir.json import decode, decode_array, encode
from fhir_mpi.fhir.outcome import Conflict, MalformedBody, TooCostly, Unprocessable
from fhir_mpi.fhir.storage_response import StorageResponse
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.committing import commit
from fhir_mpi.interactions.heads import head_of
from fhir_mpi.interactions.reading import read
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.uniqueness import unit_of_work
from fhir_mpi.interactions.writing import (
    Written,
    check_precondition,
    is_unchanged,
    persistently,
    plan_update,
    require,
)
from fhir_mpi.storage.port import Stored, Write

Change: TypeAlias = Callable[[Resource], Resource]
"""What a patch makes of a resource, which is the change's own to alter."""
POINTER: Final = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
OWN: Final = ("", "/resourceType", "/id", "/meta")
"""What a patch may not touch as a whole; below /meta only what the server itself writes is closed."""
OWN_META: Final = ("/meta/versionId", "/meta/lastUpdated")
MEMBERS: Final[Mapping[str, frozenset[str]]] = {
    "add": frozenset({"path", "value"}),
    "replace": frozenset({"path", "value"}),
    "test": frozenset({"path", "value"}),
    "move": frozenset({"path", "from"}),
    "copy": frozenset({"path", "from"}),
    "remove": frozenset({"path"}),
}
"""Each verb and the members that it needs (RFC 6902, section 4)."""
LARGEST: Final = 16 * 1024 * 1024
"""Bytes: a resource copied into itself again and again doubles each time."""


async def patch(
    services: Services, type: str, id: str, change: Change, *, if_match: int | None = None
) -> Written:
    """PATCH [base]/[type]/[id]. Conflict where a `test` fails, Unprocessable where the patch doesn't fit."""
    require(services, type, "patch")

    async def attempt() -> Written:
        return await apply(services, await read(services, type, id), change, if_match)

    return await persistently(services, attempt, if_match)


async def apply(services: Services, stored: Stored, change: Change, if_match: int | None) -> Written:
    """Commits the patched version on top of `stored`; WriteConflict where that is no longer current."""
    write = plan_patch(services, stored, change, if_match)
    if write is None:
        return Written(stored, StorageResponse.PATCH_NO_CHANGE)
    await commit(services, await unit_of_work(services, [write]))
    return Written(write.version, StorageResponse.PATCH)


def json_patch(body: bytes) -> Change:
    """The change that a JSON Patch makes."""
    steps = decode_array(body)
    check_steps(steps)
    return lambda resource: decode(_patched(steps, resource))


def merge_patch(body: bytes) -> Change:
    """The change that a partial resource makes: what it has replaces, null removes."""
    partial = decode(body)

    def change(resource: Resource) -> Resource:
        found: Resource = merged(resource, partial)
        for name in ("resourceType", "id"):
            if found.get(name) != resource[name]:
                raise Unprocessable(
                    f"a patch can't change {name}", expression=f"{resource['resourceType']}.{name}"
                )
        return found

    return change


def merged(value: Any, partial: Any) -> Any:
    """RFC 7396: objects are merged, null removes a member, anything else is put in its place.

    >>> merged({"a": 1, "b": {"c": 2, "d": 3}}, {"a": None, "b": {"c": [4]}})
    {'b': {'c': [4], 'd': 3}}
    """
    if not isinstance(partial, dict):
        return partial
    known = value if isinstance(value, dict) else {}
    kept = {key: item for key, item in known.items() if key not in partial}
    changed = {key: merged(known.get(key), item) for key, item in partial.items() if item is not None}
    return {key: (kept | changed)[key] for key in {**known, **partial} if key in kept or key in changed}


def plan_patch(services: Services, stored: Stored, change: Change, if_match: int | None) -> Write | None:
    """The next version: the current one, patched and checked; None where the patch changes nothing."""
    check_precondition(services, f"{stored.type}/{stored.id}", head_of(stored), if_match)
    return plan_patched(services, stored, change(decode(stored.json)))


def plan_patched(services: Services, stored: Stored, patched: Resource) -> Write | None:
    """The next version, once its precondition was checked and its patch applied."""
    services.intake.check(patched)
    if is_unchanged(stored, patched):
        return None
    return plan_update(services, stored.type, stored.id, patched, head_of(stored), method="PATCH")


def check_steps(steps: Sequence[Any]) -> None:
    """MalformedBody where this is no JSON Patch, Unprocessable where it reaches for id or meta."""
    for number, step in enumerate(steps):
        where = f"[{number}]"
        if not _is_operation(step):
            raise MalformedBody("an operation has an op, a path, and a value or a from", expression=where)
        changed = {"test": [], "move": [step["path"], step.get("from")]}.get(step["op"], [step["path"]])
        if any(path in OWN or path.startswith(OWN_META) for path in changed):
            raise Unprocessable("a patch can't change what the server keeps: id and meta", expression=where)


def _is_operation(step: Any) -> bool:
    if not isinstance(step, dict) or not isinstance(step.get("op"), str):
        return False
    needed = MEMBERS.get(step["op"])
    pointers = [step[name] for name in ("path", "from") if name in step]
    pointed = all(isinstance(pointer, str) and POINTER.fullmatch(pointer) for pointer in pointers)
    return pointed and needed is not None and needed <= step.keys()


def _patched(steps: Sequence[Json], resource: Resource) -> bytes:
    try:
        for step in steps:
            resource = jsonpatch.JsonPatch([step]).apply(resource, in_place=True)
            if step["op"] == "copy" and len(encode(resource)) > LARGEST:
                raise TooCostly(f"the patch makes a resource of more than {LARGEST} bytes")
        return encode(resource)
    except jsonpatch.JsonPatchTestFailed as error:
        raise Conflict("a test of the patch failed") from error
    except (jsonpatch.JsonPatchException, JsonPointerException, TypeError) as error:
        raise Unprocessable("the patch does not fit the resource") from error
