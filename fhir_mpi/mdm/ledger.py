"""The links around some records as a unit of work finds them, and as it leaves them behind.

What is decided for one record is there when the next one is decided on. Nothing is stored here: `changes`
says what is to be.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from fhir_mpi.mdm.link import Link, LinkSource, MatchResult, Pair
from fhir_mpi.mdm.linking import Compared, Decision, Proposal

_SAID: Final[Mapping[MatchResult, frozenset[MatchResult]]] = {
    MatchResult.MATCH: frozenset({MatchResult.NO_MATCH, MatchResult.MATCH}),
    MatchResult.POSSIBLE_MATCH: frozenset(MatchResult),
}
"""What a person may have said that the matching doesn't overrule with each of its results."""


class Ledger:
    """The links of one resource type, removed ones among them: their numbers go on."""

    def __init__(self, type: str, links: Iterable[Link], now: datetime) -> None:
        self.type, self._now = type, now
        self._before: dict[Pair, Link] = {link.pair: link for link in links}
        self._after: dict[Pair, Link] = {}
        self._goldens: dict[str, dict[Pair, None]] = {}
        self._sources: dict[str, dict[Pair, None]] = {}
        for link in self._before.values():
            self._set(link)

    def link(self, golden: str, source: str) -> Link | None:
        """What is known between these two now."""
        found = self._after.get((self.type, golden, source))
        return None if found is None or found.removed else found

    def is_removed(self, link: Link) -> bool:
        """Whether a link that is stored is to go."""
        found = self._after.get(link.pair)
        return found is not None and found.removed

    def of_source(self, source: str) -> list[Link]:
        """The links of a record, which may itself be a golden one."""
        return self._current(self._sources.get(source, {}))

    def on_golden(self, golden: str) -> list[Link]:
        return self._current(self._goldens.get(golden, {}))

    def matched_to(self, source: str) -> Link | None:
        """The one MATCH of a source."""
        return next((link for link in self.of_source(source) if link.result is MatchResult.MATCH), None)

    def members(self, golden: str) -> list[Link]:
        """The MATCH links of a golden record."""
        return [link for link in self.on_golden(golden) if link.result is MatchResult.MATCH]

    def put(
        self, golden: str, source: str, result: MatchResult, link_source: LinkSource, **more: Any
    ) -> None:
        """What is known between these two from now on; nothing changes where it is known already."""
        known = self._after.get((self.type, golden, source))
        if known is None or known.removed:
            created = self._now
            said: dict[str, Any] = {
                "made_golden": False,
                "score": None,
                "eid_match": False,
                "explanation": None,
            }
        else:
            created = known.created
            said = {n: getattr(known, n) for n in ("made_golden", "score", "eid_match", "explanation")}
        found = Link(
            self.type, golden, source, result, link_source, 0, created, self._now, **{**said, **more}
        )
        if known is None or _differ(known, found):
            self._set(found)

    def remove(self, link: Link) -> None:
        self._set(replace(link, removed=True, updated=self._now))

    def apply(self, source: str, decision: Decision) -> None:
        """Makes the automatic links of a source those that were decided on. NEW must be an id by now."""
        if decision.keeps:
            return
        wanted = {p.golden for p in (*decision.reviews, *([decision.match] if decision.match else ()))}
        for link in self.of_source(source):
            if link.link_source is LinkSource.AUTO and link.golden not in wanted:
                self.remove(link)
        for proposal in decision.reviews:
            self._propose(source, proposal, MatchResult.POSSIBLE_MATCH, decision.eid_match)
        if decision.match is not None:
            self._propose(source, decision.match, MatchResult.MATCH, decision.eid_match)
        for first, other in decision.duplicates:
            self.suspect(first, other)

    def suspect(self, first: str, other: str) -> None:
        """Two golden records may be one, unless something is known between them already."""
        if first != other and not self.link(first, other) and not self.link(other, first):
            self.put(first, other, MatchResult.POSSIBLE_DUPLICATE, LinkSource.AUTO)

    def changes(self) -> list[Link]:
        """What is to be stored, each with the number after the one that it replaces."""
        found = []
        for pair, link in self._after.items():
            before = self._before.get(pair)
            if link is before or (before is None and link.removed) or (before and not _differ(before, link)):
                continue
            found.append(replace(link, version=1 if before is None else before.version + 1))
        return found

    def _current(self, pairs: Iterable[Pair]) -> list[Link]:
        return [link for pair in pairs if not (link := self._after[pair]).removed]

    def _set(self, link: Link) -> None:
        self._after[link.pair] = link
        self._goldens.setdefault(link.golden, {})[link.pair] = None
        self._sources.setdefault(link.source, {})[link.pair] = None

    def _propose(self, source: str, proposal: Proposal, result: MatchResult, eid_match: bool) -> None:
        known = self.link(proposal.golden, source)
        if known is not None and known.link_source is LinkSource.MANUAL and known.result in _SAID[result]:
            return
        self.put(
            proposal.golden, source, result, LinkSource.AUTO, **_said(proposal.best, result, eid_match, known)
        )


def _said(best: Compared | None, result: MatchResult, eid_match: bool, known: Link | None) -> dict[str, Any]:
    """What a link tells beside its result; a link that was there goes on saying what it did."""
    if best is None:
        score = 1.0 if eid_match else known.score if known else None
        return {"eid_match": eid_match, "score": score}
    explained = best.explanation if result is MatchResult.POSSIBLE_MATCH else None
    return {"eid_match": eid_match, "score": best.score, "explanation": explained}


def _differ(one: Link, other: Link) -> bool:
    """Whether two versions of a link say different things; when and in which version they do says nothing."""
    return replace(one, version=0, updated=other.updated, created=other.created) != replace(other, version=0)
