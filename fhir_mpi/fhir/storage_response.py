"""What a write did, as HAPI names it in the OperationOutcome of a success."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from fhir_mpi.fhir.outcome import Issue, operation_outcome
from fhir_mpi.fhir.types import Resource

SYSTEM: Final = "https://hapifhir.io/fhir/CodeSystem/hapi-fhir-storage-response-code"


class StorageResponse(StrEnum):
    """The codes of HAPI's code system that this server answers; clients branch on them."""

    CREATE = "SUCCESSFUL_CREATE"
    CREATE_NO_MATCH = "SUCCESSFUL_CREATE_NO_CONDITIONAL_MATCH"
    CREATE_MATCH = "SUCCESSFUL_CREATE_WITH_CONDITIONAL_MATCH"
    UPDATE = "SUCCESSFUL_UPDATE"
    UPDATE_AS_CREATE = "SUCCESSFUL_UPDATE_AS_CREATE"
    UPDATE_NO_CHANGE = "SUCCESSFUL_UPDATE_NO_CHANGE"
    UPDATE_NO_MATCH = "SUCCESSFUL_UPDATE_NO_CONDITIONAL_MATCH"
    UPDATE_MATCH = "SUCCESSFUL_UPDATE_WITH_CONDITIONAL_MATCH"
    UPDATE_MATCH_NO_CHANGE = "SUCCESSFUL_UPDATE_WITH_CONDITIONAL_MATCH_NO_CHANGE"
    PATCH = "SUCCESSFUL_PATCH"
    PATCH_NO_CHANGE = "SUCCESSFUL_PATCH_NO_CHANGE"
    DELETE = "SUCCESSFUL_DELETE"
    DELETE_ALREADY_DELETED = "SUCCESSFUL_DELETE_ALREADY_DELETED"
    DELETE_NOT_FOUND = "SUCCESSFUL_DELETE_NOT_FOUND"

    @property
    def created(self) -> bool:
        """Whether a resource came to be where none was."""
        return self in (self.CREATE, self.CREATE_NO_MATCH, self.UPDATE_AS_CREATE, self.UPDATE_NO_MATCH)


def storage_outcome(response: StorageResponse, text: str, warnings: Sequence[Issue] = ()) -> Resource:
    """The OperationOutcome of a success; what validation warned of comes after it.

    >>> storage_outcome(StorageResponse.DELETE, "done")["issue"][0]["details"]["coding"][0]["code"]
    'SUCCESSFUL_DELETE'
    """
    found = operation_outcome([Issue("informational", text, severity="information"), *warnings])
    found["issue"][0]["details"] = {"coding": [{"system": SYSTEM, "code": response.value}], "text": text}
    return found
