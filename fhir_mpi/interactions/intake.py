"""Intake: what happens to a resource before it is stored, the same for a POST and a bulk load.

A resource is validated, then everything the store keeps beside it is derived from it: the search
index entries and, for the types that are matched, the blocking keys and packed features. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fhir_mpi.fhir.dates import instant
from fhir_mpi.fhir.json import encode
from fhir_mpi.fhir.meta import stamped
from fhir_mpi.fhir.outcome import InvalidResource, Issue
from fhir_mpi.fhir.types import Resource
from fhir_mpi.fhir.validation import Validator
from fhir_mpi.linkage.blocking import stored_keys
from fhir_mpi.linkage.model import LinkageModel
from fhir_mpi.linkage.record import pack
from fhir_mpi.mdm.tags import is_managed
from fhir_mpi.search.filters import IndexEntries
from fhir_mpi.search.registry import SearchRegistry
from fhir_mpi.storage.port import CandidateEntry, Stored, Write


@dataclass(frozen=True, slots=True)
class Intake:
    validator: Validator
    search: SearchRegistry
    models: Mapping[str, LinkageModel]
    """The linkage model of each type that is matched."""

    def check(self, resource: Resource) -> list[Issue]:
        """Raises InvalidResource with every issue where one is an error; returns the warnings."""
        issues = self.validator.issues(resource)
        if any(issue.severity in ("error", "fatal") for issue in issues):
            raise InvalidResource(issues)
        return issues

    def write(self, resource: Resource, *, id: str, expected: int, now: datetime, method: str) -> Write:
        """The next version of a resource that was checked, ready to commit."""
        full = stamped(resource, id=id, version=expected + 1, last_updated=instant(now))
        version = Stored(full["resourceType"], id, expected + 1, now, method, encode(full))
        index, candidate = self.derived(full)
        return Write(version, expected, index, candidate)

    def derived(self, resource: Resource) -> tuple[IndexEntries, CandidateEntry | None]:
        """What a store keeps beside a resource so that it can be searched and matched."""
        return self.search.index(resource), self._candidate(resource)

    def _candidate(self, resource: Resource) -> CandidateEntry | None:
        model = self.models.get(resource["resourceType"])
        if model is None or is_managed(resource):  # sources are compared with sources, not with goldens
            return None
        record = model.record(resource)
        return CandidateEntry(stored_keys(model, record), pack(record))


def deletion(type: str, id: str, *, expected: int, now: datetime) -> Write:
    """The version that says a resource is deleted."""
    return Write(Stored(type, id, expected + 1, now, "DELETE", b""), expected, {})
