"""Where R5 leaves a choice to the server, or HAPI made another one: what the operator chose.

Each has a setting; see docs/reference/settings.md.
"""

from dataclasses import dataclass
from typing import Final

from fhir_mpi.fhir.outcome import (
    Conflict,
    FhirError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    VersionConflict,
)

ANY: Final = "any"
ALPHANUMERIC: Final = "alphanumeric"
NOT_ALLOWED: Final = "not-allowed"


@dataclass(frozen=True, slots=True)
class Ways:
    """Without arguments: R5's."""

    version_conflict: int = 412
    """The status where If-Match names another version: R5's 412 or HAPI's 409."""
    client_ids: str = ANY
    """Which ids a client may give to what it creates by an update, by HAPI's names."""
    absent_deleted: bool = True
    """Whether the deletion of what never was succeeds."""
    delete_referred: bool = True
    """Whether what other resources refer to may be deleted: R5 leaves it open, HAPI refuses."""
    lenient: bool = False
    """Whether a search passes over what it doesn't know where the client has no preference."""

    merge_preview: str = "hapi"
    """Whose words say that a merge is only a preview: HAPI's or those of the specification."""

    @property
    def merge_preview_text(self) -> str:
        what = "Patient merge" if self.merge_preview == "spec" else "merge operation"
        return f"Preview only {what} - no issues detected"

    def stale(self, aim: str, expected: int, current: int) -> FhirError:
        """The error of a write that was meant for another version than the current one; `aim` is what it
        was to do, such as "update Patient/1". The text begins as HAPI's does.
        """
        kind = VersionConflict if self.version_conflict == VersionConflict.status else Conflict
        return kind(
            f"Trying to {aim}/_history/{expected} but this is not the current version, which is {current}"
        )

    def check_client_id(self, type: str, id: str) -> None:
        """MethodNotAllowed or InvalidRequest where a client may not give this id to a new resource
        (R5 http.html#upsert).
        """
        if self.client_ids == NOT_ALLOWED:
            raise MethodNotAllowed(
                f"no {type} with this id exists, and clients may not choose ids; create it by POST",
                expression=f"{type}.id",
            )
        if self.client_ids == ALPHANUMERIC and id.isdecimal():
            raise InvalidRequest(
                "Can not create resource with this ID, no resource with this ID exists and clients may only"
                " assign IDs which contain at least one non-numeric character",
                expression=f"{type}.id",
            )

    def check_absent(self, type: str) -> None:
        """NotFound where the deletion of a `type` that never was is no success."""
        if not self.absent_deleted:
            raise NotFound(f"there is no such {type} to delete")
