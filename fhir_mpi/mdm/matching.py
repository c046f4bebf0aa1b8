"""Matching: record, keys, one query, scores, grades. Best first, each with its working."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from fhir_mpi.fhir.outcome import MissingParameter, TooCostly
from fhir_mpi.fhir.types import Resource
from fhir_mpi.linkage.blocking import probe_keys
from fhir_mpi.linkage.engine import ComparisonOutcome, MatchScore, ScoringEngine
from fhir_mpi.linkage.grades import Grader
from fhir_mpi.linkage.model import LinkageModel, MatchGrade
from fhir_mpi.linkage.record import Record, unpack
from fhir_mpi.mdm.ports import CandidateRow, Candidates
from fhir_mpi.mdm.rule_search import RuleSearch
from fhir_mpi.mdm.standing_in import standing

MOST_KEYS: Final = 1000
"""Blocking keys of one probe: people have twenty to sixty, and every key costs a look-up."""


@dataclass(frozen=True, slots=True)
class Match:
    """One record that may be the probe's person.

    `score` is reported to clients: 0 to 1, inside the grade's band, so that it sorts as the grade does.
    `probability` and `weight` (bits) are the engine's; `guards` name the caps that lowered the grade.
    `retired` is the record that was compared, where this one replaced it and agrees less itself.
    """

    id: str
    grade: MatchGrade
    score: float
    probability: float
    weight: float
    outcomes: tuple[ComparisonOutcome, ...]
    guards: tuple[str, ...] = ()
    retired: str | None = None


@dataclass(frozen=True, slots=True)
class Matching:
    """Every match, best first, and how many of the probe's `keys` were `skipped` as too common.

    `limit` is how many candidates were compared, where a search found more.
    """

    matches: tuple[Match, ...]
    skipped: int
    keys: int
    limit: int | None = None


@dataclass(frozen=True)
class Matcher:
    """Finds the records of one resource type that may be the same person or organization.

    `model` grades what `engine` scores. `serving` says which model the index has the keys of, where that
    may be another one: so two models that are compared judge the same candidates, and a changed one finds
    by the keys that are complete. Where there is a `search`, it finds the candidates, and no keys
    are looked up.
    """

    model: LinkageModel
    engine: ScoringEngine
    candidates: Candidates
    serving: Callable[[], Awaitable[LinkageModel]] | None = None
    search: RuleSearch | None = None

    @cached_property
    def grader(self) -> Grader:
        return Grader(self.model)

    async def matches(self, resource: Resource) -> Matching:
        """Best first (grade, score, weight, id), certainly-not left out; one query for candidates.

        Another asks for the survivors of retired records among them, where there are any.

        Raises MissingParameter where the resource holds nothing that a blocking key can be made of, and
        TooCostly where it holds so much that the look-up would cost more than an answer is worth.
        """
        blocking = await self.blocking()
        record = blocking.record(resource)
        if self.search is not None:
            searched = await self.search.candidates(resource)
            judged = await self.judged(record, searched.rows)
            return Matching(judged, 0, 0, self.search.limit if searched.cut else None)
        keys = self.keys(blocking, record)
        found = await self.candidates.candidates(self.model.resource_type, keys, cap=blocking.cap)
        rows = [unpack(row.id, row.packed) for row in found.rows]
        others = await standing(self.model.resource_type, rows, self.candidates)
        matches = _standing_in(await self._scored(record, others.records), others.survivor_of)
        return Matching(_best_first(matches), len(found.skipped), len(keys))

    def keys(self, blocking: LinkageModel, record: Record) -> frozenset[int]:
        """What a record is looked for by, by the model of the index. Raises as `matches` does."""
        type, keys = self.model.resource_type, probe_keys(blocking, record)
        if not keys:
            raise MissingParameter(
                f"the {type} holds too little to match on: give an identifier, a phone, an email, an address,"
                " a whole name, or a name with a birth date",
                expression=type,
            )
        if len(keys) > MOST_KEYS:
            raise TooCostly(
                f"the {type} has so many names, addresses and numbers that they make {len(keys)} blocking"
                f" keys; at most {MOST_KEYS} are looked up: give fewer of them",
                expression=type,
            )
        return keys

    async def judged(self, record: Record, rows: Iterable[CandidateRow]) -> tuple[Match, ...]:
        """What becomes of these candidates, retired ones too: best first, certainly-not left out."""
        return _best_first(await self._scored(record, [unpack(row.id, row.packed) for row in rows]))

    async def _scored(self, record: Record, others: Sequence[Record]) -> list[Match]:
        population = await self.candidates.population(self.model.resource_type)
        scores = self.engine.score(record, others, population=population)
        return [self.graded(record, o, s) for o, s in zip(others, scores, strict=True)]

    async def blocking(self) -> LinkageModel:
        """The model whose blocking is looked up by."""
        return self.model if self.serving is None else await self.serving()

    async def best_grade(self, record: Record, others: Sequence[Record]) -> MatchGrade:
        """The best grade of a record among these; certainly-not where there are none."""
        population = await self.candidates.population(self.model.resource_type)
        scores = self.engine.score(record, others, population=population)
        grades = [self.graded(record, o, s).grade for o, s in zip(others, scores, strict=True)]
        return min(grades, key=lambda grade: grade.rank, default=MatchGrade.CERTAINLY_NOT)

    def graded(self, record: Record, candidate: Record, score: MatchScore) -> Match:
        """The match that a score makes, certainly-not among its grades."""
        grading = self.grader.grading(score, record, candidate)
        return Match(
            id=candidate.id,
            grade=grading.grade,
            score=grading.score,
            probability=score.probability,
            weight=score.weight,
            outcomes=score.outcomes,
            guards=grading.guards,
        )


def _best_first(matches: Iterable[Match]) -> tuple[Match, ...]:
    return tuple(sorted([m for m in matches if m.grade is not MatchGrade.CERTAINLY_NOT], key=_rank))


def _standing_in(matches: Sequence[Match], survivor_of: Mapping[str, str]) -> Sequence[Match]:
    """The best match of each survivor, its own or that of a record it replaced."""
    if not survivor_of:
        return matches
    best: dict[str, Match] = {}
    for match in matches:
        survivor = survivor_of.get(match.id)
        own = match if survivor is None else replace(match, id=survivor, retired=match.id)
        best[own.id] = min(best.get(own.id, own), own, key=_rank)
    return list(best.values())


def _rank(match: Match) -> tuple[int, float, float, str]:
    return match.grade.rank, -match.score, -match.weight, match.id


def certain_only(matches: Sequence[Match], person_of: Mapping[str, str] | None = None) -> tuple[Match, ...]:
    """What onlyCertainMatches answers: the certain matches, if they are known to be one person.

    Several certain matches that aren't are ambiguous, and the answer is empty (IHE PDQm ITI-119; FHIR
    R5 Patient $match). `person_of` maps a record's id to its golden record's; without an entry a
    record is a person of its own.
    """
    certain = tuple(m for m in matches if m.grade is MatchGrade.CERTAIN)
    return certain if len(_persons(certain, person_of)) == 1 else ()


def single_only(matches: Sequence[Match], person_of: Mapping[str, str] | None = None) -> tuple[Match, ...]:
    """What onlySingleMatch answers: the best match, unless another person has the same grade (R6)."""
    if not matches:
        return ()
    rivals = [m for m in matches if m.grade is matches[0].grade]
    return (matches[0],) if len(_persons(rivals, person_of)) == 1 else ()


def _persons(matches: Sequence[Match], person_of: Mapping[str, str] | None) -> set[str]:
    known = person_of or {}
    return {known.get(m.id, m.id) for m in matches}
