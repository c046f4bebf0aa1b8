"""HAPI FHIR's MDM rules as values: what is searched for, compared, and concluded from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import orjson

from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.hapi.columns import Column
from fhir_mpi.linkage.hapi.judging import Judge, matcher, similarity
from fhir_mpi.linkage.hapi.paths import fhir_path, resource_path
from fhir_mpi.linkage.hapi.rules_check import ANY_TYPE, eid_systems, field_names, rules_problems

IDENTIFIER_PATH: Final = "identifier"
MATCH, POSSIBLE_MATCH = "MATCH", "POSSIBLE_MATCH"


@dataclass(frozen=True, slots=True)
class CandidateSearch:
    """Search parameters, with their modifiers, that a candidate shares values of: all of them."""

    resource_type: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CandidateFilter:
    """What every candidate meets besides: `parameter` has its modifier with it."""

    resource_type: str
    parameter: str
    value: str


@dataclass(frozen=True, slots=True)
class MatchField:
    """One comparison of a type: where it looks, who judges, and from which agreement on it matches."""

    name: str
    column: Column
    judge: Judge
    threshold: float


@dataclass(frozen=True, slots=True)
class MatchRule:
    """`fields`, matched together, mean `result`; `key` is how the rules file writes them."""

    key: str
    fields: frozenset[str]
    result: str


@dataclass(frozen=True)
class MdmRules:
    """A rules file that was found good. `*` as a resource type means every one of `types`."""

    version: str
    types: tuple[str, ...]
    candidate_searches: tuple[CandidateSearch, ...]
    candidate_filters: tuple[CandidateFilter, ...]
    eid_systems: Mapping[str, tuple[str, ...]]
    """Type, or `*`, -> the systems whose identifiers are enterprise identifiers (EIDs)."""
    rules: tuple[MatchRule, ...]
    match_fields: Sequence[Json]

    @cached_property
    def result_by_fields(self) -> Mapping[frozenset[str], MatchRule]:
        """What exactly these matched fields mean, before any rule of fewer fields is asked."""
        return {rule.fields: rule for rule in self.rules}

    def eid_systems_of(self, type: str) -> tuple[str, ...]:
        """The EID systems of a type."""
        return self.eid_systems.get(ANY_TYPE) or self.eid_systems.get(type, ())

    def fields_of(self, type: str) -> list[MatchField]:
        """The match fields of a type, in the order of the file."""
        return [_match_field(f, type) for f in self.match_fields if f["resourceType"] in (type, ANY_TYPE)]

    def columns_of(self, type: str) -> list[Column]:
        """What the match fields and the EIDs of a type are read from, each once."""
        columns = [field.column for field in self.fields_of(type)]
        return list(dict.fromkeys([*columns, eid_column(type)] if self.eid_systems_of(type) else columns))

    def searches_of(self, type: str) -> list[CandidateSearch]:
        return [s for s in self.candidate_searches if s.resource_type in (type, ANY_TYPE)]

    def filters_of(self, type: str) -> list[CandidateFilter]:
        return [f for f in self.candidate_filters if f.resource_type in (type, ANY_TYPE)]

    def verdict(self, matched: frozenset[str]) -> MatchRule | None:
        """The rule that decides: that of exactly these fields, else one of fewer, MATCH before
        POSSIBLE_MATCH. None for no match.

        HAPI's own table of vectors works so: of fields that a rule names exactly, no other rule is asked.
        """
        exact = self.result_by_fields.get(matched)
        if exact is not None:
            return exact if exact.result in (MATCH, POSSIBLE_MATCH) else None
        held = [rule for rule in self.rules if rule.fields <= matched]
        found = [rule for result in (MATCH, POSSIBLE_MATCH) for rule in held if rule.result == result]
        return found[0] if found else None


def eid_column(type: str) -> Column:
    """Where the EIDs of a record are found."""
    return Column(type, IDENTIFIER_PATH, "identifier")


class InvalidRules(ValueError):
    """A rules file that can't be used. The first problem is the one that HAPI names."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def load_rules(document: Any, knows: Callable[[str, str], bool]) -> MdmRules:
    """The rules that a JSON document says; raises InvalidRules with every problem found.

    `knows` says whether a type has a search parameter of a code.
    """
    problems = rules_problems(document, knows)
    if problems:
        raise InvalidRules(problems)
    return _rules(document)


def read_rules(path: Path, knows: Callable[[str, str], bool]) -> MdmRules:
    """The rules in a JSON file; raises InvalidRules, also where it can't be read as JSON."""
    try:
        document = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise InvalidRules([f"HAPI-2060: {path.name}: {error}"]) from error
    return load_rules(document, knows)


def _rules(document: Json) -> MdmRules:
    return MdmRules(
        version=str(document["version"]),
        types=tuple(document["mdmTypes"]),
        candidate_searches=tuple(_search(s) for s in document.get("candidateSearchParams", ())),
        candidate_filters=tuple(_filter(f) for f in document.get("candidateFilterSearchParams", ())),
        eid_systems=eid_systems(document),
        rules=tuple(
            MatchRule(key, frozenset(field_names(key)), result)
            for key, result in document.get("matchResultMap", {}).items()
        ),
        match_fields=tuple(document.get("matchFields", ())),
    )


def _search(search: Json) -> CandidateSearch:
    parameters = search.get("searchParams") or [search["searchParam"]]
    return CandidateSearch(search["resourceType"], tuple(parameters))


def _filter(filter: Json) -> CandidateFilter:
    qualifier = filter.get("qualifier")
    modifier = f":{qualifier.lower().replace('_', '-')}" if qualifier else ""
    return CandidateFilter(filter["resourceType"], filter["searchParam"] + modifier, filter["fixedValue"])


def _match_field(field: Json, type: str) -> MatchField:
    judge, threshold = _judge(field)
    plain = field.get("resourcePath")
    path = resource_path(plain, type) if plain is not None else fhir_path(field["fhirPath"], type)
    return MatchField(field["name"], Column(type, path, judge.reading), judge, threshold)


def _judge(field: Json) -> tuple[Judge, float]:
    """If both are given the matcher judges, as in HAPI."""
    found = field.get("matcher") or {}
    if found.get("algorithm"):
        exact, system = found.get("exact", False), found.get("identifierSystem")
        return matcher(found["algorithm"], exact=exact, system=system), 1.0
    found = field["similarity"]
    return similarity(found["algorithm"], exact=found.get("exact", False)), found["matchThreshold"]
