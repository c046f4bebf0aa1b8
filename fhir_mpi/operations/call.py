"""What an operation is given and what it is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.services import Services


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation: its parameters, checked by the OperationDefinition, and where it was made."""

    parameters: Json
    base_url: str
    type: str | None = None
    id: str | None = None


Handler: TypeAlias = Callable[[Services, Call], Awaitable[Resource]]
