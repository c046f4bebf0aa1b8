"""$everything: a patient and all that is about it (https://hl7.org/fhir/R5/patient-operation-everything.html).

The pages go through steps, each a search: the patient, then type after type what refers to it. A cursor
says the step and the position in it. What the patients on a page refer to comes along with them.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from fhir_mpi.fhir.bundle import match_entry, searchset
from fhir_mpi.fhir.dates import period
from fhir_mpi.fhir.outcome import InvalidRequest, InvalidValue, Issue, TooCostly
from fhir_mpi.fhir.references import local_references
from fhir_mpi.fhir.resource_types import RESOURCE_TYPES
from fhir_mpi.fhir.types import Json
from fhir_mpi.interactions.identities import identities_of
from fhir_mpi.interactions.reading import read
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.merging import REPLACED_BY, links
from fhir_mpi.operations.call import Answer, Call
from fhir_mpi.search.compartment import PATIENT, in_any_compartment, in_compartment
from fhir_mpi.search.filters import EVERYTHING, NOTHING, And, Filter, Not, OneOf, Or, Present, Query, Within
from fhir_mpi.search.term import SearchContext
from fhir_mpi.storage.port import Stored

WHERE: Final = "Parameters.parameter.where(name='{}').value"
DATE: Final = "date"
"""The search parameter that holds when care was given, on the types that have it."""
Step: TypeAlias = tuple[str, Filter]
Place: TypeAlias = tuple[int, str | None]
"""A step, and a position in it that the store gave."""
BEGINNING: Final[Place] = (0, None)


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters, read: `since` in milliseconds since 1970, `types` those that are served, `ids` the
    patients that are asked for, None for all.
    """

    types: Sequence[str]
    unserved: Sequence[str]
    since: int | None
    count: int
    ids: tuple[str, ...] | None


async def everything(services: Services, call: Call) -> Answer:
    """A searchset; NotFound or Gone where the patient is not there, TooCostly where a setting forbids
    to search for everything, InvalidValue for a type that R5 doesn't have.
    """
    asked = _asked(services, call.parameters, await _patients(services, call))
    step, after = json.loads(call.after) if call.after is not None else BEGINNING
    steps = list(_steps(services, call, asked))
    found, following = await _page(services, steps, asked.count, (step, after))
    others, issues = await _referenced(services, call, asked, found)
    entries = [*_entries(call, found, "match"), *_entries(call, others, "include")]
    total = len(found) if call.after is None and following is None else None
    bundle = searchset(entries, total=total, links={}, warnings=[*_passed_over(asked), *issues])
    return Answer(bundle, next=None if following is None else json.dumps(following))


def _require_unreplaced(patient: Stored) -> None:
    """InvalidRequest for who was merged away: what was about them is about the survivor (R5
    patient-operation-merge.html).
    """
    if by := links(patient.resource, REPLACED_BY):
        raise InvalidRequest(f"Patient/{patient.id} was replaced by {by[0]}: ask for everything about that")


async def _patients(services: Services, call: Call) -> tuple[str, ...] | None:
    """The patient that is named, with `_mdm` under every record it is known by; None for all patients."""
    wider = call.parameters.get("_mdm", False)
    if call.id is None:
        if wider:
            raise InvalidRequest("_mdm wants a patient to be named", expression=WHERE.format("_mdm"))
        if not services.limits.search_without_criteria:
            raise TooCostly("this server wants a patient to be named")
        return None
    _require_unreplaced(await read(services, PATIENT, call.id))
    if not wider:
        return (call.id,)
    return (await identities_of(services, PATIENT, [call.id]))[call.id].members


def _asked(services: Services, parameters: Json, ids: tuple[str, ...] | None) -> Asked:
    named = [name for text in parameters.get("_type", ()) for name in text.split(",") if name]
    if unknown := [name for name in named if name not in RESOURCE_TYPES]:
        raise InvalidValue(f"R5 has no type {unknown[0]:.64}", expression=WHERE.format("_type"))
    served = [
        type
        for type, codes in services.definitions.interactions.items()
        if codes >= {"read", "search-type"} and (not named or type in named)
    ]
    limit = services.limits.page_size_max
    count = parameters.get("_count", limit)
    if count < 1:
        raise InvalidValue("_count is at least 1", expression=WHERE.format("_count"))
    since = period(parameters["_since"])[0] if "_since" in parameters else None
    unserved = sorted(set(named) - services.definitions.interactions.keys())
    return Asked(served, unserved, since, min(count, limit), ids)


def _steps(services: Services, call: Call, asked: Asked) -> Iterator[Step]:
    context = SearchContext(int(services.clock().timestamp() * 1000), call.base_url)
    since = EVERYTHING if asked.since is None else Within("_lastUpdated", low_from=asked.since)
    themselves = EVERYTHING if asked.ids is None else OneOf("_id", asked.ids)
    if PATIENT in asked.types:
        yield PATIENT, _all(themselves, since)
    for type in asked.types:
        known = services.intake.search.parameters(type)
        if asked.ids is None:
            about = in_any_compartment(known, context) if type != PATIENT else NOTHING
        else:
            about = in_compartment(known, asked.ids, context)
        if about == NOTHING:
            continue
        dated = _dated(call.parameters) if DATE in known and known[DATE].type.name == "date" else EVERYTHING
        others = Not(themselves) if type == PATIENT else EVERYTHING
        yield type, _all(about, others, since, dated)


def _dated(parameters: Json) -> Filter:
    """In the time of care that is asked for, or without a date."""
    bounds = [(name, period(parameters[name])) for name in ("start", "end") if name in parameters]
    if not bounds:
        return EVERYTHING
    ends = {"high_from" if name == "start" else "low_to": day[name == "end"] for name, day in bounds}
    return Or((Within(DATE, **ends), Not(Present(DATE))))


def _all(*filters: Filter) -> Filter:
    needed = tuple(filter for filter in filters if filter != EVERYTHING)
    return needed[0] if len(needed) == 1 else And(needed)


async def _page(
    services: Services, steps: Sequence[Step], count: int, begin: Place
) -> tuple[Sequence[Stored], Place | None]:
    """`count` resources from a place on, or all that are left; and the place behind them."""
    found: list[Stored] = []
    step, after = begin
    while step < len(steps):
        if len(found) == count:
            return found, (step, after)
        type, filter = steps[step]
        page = await services.store.search(Query(type, filter, count - len(found), after=after))
        found += page.resources
        step, after = (step, page.next) if page.next is not None else (step + 1, None)
    return found, None


async def _referenced(
    services: Services, call: Call, asked: Asked, found: Sequence[Stored]
) -> tuple[Sequence[Stored], Sequence[Issue]]:
    """What the patients that are asked for refer to and the page doesn't have yet."""
    patients = [s for s in found if s.type == PATIENT and (asked.ids is None or s.id in asked.ids)]
    wanted = local_references([patient.resource for patient in patients], call.base_url)
    there = {(stored.type, stored.id) for stored in found}
    others: list[Stored] = []
    left_out = 0
    for type in asked.types:
        ids = [id for id in wanted.get(type, ()) if (type, id) not in there]
        room = services.limits.page_size_max - len(others)
        left_out += len(ids[room:])
        read = await services.store.read_many(type, ids[:room]) if ids[:room] else ()
        others += (stored for stored in read if _is_since(stored, asked.since))
    if not left_out:
        return others, ()
    return others, [Issue("incomplete", f"{left_out} referenced resources were left out", severity="warning")]


def _is_since(stored: Stored, since: int | None) -> bool:
    return since is None or stored.last_updated.timestamp() * 1000 >= since


def _entries(call: Call, found: Sequence[Stored], mode: str) -> list[Json]:
    return [match_entry(f"{call.base_url}/{s.type}/{s.id}", s.json, {"mode": mode}) for s in found]


def _passed_over(asked: Asked) -> list[Issue]:
    if not asked.unserved:
        return []
    text = f"this server has no {', '.join(asked.unserved)}"
    return [Issue("not-supported", text, severity="information")]
