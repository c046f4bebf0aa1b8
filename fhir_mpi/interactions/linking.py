"""What the entries of a transaction are to store, pointing to each other (R5 http.html#trules).

A reference may name another entry by its fullUrl, or a resource by a search.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.links import REFERENCE, Link, relinked
from fhir_mpi.fhir.outcome import Gone, InvalidRequest, NotFound
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.lookups import SEARCH, Asked, Future, looked_up
from fhir_mpi.interactions.placing import Key, Place, at_entry
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.writing import check_precondition

PLACEHOLDERS: Final = ("urn:uuid:", "urn:oid:")
"""What a reference begins with that means an entry of the same Bundle (R5 bundle.html#references)."""
RESTFUL: Final = re.compile(r"(https?://.+/)[A-Z][A-Za-z]{0,63}/[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True, slots=True)
class Content:
    """What a place is to hold, pointing to the other entries by their ids; `searched` are its
    references by search, each with where it stands first.
    """

    place: Place
    resource: Resource
    searched: Mapping[str, str]


async def linked(services: Services, places: Sequence[Place], base_url: str) -> Mapping[int, Resource]:
    """What each entry that brings content is to store, by its number; nothing is checked but the links."""
    targets = _targets(places)
    contents: list[Content] = []
    for place in places:
        if place.change.method != "DELETE" and not place.met:
            with at_entry(place.change.number):
                contents.append(_content(services, place, targets))
            await asyncio.sleep(0)  # ten thousand of them take seconds: other requests come between
    asked = list(_asked(contents))
    if not asked:
        return {content.place.change.number: content.resource for content in contents}
    after: dict[Key, Future | None] = {p.key: None for p in places if p.change.method == "DELETE" and p.id}
    after |= {c.place.key: Future(c.place.change.number, c.resource) for c in contents}
    found = await looked_up(services, asked, after, base_url)
    return {c.place.change.number: _pointed(c.resource, found) for c in contents}


def _content(services: Services, place: Place, targets: Mapping[str, str]) -> Content:
    change, searched = place.change, dict[str, str]()
    resource = change.resource if change.patch is None else _patched(services, place)
    root = _root(change.full_url)

    def point(link: Link) -> str:
        found = _target(link, targets, root)
        if found is None and link.type == REFERENCE and change.patch is None:
            _refuse_unknown(link)
        if found is None and _is_search(link):
            searched.setdefault(link.text, link.path)
        return link.text if found is None else found

    return Content(place, relinked(resource or {}, point), searched)


def _patched(services: Services, place: Place) -> Resource:
    """The patched resource, before it is checked. NotFound and Gone where there is none."""
    change, current = place.change, place.current
    if current is None:
        what = f"{change.type}/{change.id}"
        raise NotFound(f"{what} is not known") if place.head is None else Gone(f"{what} was deleted")
    check_precondition(services, f"{change.type}/{place.id}", place.head, change.if_match)
    if change.patch is None:
        raise AssertionError("a PATCH has a patch")
    return change.patch(decode(current.json))


def _targets(places: Iterable[Place]) -> Mapping[str, str]:
    """Where each entry ends up, by what others may call it: its fullUrl, and `Type/id` with the id that
    its body brings where the server gives another. Two that bring the same id can't be called by it.
    """
    found: dict[str, str] = {}
    brought: dict[str, list[str]] = {}
    for place in places:
        change, at = place.change, f"{place.change.type}/{place.id}"
        if change.method == "DELETE":
            continue
        if change.full_url:
            found[change.full_url] = at
        id = (change.resource or {}).get("id")
        if change.method == "POST" and isinstance(id, str):
            brought.setdefault(f"{change.type}/{id}", []).append(at)
    named = {f"{place.change.type}/{place.id}" for place in places}
    return {name: at[0] for name, at in brought.items() if len(at) == 1 and name not in named} | found


def _root(full_url: str | None) -> str:
    """What a relative reference in this entry is relative to (R5 bundle.html#references).

    >>> _root("http://a.example/fhir/Patient/1"), _root("urn:uuid:1"), _root(None)
    ('http://a.example/fhir/', '', '')
    """
    found = RESTFUL.fullmatch(full_url or "")
    return found[1] if found else ""


def _target(link: Link, targets: Mapping[str, str], root: str) -> str | None:
    """Where the entry is that a link names; only a Reference may do so relatively or with a fragment."""
    if link.type != REFERENCE:
        return targets.get(link.text) if ":" in link.text else None
    name, hash, fragment = link.text.partition("#")
    found = targets.get(root + name) or targets.get(name)
    return None if found is None else found + hash + fragment


def _refuse_unknown(link: Link) -> None:
    if link.text.startswith(PLACEHOLDERS):
        raise InvalidRequest("no entry that writes a resource has this fullUrl", expression=link.path)


def _asked(contents: Iterable[Content]) -> Iterator[Asked]:
    """Each reference by search once, at its first place."""
    known: set[str] = set()
    for content in contents:
        for text, path in content.searched.items():
            if text not in known:
                known.add(text)
                yield Asked(content.place.change.number, path, text)


def _pointed(resource: Resource, found: Mapping[str, str]) -> Resource:
    return relinked(resource, lambda link: found.get(link.text, link.text) if _is_search(link) else link.text)


def _is_search(link: Link) -> bool:
    return link.type == REFERENCE and SEARCH.fullmatch(link.text) is not None
