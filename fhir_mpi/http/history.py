"""GET [base]/_history, [base]/[type]/_history and [base]/[type]/[id]/_history (R5 http.html#history)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.fhir.bundle import history, match_entry
from fhir_mpi.fhir.dates import instant, period
from fhir_mpi.fhir.outcome import InvalidRequest, InvalidValue, UnsupportedParameter
from fhir_mpi.fhir.subset import Shape
from fhir_mpi.fhir.types import Json
from fhir_mpi.http.negotiation import response_type
from fhir_mpi.http.responses import fhir_response, shaped
from fhir_mpi.http.search import pairs
from fhir_mpi.http.state import base_url, server
from fhir_mpi.interactions.history import (
    HistoryResult,
    Span,
    version_key,
)
from fhir_mpi.interactions.history import (
    instance_history as history_of_instance,
)
from fhir_mpi.interactions.history import (
    system_history as history_of_system,
)
from fhir_mpi.interactions.history import (
    type_history as history_of_type,
)
from fhir_mpi.search.results import CURSOR, FORMATS, read_shape
from fhir_mpi.search.term import short
from fhir_mpi.storage.port import Changes, Stored

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
OLDEST_FIRST: Final = {"-_lastUpdated": False, "none": False, "_lastUpdated": True}
"""What `_sort` may say; without it the newest come first."""
UNDERSTOOD: Final = frozenset({"_count", "_since", "_at", "_sort", "_summary", "_elements", CURSOR, *FORMATS})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks of a history at `path`; `understood` are the pairs for its links."""

    path: str
    query: Changes
    span: Span
    shape: Shape | None
    understood: tuple[tuple[str, str], ...]
    cursor: str | None = None


async def instance_history(request: Request) -> Response:
    type, id = request.path_params["type"], request.path_params["id"]
    asked = _asked(request, f"{type}/{id}/_history")
    return _answer(
        request, asked, await history_of_instance(server(request).services, type, id, asked.query, asked.span)
    )


async def type_history(request: Request) -> Response:
    type = request.path_params["type"]
    asked = _asked(request, f"{type}/_history")
    return _answer(
        request, asked, await history_of_type(server(request).services, type, asked.query, asked.span)
    )


async def system_history(request: Request) -> Response:
    asked = _asked(request, "_history")
    return _answer(request, asked, await history_of_system(server(request).services, asked.query, asked.span))


def _asked(request: Request, path: str) -> Asked:
    response_type(request)
    own, given = server(request), _given(request)
    limits = own.services.limits
    count = min(_count(given.get("_count", str(limits.page_size))), limits.page_size_max)
    understood = (
        *((name, value) for name, value in given.items() if name not in ("_count", CURSOR) and value),
        ("_count", str(count)),
    )
    cursor = given.get(CURSOR)
    after = own.cursors.position(cursor, _history(path, understood)) if cursor else None
    query = Changes((), count, oldest_first=_oldest_first(given.get("_sort", "")), after=after)
    return Asked(path, query, _span(given), read_shape(tuple(given.items())), understood, cursor)


def _given(request: Request) -> dict[str, str]:
    """The parameters by name; unknown ones are refused, but for those that begin with an underscore."""
    found: dict[str, str] = {}
    for name, value in pairs(request.url.query):
        if name in found:
            raise InvalidRequest(f'"{name}" is given more than once', expression=f"http.{name}")
        if name in UNDERSTOOD:
            found[name] = value
        elif name == "_list" or not name.startswith("_"):
            raise UnsupportedParameter(
                f'"{short(name)}" is no parameter of a history', expression=f"http.{short(name)}"
            )
    return found


def _count(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) < 10) or int(given) < 1:
        raise InvalidValue("_count is a whole number of at least 1", expression="http._count")
    return int(given)


def _oldest_first(given: str) -> bool:
    if given and given not in OLDEST_FIRST:
        raise InvalidValue(f"_sort is one of {', '.join(OLDEST_FIRST)}", expression="http._sort")
    return OLDEST_FIRST.get(given, False)


def _span(given: dict[str, str]) -> Span:
    if given.get("_since") and given.get("_at"):
        raise InvalidRequest("_since and _at exclude each other", expression="http._at")
    since = _period("_since", given["_since"])[0] if given.get("_since") else None
    return Span(since, _period("_at", given["_at"]) if given.get("_at") else None)


def _period(name: str, text: str) -> tuple[datetime, datetime]:
    """The first and the last moment that a date or time covers; without a zone it is UTC."""
    try:
        low, high = (EPOCH + timedelta(milliseconds=ms) for ms in period(text))
    except (ValueError, OverflowError) as error:
        raise InvalidValue(f"{name} is a date, or a time with its zone", expression=f"http.{name}") from error
    return low, high


def _history(path: str, understood: tuple[tuple[str, str], ...]) -> str:
    return f"{path}?{urlencode(understood)}"


def _answer(request: Request, asked: Asked, found: HistoryResult) -> Response:
    base = base_url(request)
    here = _history(asked.path, asked.understood)
    page = f"&{urlencode({CURSOR: asked.cursor})}" if asked.cursor else ""
    links = {"self": f"{base}/{here}{page}"}
    if found.next is not None:
        cursor = server(request).cursors.sign(found.next, here)
        links["next"] = f"{base}/{here}&{urlencode({CURSOR: cursor})}"
    entries = [
        _entry(base, stored, asked.shape, created=version_key(stored) in found.created)
        for stored in found.versions
    ]
    return fhir_response(request, history(entries, total=found.total, links=links))


def _entry(base: str, stored: Stored, shape: Shape | None, *, created: bool) -> Json:
    url = f"{stored.type}/{stored.id}"
    entry: Json = {
        "request": {"method": stored.method, "url": stored.type if stored.method == "POST" else url},
        "response": {
            "status": "201" if created else "200",
            "etag": f'W/"{stored.version}"',
            "lastModified": instant(stored.last_updated),
        },
    }
    if stored.deleted:
        return {"fullUrl": f"{base}/{url}", **entry}
    resource = match_entry(f"{base}/{url}", shaped(stored.json, shape), {})
    return {"fullUrl": resource["fullUrl"], "resource": resource["resource"], **entry}
