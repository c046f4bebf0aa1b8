"""POST [base]: batch and transaction (R5 http.html#transaction).

The writes of a transaction are done together. Everything else, and each entry of a batch, is run as a
request of its own, one after the other.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.fhir.outcome import FhirError, InvalidRequest, MalformedBody, TooManyEntries
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.http import entry_answers
from fhir_mpi.http.bodies import read_resource
from fhir_mpi.http.entries import Entry, change_of, check_operation, read_entry
from fhir_mpi.http.negotiation import response_type
from fhir_mpi.http.responses import fhir_response
from fhir_mpi.http.state import Server, base_url, server
from fhir_mpi.http.subrequests import run
from fhir_mpi.interactions.placing import Change
from fhir_mpi.interactions.transactions import transact
from fhir_mpi.interactions.writing import Written

ANSWER_BYTES: Final = 64 * 1024 * 1024
"""What entries may answer together: once it is reached, those that are left are not run."""
Done = Mapping[int, Sequence[Written]]


async def batch(request: Request) -> Response:
    own = server(request)
    response_type(request)
    bundle = await read_resource(request, limit=own.max_bundle_body, seconds=own.body_timeout)
    entries = [_entry(request, number, each) for number, each in enumerate(_given(own, bundle))]
    done = await _together(request, entries) if bundle["type"] == "transaction" else {}
    answers = [answer async for answer in _answers(request, entries, done)]
    found: Resource = {"resourceType": "Bundle", "type": f"{bundle['type']}-response"}
    return fhir_response(request, {**found, "entry": answers} if answers else found)


def _given(own: Server, bundle: Resource) -> Sequence[Any]:
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") not in ("batch", "transaction"):
        raise InvalidRequest("the body is a Bundle of type batch or transaction", expression="Bundle.type")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise MalformedBody("entry is a list", expression="Bundle.entry")
    if len(entries) > own.services.limits.bundle_entries:
        raise TooManyEntries(f"a Bundle has at most {own.services.limits.bundle_entries} entries")
    return entries


def _entry(request: Request, number: int, given: Any) -> Entry | FhirError:
    """What is wrong with one entry alone is that entry's answer; only what is none spoils the Bundle."""
    if not isinstance(given, dict):
        raise MalformedBody("an entry is an object", expression=f"Bundle.entry[{number}]")
    try:
        return read_entry(request, number, given)
    except FhirError as error:
        return error


async def _together(request: Request, entries: Sequence[Entry | FhirError]) -> Done:
    """All writes of a transaction in one commit; its reads come after them, wherever they stand."""
    changes: list[Change] = []
    for entry in entries:
        if isinstance(entry, FhirError):
            raise entry
        if entry.writes:
            changes.append(change_of(request, entry))
        elif entry.operation is not None:
            check_operation(request, entry)
        await asyncio.sleep(0)
    return await transact(server(request).services, changes, base_url(request))


async def _answers(request: Request, entries: Sequence[Entry | FhirError], done: Done) -> AsyncIterator[Json]:
    """An answer for each entry in its place; what isn't `done` yet is run now, one after the other."""
    room = ANSWER_BYTES
    for entry in entries:
        if isinstance(entry, FhirError):
            yield entry_answers.refused(entry)
            continue
        if entry.number in done:
            answer, size = entry_answers.written(request, entry, done[entry.number], room=room > 0)
        elif room > 0:
            answer, size = await _alone(request, entry)
        else:
            answer, size = entry_answers.refused(_not_run()), 0
        room -= size
        yield answer
        await asyncio.sleep(0)  # what looks up by key never waits: without this all others would


def _not_run() -> TooManyEntries:
    return TooManyEntries(
        f"not run: the entries before this one answered {ANSWER_BYTES} bytes; ask in a Bundle of its own"
    )


async def _alone(request: Request, entry: Entry) -> tuple[Json, int]:
    try:
        ran = await run(request, entry)
    except FhirError as error:
        return entry_answers.refused(error), 0
    if ran.written:
        return entry_answers.written(request, entry, ran.written)
    return entry_answers.read(entry, ran)
