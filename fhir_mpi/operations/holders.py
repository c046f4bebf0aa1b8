"""Who has an identifier: one person or organization, under all records that links say are one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fhir_mpi.fhir.outcome import Ambiguous, InvalidValue, NotFound, TooCostly
from fhir_mpi.interactions.identities import identities_of
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.identifiers import current_identifiers
from fhir_mpi.mdm.identity import Identity
from fhir_mpi.search.filters import Prefix, Query
from fhir_mpi.search.term import SearchContext, Term, cut, split, unescaped
from fhir_mpi.storage.port import Stored

IDENTIFIER: Final = "identifier"
MOST: Final = 100
"""Records that may have one identifier: more of them have a placeholder, and no number of anybody."""


@dataclass(frozen=True, slots=True)
class Token:
    """An identifier as a client names it; `text` is how it was written."""

    system: str
    value: str
    text: str


def token(text: str, expression: str) -> Token:
    """Reads `system|value`; InvalidValue without either."""
    parts = [unescaped(part) for part in split(text, "|")]
    if len(parts) != 2 or not all(parts):
        raise InvalidValue("an identifier is written system|value", expression=expression)
    return Token(parts[0], parts[1], text)


async def is_known_system(services: Services, type: str, system: str) -> bool:
    """Whether any record of a type has an identifier of this system, a former one too."""
    page = await services.store.search(Query(type, Prefix(IDENTIFIER, cut(system + "|")), 1))
    return bool(page.resources)


async def holder(services: Services, type: str, wanted: Token, expression: str) -> Identity:
    """Whose identifier it is now.

    NotFound where it is nobody's, former holders not counted; Ambiguous where records have it that
    aren't known to be one.
    """
    records = await _records(services, type, wanted, expression)
    identities = await identities_of(services, type, [record.id for record in records])
    found = {
        identities[record.id]
        for record in records
        if _has(record, wanted, services.clock(), golden=identities[record.id].golden == record.id)
    }
    if not found:
        raise NotFound("sourceIdentifier Patient Identifier not found", expression=expression)
    if len(found) > 1:
        raise Ambiguous(
            f"{len(found)} that are not known to be one have this identifier", expression=expression
        )
    return found.pop()


def _has(record: Stored, wanted: Token, now: datetime, *, golden: bool) -> bool:
    found = current_identifiers(record.resource, now, golden=golden)
    return any((each["system"], each["value"]) == (wanted.system, wanted.value) for each in found)


async def _records(services: Services, type: str, wanted: Token, expression: str) -> Sequence[Stored]:
    context = SearchContext(int(services.clock().timestamp() * 1000), "")
    parameter = services.intake.search.parameters(type)[IDENTIFIER]
    filter = parameter.type.filter(Term(IDENTIFIER, wanted.text, "", context))
    page = await services.store.search(Query(type, filter, MOST + 1))
    if len(page.resources) > MOST:
        raise TooCostly(f"more than {MOST} records have this identifier", expression=expression)
    return page.resources
