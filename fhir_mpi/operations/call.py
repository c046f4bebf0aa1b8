"""What an operation is given, what it answers, and what it is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from fhir_mpi.fhir.operation_answer import answer_parameters
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.services import Services


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation: its parameters, checked by the OperationDefinition, and where it was made.

    `type` is None for the whole system, `id` for a type. A parameter that may repeat is a list, one with
    parts a dict. `after` is where the page begins that is asked for, as an `Answer.next` said it.
    `later` says that the client would rather be answered later, by a job.
    """

    parameters: Json
    base_url: str
    type: str | None = None
    id: str | None = None
    after: str | None = None
    later: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that needs more than a resource: another HTTP status than 200, headers, a next page.

    `next` is where that begins; links to it are made for operations that take a `_cursor`. `page` makes
    the same answer as HTML, for people, and is called only where that is asked for.
    """

    resource: Resource
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    next: str | None = None
    page: Callable[[], str] | None = None


Handler: TypeAlias = Callable[[Services, Call], Awaitable[Resource | Answer]]


def status_url(base_url: str, job: str) -> str:
    """Where a client asks what became of a job: the Content-Location of a 202."""
    return f"{base_url}/_jobs/{job}"


def accepted(base_url: str, job: str) -> Answer:
    """202 for what a job does from now on: where FHIR's clients ask for it, and the id that HAPI's know."""
    headers = {"content-location": status_url(base_url, job), "preference-applied": "respond-async"}
    return Answer(answer_parameters(("jobId", "string", job)), 202, headers)
