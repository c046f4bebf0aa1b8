"""How master data management is done here: for which types, by which rules, how much of it at once."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from fhir_mpi.fhir.types import Resource
from fhir_mpi.mdm.eid import EidScheme, uuid_eid
from fhir_mpi.mdm.golden import Survive
from fhir_mpi.mdm.rules import MdmRules

OFF: Final = "off"
MATCH_ONLY: Final = "match-only"
MATCH_AND_LINK: Final = "match-and-link"


def as_it_is(resource: Resource) -> Resource:
    return resource


@dataclass(frozen=True, slots=True)
class Mdm:
    """`modes` by resource type; a type that isn't named is only matched.

    `at_once` is how many candidates, and how many sources, may be looked at inside of the transaction that
    writes a source; more of them wait in the queue. `cleaned` is what is matched of a resource.
    """

    modes: Mapping[str, str] = field(default_factory=dict)
    rules: MdmRules = field(default_factory=MdmRules)
    at_once: int = 50
    scheme: EidScheme = uuid_eid
    cleaned: Callable[[Resource], Resource] = as_it_is
    survive: Survive | None = None
    line: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Whoever met a conflict tries again inside: those of one process one after the other."""
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this process put something into the queue."""

    def mode(self, type: str) -> str:
        return self.modes.get(type, MATCH_ONLY)

    def links(self, type: str) -> bool:
        """Whether records of this type are linked to golden records."""
        return self.modes.get(type) == MATCH_AND_LINK

    @property
    def linked_types(self) -> tuple[str, ...]:
        return tuple(type for type in self.modes if self.links(type))
