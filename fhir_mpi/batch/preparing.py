"""From a document to the write that stores it, or the reasons why not: what a loading worker does."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from fhir_mpi.batch.reading import Chunk
from fhir_mpi.batch.workers import worker_intake
from fhir_mpi.fhir.json import decode, encode
from fhir_mpi.fhir.outcome import FhirError, Issue
from fhir_mpi.fhir.r4 import to_r5
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.intake import Intake
from fhir_mpi.storage.port import Write

_IDS: Final = UUID("5f0b9f0c-0d5f-5c6e-9d0e-3a8f2d1b7c44")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a resource stood; `entry` counts from 0 in a Bundle."""

    source: str
    line: int
    entry: int | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """What was not taken, where it stood (`entry` counts from 0 in a Bundle) and why.

    The issues say nothing of the content; `content` is all of it.
    """

    source: str
    line: int
    entry: int | None
    type: str | None
    issues: tuple[Issue, ...]
    content: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """What became of a chunk: each write is a first version, in the order of the documents."""

    read: int
    writes: tuple[Write, ...]
    origins: tuple[Origin, ...]
    """Where each of the writes comes from."""
    rejected: tuple[Rejected, ...]
    left_out: Mapping[str, int]
    """How many resources of each type that isn't served."""


@dataclass(frozen=True, slots=True)
class Preparer:
    """Prepares documents for one server; picklable, so that it can be sent to a worker.

    Resources of a type that isn't in `types` are rejected, or counted where `leave_out` says so.
    """

    types: frozenset[str]
    now: datetime
    leave_out: bool = False

    def __call__(self, chunk: Chunk) -> Prepared:
        """Prepared by the intake of the worker that this is called in."""
        return self.prepared(worker_intake(), chunk)

    def prepared(self, intake: Intake, chunk: Chunk) -> Prepared:
        writes: list[Write] = []
        origins: list[Origin] = []
        rejected: list[Rejected] = []
        left_out: Counter[str] = Counter()
        read = 0
        for line, document in chunk.documents:
            for entry, found in _resources(document):
                read += 1
                if self._is_other(found):
                    left_out[found["resourceType"]] += 1
                    continue
                outcome = self._outcome(intake, found)
                if isinstance(outcome, Write):
                    writes.append(outcome)
                    origins.append(Origin(chunk.source, line, entry))
                    continue
                content = document if entry is None else encode(found)
                rejected.append(Rejected(chunk.source, line, entry, _type(found), outcome, content))
        return Prepared(read, tuple(writes), tuple(origins), tuple(rejected), left_out)

    def _is_other(self, found: Any) -> bool:
        type = _type(found)
        return self.leave_out and type is not None and type not in self.types

    def _outcome(self, intake: Intake, found: Any) -> Write | tuple[Issue, ...]:
        """The write, or why there is none."""
        try:
            return self._write(intake, found)
        except FhirError as error:
            return tuple(i for i in error.issues if i.severity in ("error", "fatal"))
        except Exception as error:  # noqa: BLE001 - one record must not stop a million others
            return (Issue("exception", f"could not be processed: {type(error).__name__}"),)

    def _write(self, intake: Intake, found: Any) -> Write:
        if isinstance(found, FhirError):
            raise found
        if not isinstance(found, dict):
            raise FhirRefusal("structure", "there is no resource")
        type = found.get("resourceType")
        if type not in self.types:
            raise FhirRefusal(
                "not-supported", f"this is none of the types that are served: {', '.join(sorted(self.types))}"
            )
        resource = to_r5(found)
        intake.check(resource)
        id = resource.get("id") or derived_id(found)
        return intake.write(resource, id=id, expected=0, now=self.now, method="PUT")


class FhirRefusal(FhirError):
    """A document that holds nothing to store."""

    status = 400

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.issues = (Issue(code, text),)


def derived_id(resource: Resource) -> str:
    """The id of a resource that came without one: the same content has the same id, id and meta aside.

    >>> derived_id({"resourceType": "Patient", "active": True})
    '344e1f18-9b0d-58eb-b613-a39ee158978c'
    """
    content = {key: value for key, value in resource.items() if key not in ("id", "meta")}
    return str(uuid5(_IDS, hashlib.sha256(encode(content)).hexdigest()))


def _resources(document: bytes) -> Iterator[tuple[int | None, Any]]:
    """The resources of a document, or the error that it is; with their place where it is a Bundle."""
    try:
        found = decode(document)
    except FhirError as error:
        yield None, error
        return
    if found.get("resourceType") == "Bundle" and isinstance(found.get("entry"), list):
        yield from enumerate(_entries(found["entry"]))
    else:
        yield None, found


def _entries(entries: list[Any]) -> Iterator[Any]:
    """Each entry's resource; where one refers to another by fullUrl, it refers to its place here."""
    found = [_identified(entry.get("resource") if isinstance(entry, dict) else None) for entry in entries]
    targets = {
        entry["fullUrl"]: f"{resource['resourceType']}/{resource['id']}"
        for entry, resource in zip(entries, found, strict=True)
        if isinstance(resource, dict) and isinstance(entry.get("fullUrl"), str)
    }
    return (rewritten(resource, targets) for resource in found)


def rewritten(value: Any, targets: Mapping[str, str]) -> Any:
    """The value with each `reference` that names an entry's fullUrl pointing to its place here.

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


def _identified(resource: Any) -> Any:
    """With an id: a reference from another entry needs one before anything is rewritten."""
    if not isinstance(resource, dict) or _type(resource) is None:
        return resource
    return resource if "id" in resource else _with_id(resource)


def _with_id(resource: Resource) -> Json:
    return {"resourceType": resource["resourceType"], "id": derived_id(resource), **resource}


def _type(found: Any) -> str | None:
    type = found.get("resourceType") if isinstance(found, dict) else None
    return type if isinstance(type, str) else None
