"""$mdm-query-links, $mdm-link-history, $mdm-duplicate-golden-resources: what is linked, and was."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from fhir_mpi.fhir.outcome import InvalidValue, MissingParameter
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.link import Link, LinkSource, MatchResult
from fhir_mpi.mdm.ports import LinkField, LinkQuery, LinkSort
from fhir_mpi.operations.call import Call
from fhir_mpi.operations.mdm_parameters import match_result, named, where

DEFAULT_COUNT: Final = 20
MOST: Final = 100
FIELDS: Final[Mapping[str, LinkField]] = {
    "myGoldenResourcePid": LinkField.GOLDEN,
    "mySourcePid": LinkField.SOURCE,
    "myMatchResult": LinkField.RESULT,
    "myLinkSource": LinkField.LINK_SOURCE,
    "myScore": LinkField.SCORE,
    "myEidMatch": LinkField.EID_MATCH,
    "myHadToCreateNewResource": LinkField.MADE_GOLDEN,
    "myVersion": LinkField.VERSION,
    "myCreated": LinkField.CREATED,
    "myUpdated": LinkField.UPDATED,
}
"""HAPI's names for what is sorted by."""


async def query_links(services: Services, call: Call) -> Resource:
    """A page of links, with links to the pages around it."""
    asked = call.parameters
    types = _types(services, asked.get("resourceType"))
    narrowed: dict[str, Any] = {}
    for parameter, field in (("goldenResourceId", "goldens"), ("resourceId", "sources")):
        if parameter in asked:
            type, id, _ = named(call, parameter, asked[parameter])
            types = [known for known in types if known == type]
            narrowed[field] = [id]
    if (result := match_result(call)) is not None:
        narrowed["results"] = [result]
    if "linkSource" in asked:
        narrowed["link_source"] = _link_source(asked["linkSource"])
    query = LinkQuery(tuple(types), sort=_sort(asked.get("_sort", "")), **narrowed)
    return await _page(services, call, "$mdm-query-links", query)


async def duplicate_goldens(services: Services, call: Call) -> Resource:
    """A page of pairs of golden records that may be one."""
    types = _types(services, call.parameters.get("resourceType"))
    query = LinkQuery(tuple(types), results=[MatchResult.POSSIBLE_DUPLICATE])
    return await _page(services, call, "$mdm-duplicate-golden-resources", query)


async def link_history(services: Services, call: Call) -> Resource:
    """Every version of the links of golden records and sources, newest first."""
    wanted: dict[str, dict[str, list[str]]] = {}
    for parameter, field in (
        ("goldenResourceId", "goldens"),
        ("resourceId", "sources"),
        ("sourceResourceId", "sources"),
    ):
        for text in call.parameters.get(parameter, ()):
            type, id, _ = named(call, parameter, text)
            wanted.setdefault(type, {}).setdefault(field, []).append(id)
    if not wanted:
        raise MissingParameter(
            "at least one goldenResourceId or resourceId is required", expression="Parameters.parameter"
        )
    found = [
        link
        for type, ids in wanted.items()
        if type in services.mdm.linked_types
        for link in await services.store.link_history(type, **ids)
    ]
    found.sort(key=lambda link: link.updated, reverse=True)
    parts = [{"name": "historical link", "part": [*_parts(link), *_times(link)]} for link in found]
    return {"resourceType": "Parameters", **({"parameter": parts} if parts else {})}


async def _page(services: Services, call: Call, operation: str, query: LinkQuery) -> Resource:
    offset, count = _bounds(call.parameters)
    page = LinkQuery(
        query.types,
        query.goldens,
        query.sources,
        query.results,
        query.link_source,
        query.sort,
        limit=count + 1,
        offset=offset,
    )
    links = await services.store.links(page)
    urls = {"self": offset}
    if offset:
        urls = {"prev": max(0, offset - count), **urls}
    if len(links) > count:
        urls["next"] = offset + count
    found: list[Json] = [
        {"name": name, "valueUri": _url(call, operation, place, count)} for name, place in urls.items()
    ]
    found += [{"name": "link", "part": list(_parts(link))} for link in links[:count]]
    return {"resourceType": "Parameters", "parameter": found}


def _bounds(parameters: Json) -> tuple[int, int]:
    offset, count = parameters.get("_offset", 0), parameters.get("_count", DEFAULT_COUNT)
    if offset < 0:
        raise InvalidValue("_offset is at least 0", expression=where("_offset"))
    if count < 1:
        raise InvalidValue("_count is at least 1", expression=where("_count"))
    return offset, min(count, MOST)


def _url(call: Call, operation: str, offset: int, count: int) -> str:
    asked = {name: value for name, value in call.parameters.items() if name not in ("_offset", "_count")}
    return f"{call.base_url}/{operation}?{urlencode({**asked, '_offset': offset, '_count': count})}"


def _types(services: Services, asked: str | None) -> list[str]:
    linked = services.mdm.linked_types
    if asked is not None and asked not in linked:
        raise InvalidValue(
            f"records of this type aren't linked here; these are: {', '.join(linked)}",
            expression=where("resourceType"),
        )
    return [type for type in linked if asked in (None, type)]


def _link_source(text: str) -> LinkSource:
    if text not in set(LinkSource):
        raise InvalidValue(f"linkSource is one of {', '.join(LinkSource)}", expression=where("linkSource"))
    return LinkSource(text)


def _sort(text: str) -> list[LinkSort]:
    """`-myScore,myCreated`.

    >>> _sort("-myScore")
    [LinkSort(field=<LinkField.SCORE: 'score'>, descending=True)]
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name.removeprefix("-") not in FIELDS]:
        raise InvalidValue(
            f"links can't be sorted by {unknown[0]:.64}; they can by {', '.join(FIELDS)}",
            expression=where("_sort"),
        )
    return [LinkSort(FIELDS[name.removeprefix("-")], name.startswith("-")) for name in names]


def _parts(link: Link) -> Iterator[Json]:
    yield {"name": "goldenResourceId", "valueString": f"{link.type}/{link.golden}"}
    yield {"name": "sourceResourceId", "valueString": f"{link.type}/{link.source}"}
    yield {"name": "matchResult", "valueString": str(link.result)}
    yield {"name": "linkSource", "valueString": str(link.link_source)}
    yield {"name": "eidMatch", "valueBoolean": link.eid_match}
    yield {"name": "hadToCreateNewResource", "valueBoolean": link.made_golden}
    if link.score is not None:
        yield {"name": "score", "valueDecimal": link.score}


def _times(link: Link) -> Iterator[Json]:
    yield {"name": "revisionTimestamp", "valueString": _timestamp(link.updated)}
    yield {"name": "linkCreated", "valueDecimal": _millis(link.created)}
    yield {"name": "linkUpdated", "valueDecimal": _millis(link.updated)}
    if link.removed:
        yield {"name": "removed", "valueBoolean": True}


def _millis(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _timestamp(moment: datetime) -> str:
    """As a Java Timestamp is written.

    >>> _timestamp(datetime(2023, 3, 16, 15, 14, 39, 170000)), _timestamp(datetime(2023, 3, 16))
    ('2023-03-16 15:14:39.17', '2023-03-16 00:00:00.0')
    """
    fraction = f"{moment.microsecond // 1000:03d}".rstrip("0") or "0"
    return f"{moment:%Y-%m-%d %H:%M:%S}.{fraction}"
