"""The scoring engine: what every engine must hold, and what this one adds."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from math import log2
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mpi.demo.corruption import probe
from fhir_mpi.demo.name_shares import demo_names
from fhir_mpi.demo.population import people
from fhir_mpi.linkage.engine import ComparisonOutcome, MatchScore, ScoringEngine
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter, probability
from fhir_mpi.linkage.model import default_model
from fhir_mpi.linkage.record import Record, Values, record_of

MODEL = default_model("Patient")
ENGINE: ScoringEngine = FellegiSunter(MODEL)
PEOPLE = [record_of(person.patient()) for person in people(300, seed=7, names=demo_names())]
MILLION = 1_000_000
JANE = Record("jane", family=("doe",), given=("jane",), birth_date=("1980-02-03",), gender=("female",))


def _score(a: Record, b: Record, population: int = MILLION) -> MatchScore:
    [score] = ENGINE.score(a, [b], population=population)
    return score


def _outcome(score: MatchScore, comparison: str) -> ComparisonOutcome:
    [found] = [o for o in score.outcomes if o.comparison == comparison]
    return found


def _with(record: Record, values: Mapping[str, Values]) -> Record:
    return Record._make(values.get(name, value) for name, value in record._asdict().items())


def _pairs() -> list[tuple[Record, Record]]:
    rng, names = Random(3), demo_names()
    copies = [record_of(probe(person, rng, names).patient()) for person in people(300, seed=7, names=names)]
    return [*zip(copies, PEOPLE, strict=True), *pairwise(PEOPLE)]


def test_there_is_one_score_per_candidate_in_their_order() -> None:
    together = ENGINE.score(PEOPLE[0], PEOPLE, population=MILLION)
    assert list(together) == [_score(PEOPLE[0], other) for other in PEOPLE]
    assert list(ENGINE.score(PEOPLE[0], [], population=MILLION)) == []


def test_the_same_pair_has_the_same_score_every_time() -> None:
    again = FellegiSunter(MODEL)
    for a, b in _pairs():
        assert list(again.score(a, [b], population=MILLION)) == [_score(a, b)]


def test_who_asks_about_whom_does_not_matter() -> None:
    for a, b in _pairs():
        assert _score(a, b) == _score(b, a)


def test_the_outcomes_add_up_to_the_weight() -> None:
    for a, b in _pairs():
        score = _score(a, b)
        assert score.weight == sum(outcome.weight for outcome in score.outcomes)
        assert score.probability == probability(score.weight)


@settings(max_examples=60)
@given(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), st.sampled_from(Record._fields[1:]))
def test_missing_is_no_evidence(a: Record, b: Record, feature: str) -> None:
    score = _score(_with(a, {feature: ()}), b)
    comparisons = {c.name for c in MODEL.comparisons if c.feature == feature}
    assert all(o.weight == 0.0 for o in score.outcomes if o.comparison in comparisons)


def test_nothing_known_leaves_the_prior() -> None:
    assert _score(Record("a"), Record("b")).weight == pytest.approx(-log2(MILLION))


def test_the_prior_follows_the_population_above_its_floor() -> None:
    assert _outcome(_score(JANE, JANE, population=MILLION), "prior").weight == -log2(MILLION)
    assert _outcome(_score(JANE, JANE, population=3), "prior").weight == -log2(MODEL.population_floor)


def test_a_rare_name_weighs_more_than_a_common_one() -> None:
    smith, rare = JANE._replace(family=("smith",)), JANE._replace(family=("featherstonehaugh",))
    difference = (
        _outcome(_score(rare, rare), "family").weight - _outcome(_score(smith, smith), "family").weight
    )
    assert difference > 5


def test_of_two_names_in_common_the_rarer_counts() -> None:
    both = JANE._replace(family=("smith", "featherstonehaugh"))
    rare = JANE._replace(family=("featherstonehaugh",))
    assert _outcome(_score(both, both), "family") == _outcome(_score(rare, rare), "family")


def test_household_evidence_is_counted_once() -> None:
    home: Mapping[str, Values] = {
        "address": ("1 hill rd",),
        "postal_code": ("18503",),
        "phone": ("3448455689",),
    }
    score = _score(_with(JANE, home), _with(Record("x"), home))
    shared = [_outcome(score, name).weight for name in ("address", "postal-code", "phone", "household")]
    assert sum(shared) == pytest.approx(12.0)


def test_a_model_without_household_has_no_such_outcome() -> None:
    plain = FellegiSunter(replace(MODEL, household=None))
    [score] = plain.score(JANE, [JANE], population=MILLION)
    assert len(score.outcomes) == len(MODEL.comparisons) + 1


def test_a_level_that_random_pairs_never_reach_can_have_term_frequencies() -> None:
    comparison = next(c for c in MODEL.comparisons if c.name == "family")
    levels = tuple(replace(level, u=0.0) if level.term_frequency else level for level in comparison.levels)
    engine = FellegiSunter(replace(MODEL, comparisons=(replace(comparison, levels=levels),), household=None))
    [score] = engine.score(JANE, [JANE], population=MILLION)
    [exact] = [level for level in levels if level.comparator == "exact"]
    share = MODEL.term_frequencies["family"].share("doe")
    assert share is not None
    assert _outcome(score, "family").weight == pytest.approx(log2(exact.m / share))


def test_an_unlisted_name_keeps_the_plain_weight_where_the_table_is_silent() -> None:
    silent = {name: replace(table, other=None) for name, table in MODEL.term_frequencies.items()}
    engine = FellegiSunter(replace(MODEL, term_frequencies=silent))
    wang = JANE._replace(family=("王",))
    [score] = engine.score(wang, [wang], population=MILLION)
    family = next(c for c in MODEL.comparisons if c.name == "family")
    assert _outcome(score, "family").weight == family.weight(family.levels[1])


@pytest.mark.parametrize("weight", [-1e6, -30.0, 0.0, 6.63, 1e6])
def test_probabilities_stay_within_bounds(weight: float) -> None:
    assert 0.0 < probability(weight) <= 1.0


@pytest.mark.parametrize(
    ("other", "comparison", "level"),
    [
        ({"given": ("jayne",)}, "given", "close"),
        ({"given": ("janie",)}, "given", "nickname"),
        ({"given": ("j",)}, "given", "initial"),
        ({"given": ("peter",)}, "given", "else"),
        ({"given": ()}, "given", "missing"),
        ({"family": ("jane",), "given": ("doe",)}, "family", "swapped"),
        ({"family": ("doeroe",), "family_parts": ("doe", "roe")}, "family", "part"),
        ({"birth_date": ("1980-03-02",)}, "birth-date", "day and month swapped"),
        ({"birth_date": ("1980-02-08",)}, "birth-date", "one edit"),
        ({"birth_date": ("1980-01-01",)}, "birth-date", "year and first of January"),
        ({"birth_date": ("1980-09-17",)}, "birth-date", "same year"),
        ({"birth_date": ("1980-02",)}, "birth-date", "partial"),
        ({"birth_date": ("1955-11-17",)}, "birth-date", "else"),
        ({"gender": ("male",)}, "gender", "else"),
    ],
)
def test_the_first_true_level_counts(other: dict[str, tuple[str, ...]], comparison: str, level: str) -> None:
    assert _outcome(_score(JANE, _with(JANE, other)), comparison).level == level
