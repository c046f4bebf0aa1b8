"""Filters about other resources, answered first: what they find becomes ids in the filter.

Each reference that is followed costs one query over the other type, begun where its own filter is best
begun, and gives at most MOST ids; more are refused, because each of them would be carried into the
query that asks for the page. Every query is a snapshot; they are not all of one moment.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from fhir_mpi.fhir.outcome import TooCostly
from fhir_mpi.search.filters import And, Equals, Filter, Not, Or, Referred, Refers, after_prefix
from fhir_mpi.storage.mongo.documents import Document, field_name

MOST: Final = 10_000
"""How many other resources a reference may lead to."""

Ask: TypeAlias = Callable[[str, Filter, Sequence[Document]], Awaitable[list[Document]]]
"""type, filter without hops, further stages -> what they make of the documents the filter finds."""


async def without_hops(filter: Filter, ask: Ask) -> Filter:
    """The same filter without Refers and Referred. TooCostly where one leads to more than MOST ids."""
    match filter:
        case And(parts):
            return And(tuple([await without_hops(part, ask) for part in parts]))
        case Or(parts):
            return Or(tuple([await without_hops(part, ask) for part in parts]))
        case Not(part):
            return Not(await without_hops(part, ask))
        case Refers(code, type, inner, written):
            ids = await _ids(type, await without_hops(inner, ask), ask)
            return Or(tuple(Equals(code, start + id) for start in written for id in ids))
        case Referred(type, code, inner, written):
            ids = await _named(type, code, await without_hops(inner, ask), written, ask)
            return Or(tuple(Equals("_id", id) for id in ids))
        case _:
            return filter


async def _ids(type: str, filter: Filter, ask: Ask) -> list[str]:
    found = await ask(type, filter, [{"$limit": MOST + 1}, {"$project": {"_id": 1}}])
    return _bounded(type, [document["_id"] for document in found])


async def _named(type: str, code: str, filter: Filter, written: Sequence[str], ask: Ask) -> list[str]:
    """The ids in the texts under `code` that begin as written, each once."""
    field = f"ix.{field_name(code)}"
    ranges = [{field: {"$gte": start, "$lt": after_prefix(start)}} for start in written]
    stages: list[Document] = [
        {"$unwind": f"${field}"},
        {"$match": {"$or": ranges}},
        {"$group": {"_id": f"${field}"}},
        {"$limit": MOST + 1},
    ]
    texts = _bounded(type, [document["_id"] for document in await ask(type, filter, stages)])
    named = [text.removeprefix(start) for text in texts for start in written if text.startswith(start)]
    return list(dict.fromkeys(named))


def _bounded(type: str, found: list[str]) -> list[str]:
    if len(found) > MOST:
        raise TooCostly(
            f"the references of this search lead over more than {MOST} resources ({type}); narrow what is "
            "asked of them"
        )
    return found
