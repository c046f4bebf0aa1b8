"""Why a merge is refused, in HAPI FHIR's words; `%s` are filled in where they are raised."""

from collections.abc import Sequence
from typing import Final

from fhir_mpi.fhir.outcome import FhirError, Issue

NO_RESOURCE: Final = (
    "There are no {role} resource parameters provided, include either a '{reference}', or a '{identifier}'"
    " parameter."
)
NOT_BOTH: Final = "{Role} resource must be provided either by '{reference}' or by '{identifier}', not both."
NO_REFERENCE: Final = "Reference specified in '{reference}' parameter does not have a reference element."
OTHER_TYPE: Final = (
    'The request was for "{type}" type but {reference} contains a reference for "{other}" type'
)
NOT_FOUND: Final = "Resource not found for the reference specified in '{reference}' parameter"
NO_MATCH: Final = "No resources found matching the identifier(s) specified in '{identifier}'"
SEVERAL: Final = "Multiple resources found matching the identifier(s) specified in '{identifier}'"
NOT_LATEST: Final = (
    "The reference in '{reference}' parameter has a version specified, but it is not the latest version of"
    " the resource"
)
SAME: Final = "Source and target resources are the same resource."
INACTIVE: Final = "Target resource is not active, it must be active to be the target of a merge operation."
TARGET_REPLACED: Final = (
    "Target resource was previously replaced by a resource with reference '{by}', it is not a suitable"
    " target for merging."
)
SOURCE_REPLACED: Final = (
    "Source resource was previously replaced by a resource with reference '{by}', it is not a suitable"
    " source for merging."
)
NO_IDENTIFIER: Final = (
    "Merge operation cannot be performed on resource type '{type}' because it does not have an 'identifier'"
    " element."
)
OTHER_ID: Final = (
    "'{result}' must have the same versionless id as the actual resolved target resource '{given}'. The"
    " actual resolved target resource's id is: '{target}'"
)
LACKS_IDENTIFIERS: Final = "'{result}' must have all the identifiers provided in {identifier}"
LACKS_LINK: Final = "'{result}' must have a 'replaces' link to the source resource."
SEVERAL_LINKS: Final = (
    "'{result}' has multiple 'replaces' links to the source resource. There should be only one."
)
UNWANTED_LINK: Final = (
    "'{result}' must not have a 'replaces' link to the source resource when the source resource will be"
    " deleted, as the link may prevent deleting the source resource."
)
TOO_MANY: Final = (
    "HAPI-2880: Number of resources with references to {source} exceeds the resource-limit {limit}. Submit"
    " the request asynchronously by adding the HTTP Header 'Prefer: respond-async'."
)


class TooManyReferences(FhirError):
    """As HAPI FHIR answers it: 412, and a code that says nothing."""

    status, code = 412, "exception"


class Refused(Exception):
    """The merge can't be: an HTTP status, and all that is to be said."""

    def __init__(self, status: int, issues: Sequence[Issue]) -> None:
        super().__init__(issues[0].text)
        self.status, self.issues = status, tuple(issues)


def refuse(status: int, code: str, text: str) -> Refused:
    return Refused(status, [Issue(code, text)])
