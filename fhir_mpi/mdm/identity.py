"""Who is one: a golden record, the sources that match it, and the golden records merged into it.

No record is in two identities: a source matches one golden record at most, and a golden record is
merged into one.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from fhir_mpi.mdm.link import Link, MatchResult

UNITING: Final = (MatchResult.MATCH, MatchResult.REDIRECT)
"""What a link says whose two ends are one. The other results leave them apart."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The ids of all records of one type that are one, in order; `golden` stands for them, and is None
    where a record has no link.
    """

    golden: str | None
    members: tuple[str, ...]
    sources: tuple[str, ...]


def leads(links: Iterable[Link]) -> frozenset[str]:
    """The ids behind which there may be more links: golden records, those that were merged among them."""
    return frozenset(
        id
        for link in links
        for id in ((link.golden, link.source) if link.result is MatchResult.REDIRECT else (link.golden,))
    )


def identities(ids: Collection[str], links: Collection[Link]) -> Mapping[str, Identity]:
    """The identity of each id, where `links` are all that unite what they lead to."""
    neighbours: dict[str, set[str]] = {}
    for link in links:
        neighbours.setdefault(link.golden, set()).add(link.source)
        neighbours.setdefault(link.source, set()).add(link.golden)
    found: dict[str, Identity] = {}
    for id in ids:
        if id not in found:
            members = _connected(id, neighbours)
            identity = _identity(members, links)
            found |= dict.fromkeys(members, identity)
    return {id: found[id] for id in ids}


def _connected(id: str, neighbours: Mapping[str, Collection[str]]) -> frozenset[str]:
    found, frontier = {id}, {id}
    while frontier:
        frontier = {other for each in frontier for other in neighbours.get(each, ())} - found
        found |= frontier
    return frozenset(found)


def _identity(members: Collection[str], links: Iterable[Link]) -> Identity:
    own = [link for link in links if link.golden in members]
    merged = {link.source for link in own if link.result is MatchResult.REDIRECT}
    goldens = sorted({link.golden for link in own} - merged)
    sources = sorted({link.source for link in own if link.result is MatchResult.MATCH})
    return Identity(goldens[0] if goldens else None, tuple(sorted(members)), tuple(sources))
