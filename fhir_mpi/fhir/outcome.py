"""OperationOutcome, and the one exception family that becomes one.

    FhirError
      MalformedBody          400 structure      not JSON as FHIR wants it
      InvalidResource        400 (422)          what validation found, every issue at once
      InvalidValue           400 value          a parameter or header has an unusable value
      InvalidRequest         400 invalid        the request contradicts itself
      MissingParameter       400 required
      UnknownSystem          400 code-invalid   no record has an identifier of this system
      UnsupportedParameter   400 not-supported  an unknown search parameter, modifier or feature
      TooCostly              400 too-costly     refused for its cost
      UnknownTarget          403 code-invalid   the same of a system that is asked for (IHE ITI-83)
      Forbidden              403 forbidden
      NotFound               404 not-found
      MethodNotAllowed       405 not-supported
      NotAcceptable          406 not-supported
      Conflict               409 conflict       somebody else was first
        Duplicate            409 duplicate      another resource has what must be unique
        Ambiguous            409 multiple-matches  records that aren't known to be one fit
      Gone                   410 deleted
      ExpiredPage            410 expired
      VersionConflict        412 conflict       If-Match names a version that is not the current one
      SeveralMatches         412 multiple-matches  the criteria of a write are met by more than one
      TooLong                413 too-long
      TooManyEntries         413 too-costly
      UriTooLong             414 too-long
      UnsupportedMediaType   415 not-supported
      Unprocessable          422 processing
      PreconditionRequired   428 required       a setting wants If-Match on every update
      Unavailable            503 transient
        StoreTimeout         503 timeout
        StoreFull            503 no-store

Anything else that is raised becomes a 500 that says nothing but the request id.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from fhir_mpi.fhir.types import Json, Resource

PROFILE_CODES: Final = frozenset({"extension", "business-rule"})


@dataclass(frozen=True, slots=True)
class Issue:
    """One OperationOutcome.issue: an IssueType code, a sentence, and the FHIRPath location at fault."""

    code: str
    text: str
    expression: str | None = None
    severity: str = "error"


class FhirError(Exception):
    """Base class. Subclasses fix the HTTP status and the IssueType code."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "exception"

    def __init__(self, text: str, *, expression: str | None = None) -> None:
        super().__init__(text)
        self.issues: tuple[Issue, ...] = (Issue(self.code, text, expression),)

    @property
    def http_status(self) -> int:
        return self.status


class MalformedBody(FhirError):
    status, code = 400, "structure"


class InvalidResource(FhirError):
    """What validation found. 422 where only profile rules are broken, otherwise 400."""

    status, code = 400, "invalid"

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__(issues[0].text)
        self.issues = tuple(issues)

    @property
    def http_status(self) -> int:
        errors = [i for i in self.issues if i.severity in ("error", "fatal")]
        return 422 if all(i.code in PROFILE_CODES for i in errors) else 400


class InvalidValue(FhirError):
    status, code = 400, "value"


class InvalidRequest(FhirError):
    status, code = 400, "invalid"


class MissingParameter(FhirError):
    status, code = 400, "required"


class UnknownSystem(FhirError):
    status, code = 400, "code-invalid"


class UnknownTarget(FhirError):
    status, code = 403, "code-invalid"


class UnsupportedParameter(FhirError):
    status, code = 400, "not-supported"


class TooCostly(FhirError):
    status, code = 400, "too-costly"


class Forbidden(FhirError):
    status, code = 403, "forbidden"


class NotFound(FhirError):
    status, code = 404, "not-found"


class MethodNotAllowed(FhirError):
    """`allow` are the methods that would do, where there are any."""

    status, code = 405, "not-supported"

    def __init__(self, text: str, *, expression: str | None = None, allow: Sequence[str] = ()) -> None:
        super().__init__(text, expression=expression)
        self.allow = tuple(allow)


class NotAcceptable(FhirError):
    status, code = 406, "not-supported"


class Conflict(FhirError):
    status, code = 409, "conflict"


class Duplicate(Conflict):
    code = "duplicate"


class Ambiguous(Conflict):
    code = "multiple-matches"


class Gone(FhirError):
    status, code = 410, "deleted"


class ExpiredPage(FhirError):
    status, code = 410, "expired"


class VersionConflict(FhirError):
    status, code = 412, "conflict"


class SeveralMatches(FhirError):
    status, code = 412, "multiple-matches"


class TooLong(FhirError):
    status, code = 413, "too-long"


class TooManyEntries(FhirError):
    status, code = 413, "too-costly"


class UriTooLong(FhirError):
    status, code = 414, "too-long"


class UnsupportedMediaType(FhirError):
    status, code = 415, "not-supported"


class Unprocessable(FhirError):
    status, code = 422, "processing"


class PreconditionRequired(FhirError):
    status, code = 428, "required"


class Unavailable(FhirError):
    status, code = 503, "transient"


class StoreTimeout(Unavailable):
    code = "timeout"


class StoreFull(Unavailable):
    code = "no-store"


def operation_outcome(issues: Iterable[Issue]) -> Resource:
    """The OperationOutcome that says these issues.

    >>> operation_outcome([Issue("value", "not a date", "Patient.birthDate")])["issue"][0]["expression"]
    ['Patient.birthDate']
    """
    return {"resourceType": "OperationOutcome", "issue": [_issue(i) for i in issues]}


def _issue(issue: Issue) -> Json:
    found: Json = {
        "severity": issue.severity,
        "code": issue.code,
        "details": {"text": issue.text},
        "diagnostics": issue.text,
    }
    if issue.expression is not None:
        found["expression"] = [issue.expression]
    return found
