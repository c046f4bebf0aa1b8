"""Whose an identifier is now: those that are old or ended belong to nobody any more.

Numbers are reassigned: a record gives one up (`use` old, `period.end`), another one gets it, and a
hospital may hand out an old number again.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from fhir_mpi.fhir.dates import period
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.mdm.eid import INTERNAL

OLD: Final = "old"


def current_identifiers(resource: Resource, now: datetime, *, golden: bool = False) -> Iterator[Json]:
    """The identifiers with system and value that a record has now; none where it isn't active.

    A `golden` record has the numbers of all its sources: only the EID that was made for it is its own.
    """
    if resource.get("active", True) is False:
        return
    for identifier in resource.get("identifier", ()):
        system, value = identifier.get("system"), identifier.get("value")
        if system and value and (not golden or system == INTERNAL) and is_current(identifier, now):
            yield identifier


def is_current(identifier: Json, now: datetime) -> bool:
    """Whether an Identifier is neither old nor outside of its period, whose ends are inside.

    >>> from datetime import UTC
    >>> now = datetime(2026, 5, 1, tzinfo=UTC)
    >>> is_current({"period": {"end": "2026"}}, now), is_current({"period": {"end": "2026-04"}}, now)
    (True, False)
    >>> is_current({"use": "old"}, now), is_current({"period": {"start": "2026-06"}}, now)
    (False, False)
    """
    moment, within = now.timestamp() * 1000, identifier.get("period") or {}
    if identifier.get("use") == OLD:
        return False
    begun = "start" not in within or period(within["start"])[0] <= moment
    return begun and ("end" not in within or moment <= period(within["end"])[1])
