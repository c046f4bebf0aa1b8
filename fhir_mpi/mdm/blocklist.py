"""Sources that are kept from matching, such as John Does: HAPI's blocklist."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from fhir_mpi.fhir.expression import compile_element_expression
from fhir_mpi.fhir.types import Json, Resource

Evaluate: TypeAlias = Callable[[Any], list[Any]]
SINGLE: Final = ".single()"


@dataclass(frozen=True, slots=True)
class BlockedField:
    """What has to be said, and by which element; case doesn't count."""

    evaluate: Evaluate
    value: str

    def holds(self, resource: Resource) -> bool:
        return any(str(found).casefold() == self.value for found in self.evaluate(resource))


@dataclass(frozen=True, slots=True)
class BlockedEntry:
    """A resource of `type` is blocked where every field holds."""

    type: str
    fields: tuple[BlockedField, ...]

    def blocks(self, resource: Resource) -> bool:
        return resource["resourceType"] == self.type and all(field.holds(resource) for field in self.fields)


@dataclass(frozen=True, slots=True)
class Blocklist:
    entries: tuple[BlockedEntry, ...] = ()

    def blocks(self, resource: Resource) -> bool:
        return any(entry.blocks(resource) for entry in self.entries)


def blocklist_of(entries: Sequence[Json]) -> Blocklist:
    """The `blocklist` of HAPI's JSON; UnsupportedExpression for a path outside of what is understood.

    >>> field = {"fhirPath": "name.single().family", "value": "doe"}
    >>> does = blocklist_of([{"resourceType": "Patient", "fields": [field]}])
    >>> does.blocks({"resourceType": "Patient", "name": [{"family": "Doe"}]})
    True
    >>> does.blocks({"resourceType": "Patient", "name": [{"family": "Doe"}, {"family": "Poe"}]})
    False
    """
    return Blocklist(tuple(BlockedEntry(each["resourceType"], _fields(each["fields"])) for each in entries))


def _fields(fields: Sequence[Json]) -> tuple[BlockedField, ...]:
    return tuple(BlockedField(_compiled(f["fhirPath"]), str(f["value"]).casefold()) for f in fields)


def _compiled(path: str) -> Evaluate:
    """A path in which `single()` may stand behind a step: it leaves nothing where that found several."""
    parts = [part.strip(".") for part in path.split(SINGLE)]
    steps = [compile_element_expression(part) for part in parts if part]
    singles = len(parts) - 1

    def evaluate(resource: Any) -> list[Any]:
        found: list[Any] = [resource]
        for number, step in enumerate(steps):
            found = [value for item in found for value in step(item)]
            if number < singles and len(found) != 1:
                return []
        return found

    return evaluate
