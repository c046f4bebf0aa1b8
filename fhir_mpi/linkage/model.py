"""The linkage model: blocking rules, comparisons, term frequencies, household, grades. All of it data."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, cached_property
from importlib.resources import files
from math import log2
from pathlib import Path
from typing import Any, Final

import orjson

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.linkage.conventions import EVERYWHERE, Conventions, conventions_of
from fhir_mpi.linkage.hapi.columns import COLUMNS_VERSION, Column, read
from fhir_mpi.linkage.hapi.rules import MdmRules
from fhir_mpi.linkage.json_places import placed
from fhir_mpi.linkage.model_check import model_problems
from fhir_mpi.linkage.record import NORMALISATION_VERSION, PACKING_VERSION, Record, record_of
from fhir_mpi.linkage.splink.source import SplinkSource, splink_source
from fhir_mpi.linkage.weights import Comparison, Level, TermFrequencies


class MatchGrade(StrEnum):
    """http://terminology.hl7.org/CodeSystem/match-grade, best first; `rank` is 0 for certain, 3 at last."""

    rank: int

    def __new__(cls, code: str, rank: int) -> "MatchGrade":
        grade = str.__new__(cls, code)
        grade._value_, grade.rank = code, rank
        return grade

    CERTAIN = "certain", 0
    PROBABLE = "probable", 1
    POSSIBLE = "possible", 2
    CERTAINLY_NOT = "certainly-not", 3


_GRADES: Final[Mapping[str, MatchGrade]] = {str(grade): grade for grade in MatchGrade}


@dataclass(frozen=True, slots=True)
class BlockingRule:
    """Features whose values together make a key; `probe` are combinations only the probe adds.

    A rule of last resort is looked under only where a probe has no other key: a name alone is shared by
    too many to be worth comparing with all of them each time.
    """

    name: str
    stored: tuple[str, ...]
    probe: tuple[tuple[str, ...], ...] = ()
    last_resort: bool = False

    @property
    def combinations(self) -> list[tuple[str, tuple[str, ...]]]:
        """The rule's name with each combination a probe is looked for under."""
        return [(self.name, features) for features in (self.stored, *self.probe)]


@dataclass(frozen=True, slots=True)
class Household:
    """Which comparisons relatives share, and how their evidence is counted once (Newcombe 1993)."""

    location: tuple[str, ...]
    contact: tuple[str, ...]
    second_share: float
    ceiling: float


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The least probability of each grade."""

    certain: float
    probable: float
    possible: float


@dataclass(frozen=True, slots=True)
class Cap:
    """Lowers a grade to `at_most` when every `when` holds and no `unless` does.

    Both map a comparison to levels. Without `when` it always holds.
    """

    guard: str
    at_most: MatchGrade
    when: Mapping[str, frozenset[str]]
    unless: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Rule:
    """Gives a pair its grade when every `when` holds, one of `one_of` where there is any, and no `unless`.

    Each maps a comparison to levels.
    """

    name: str
    grade: MatchGrade
    when: Mapping[str, frozenset[str]]
    one_of: Mapping[str, frozenset[str]]
    unless: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class LinkageModel:
    """Everything that decides how two records of a type are compared.

    `cap` is the number of records above which a blocking key is skipped; `population_floor` the least
    number of people the prior assumes (the first records of an index are not the whole population).
    """

    name: str
    version: str
    resource_type: str
    cap: int
    population_floor: int
    blocking_rules: tuple[BlockingRule, ...]
    comparisons: tuple[Comparison, ...]
    thresholds: Thresholds
    caps: tuple[Cap, ...] = ()
    term_frequencies: Mapping[str, TermFrequencies] = field(default_factory=dict)
    household: Household | None = None
    rules: tuple[Rule, ...] = ()
    """What the engine `deterministic` goes by; other engines pass them over."""
    splink: SplinkSource | None = None
    """Where it is there, its comparisons are what agreement is worth; the guards look at `comparisons`."""
    mdm_rules: MdmRules | None = None
    """What the engine `hapi-rules` goes by; other engines pass it over."""
    columns: tuple[Column, ...] = ()
    """What is kept of a resource beside its features, for rules that look at more than these."""
    conventions: Conventions = EVERYWHERE
    """How the values of records are normalised."""
    provenance: Sequence[str] = ()

    def record(self, resource: Resource) -> Record:
        """The record of a resource of this type, with the columns that the model keeps."""
        record = record_of(resource, conventions=self.conventions)
        return record._replace(columns=read(self.columns, resource)) if self.columns else record

    @cached_property
    def stored_combinations(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Name of a blocking rule and the features of each key that is stored."""
        return tuple((rule.name, rule.stored) for rule in self.blocking_rules)

    @cached_property
    def probe_combinations(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The same for a probe, but for the rules of last resort."""
        return tuple(c for rule in self.blocking_rules if not rule.last_resort for c in rule.combinations)

    @cached_property
    def last_resorts(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The same for a probe that has no other key."""
        return tuple(c for rule in self.blocking_rules if rule.last_resort for c in rule.combinations)

    @cached_property
    def digest(self) -> str:
        """Changes when stored keys or packed records would; a change of weights leaves it as it is."""
        rules = [[rule.name, *rule.stored] for rule in self.blocking_rules]
        shape = [self.resource_type, PACKING_VERSION, NORMALISATION_VERSION, rules, self.conventions.shape]
        if self.columns:
            shape.append([COLUMNS_VERSION, *[column.shape for column in self.columns]])
        return hashlib.blake2b(orjson.dumps(shape), digest_size=16).hexdigest()

    def prior(self, population: int) -> float:
        """Bits: log2(1/N), that a random record is the probe's own."""
        return -log2(max(population, self.population_floor, 1))


class InvalidModel(ValueError):
    """A model that can't be used. Each problem names a place in the document and its fault."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def load_model(document: Mapping[str, Any]) -> LinkageModel:
    """The model a JSON document describes; raises InvalidModel with every problem found."""
    problems = model_problems(document)
    if problems:
        raise InvalidModel(problems)
    return _model(document)


def read_model(path: Path) -> LinkageModel:
    """The model in a JSON file; raises InvalidModel, also where the file is no JSON object.

    Each problem then begins with the line it is at, and names the rule, guard or comparison it is in.
    """
    text = path.read_bytes()
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidModel([f"$: not JSON: {error}"]) from error
    try:
        return load_model(_with_files(document, path.parent))
    except InvalidModel as invalid:
        raise InvalidModel(placed(invalid.problems, text.decode())) from invalid


@cache
def default_model(resource_type: str) -> LinkageModel:
    """The packaged model of a type (`fhir_mpi/models/`), read once; LookupError where there is none.

    >>> default_model("Organization").resource_type
    'Organization'
    """
    found = files("fhir_mpi").joinpath("models", f"{resource_type.lower()}.json")
    if not found.is_file():
        raise LookupError(f"no linkage model for {resource_type!r} is packaged")
    return load_model(orjson.loads(found.read_bytes()))


def _with_files(document: Any, folder: Path) -> Any:
    """What `splink` names by file beside the model, in its place."""
    splink = document.get("splink") if isinstance(document, dict) else None
    if not isinstance(splink, dict):
        return document
    tables = splink.get("termFrequencies", {})
    named = {"model": splink.get("model"), **(tables if isinstance(tables, dict) else {})}
    read = {name: _file(folder / value) for name, value in named.items() if isinstance(value, str)}
    tables = {name: read.get(name, table) for name, table in tables.items()} if read else tables
    return {
        **document,
        "splink": {**splink, "model": read.get("model", named["model"]), "termFrequencies": tables},
    }


def _file(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise InvalidModel([f"$.splink: {path.name}: {error}"]) from error


def _model(document: Mapping[str, Any]) -> LinkageModel:
    household = document.get("household")
    return LinkageModel(
        name=document["name"],
        version=document["version"],
        resource_type=document["resourceType"],
        cap=document["cap"],
        population_floor=document["populationFloor"],
        blocking_rules=tuple(_blocking_rule(rule) for rule in document["blockingRules"]),
        comparisons=tuple(_comparison(comparison) for comparison in document["comparisons"]),
        thresholds=Thresholds(**document["grades"]),
        caps=tuple(_cap(cap) for cap in document["caps"]),
        term_frequencies={
            name: TermFrequencies(table["values"], table["floor"], table.get("other"))
            for name, table in document.get("termFrequencies", {}).items()
        },
        household=None if household is None else _household(household),
        rules=tuple(_rule(rule) for rule in document.get("rules", ())),
        splink=splink_source(document["splink"]) if "splink" in document else None,
        conventions=conventions_of(document.get("normalisation", {})),
        provenance=tuple(document.get("provenance", ())),
    )


def _blocking_rule(rule: Json) -> BlockingRule:
    return BlockingRule(
        name=rule["name"],
        stored=tuple(rule["stored"]),
        probe=tuple(tuple(features) for features in rule.get("probe", ())),
        last_resort=rule.get("lastResort", False),
    )


def _comparison(comparison: Json) -> Comparison:
    levels = tuple(_level(level) for level in comparison["levels"])
    return Comparison(comparison["name"], comparison["feature"], levels)


def _level(level: Json) -> Level:
    return Level(
        label=level["label"],
        comparator=level["comparator"],
        threshold=level.get("threshold", 0.0),
        null=level.get("null", False),
        m=level.get("m", 1.0),
        u=level.get("u", 1.0),
        term_frequency=level.get("termFrequency"),
    )


def _household(household: Json) -> Household:
    return Household(
        tuple(household["location"]),
        tuple(household["contact"]),
        household["secondShare"],
        household["ceiling"],
    )


def _cap(cap: Json) -> Cap:
    return Cap(
        guard=cap["guard"],
        at_most=_GRADES[cap["atMost"]],
        when=_levels(cap, "when"),
        unless=_levels(cap, "unless"),
    )


def _rule(rule: Json) -> Rule:
    return Rule(
        name=rule["name"],
        grade=_GRADES[rule["grade"]],
        when=_levels(rule, "when"),
        one_of=_levels(rule, "oneOf"),
        unless=_levels(rule, "unless"),
    )


def _levels(clauses: Json, clause: str) -> Mapping[str, frozenset[str]]:
    return {name: frozenset(labels) for name, labels in clauses.get(clause, {}).items()}
