"""Links: what is known between a source record and a golden record, in HAPI's words."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from fhir_mpi.fhir.dates import instant
from fhir_mpi.fhir.types import Json

Pair: TypeAlias = tuple[str, str, str]
"""Type, golden id and source id of a link: there is one link for each."""


class MatchResult(StrEnum):
    """What a link says. POSSIBLE_DUPLICATE and REDIRECT lie between two golden records."""

    MATCH = "MATCH"
    POSSIBLE_MATCH = "POSSIBLE_MATCH"
    NO_MATCH = "NO_MATCH"
    POSSIBLE_DUPLICATE = "POSSIBLE_DUPLICATE"
    REDIRECT = "REDIRECT"


class LinkSource(StrEnum):
    """Who says so: the matching, or a person whom the matching never overrules."""

    AUTO = "AUTO"
    MANUAL = "MANUAL"


@dataclass(frozen=True, slots=True)
class Link:
    """One version of a link. `golden` and `source` are ids of resources of `type`.

    Of a POSSIBLE_DUPLICATE `source` is the other golden record, of a REDIRECT the one that was merged
    into `golden`. `score` is that of the best match, None where nothing was scored. `made_golden` says
    that the golden record was made for this source, `explanation` how the score came about, as JSON.
    A link that is `removed` says nothing any more; its number goes on where it is made again.
    """

    type: str
    golden: str
    source: str
    result: MatchResult
    link_source: LinkSource
    version: int
    created: datetime
    updated: datetime
    eid_match: bool = False
    made_golden: bool = False
    score: float | None = None
    explanation: str | None = None
    removed: bool = False

    @property
    def pair(self) -> Pair:
        return self.type, self.golden, self.source


def link_json(link: Link) -> Json:
    """A version of a link as it is carried from one store to another."""
    times = {"created": instant(link.created), "updated": instant(link.updated)}
    return {field.name: getattr(link, field.name) for field in fields(Link)} | times


def link_of(found: Json) -> Link:
    """The version of a link that `link_json` told. KeyError, TypeError or ValueError for anything else.

    >>> moment = datetime.fromisoformat("2026-11-25T12:00:00.123Z")
    >>> link = Link("Patient", "g", "s", MatchResult.MATCH, LinkSource.AUTO, 1, moment, moment, score=0.5)
    >>> link_of(link_json(link)) == link
    True
    """
    said = {
        "result": MatchResult(found["result"]),
        "link_source": LinkSource(found["link_source"]),
        "created": datetime.fromisoformat(found["created"]),
        "updated": datetime.fromisoformat(found["updated"]),
        "score": None if found["score"] is None else float(found["score"]),
    }
    return Link(**{**found, **said})
