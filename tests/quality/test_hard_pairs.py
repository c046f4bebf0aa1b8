"""Hard pairs, from the request to the grade."""

import pytest

from fhir_mpi.linkage.deterministic import Deterministic
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter
from fhir_mpi.linkage.model import default_model
from fhir_mpi.linkage.record import record_of
from fhir_mpi.mdm.matching import Matcher, Matching
from tests.quality.hard_pairs import HARD_PAIRS, HardPair
from tests.quality.index_in_memory import KeyedRecords
from tests.quality.tally import completed

MODEL = default_model("Patient")


def _answer(pair: HardPair) -> Matching:
    index = KeyedRecords(MODEL, [record_of(pair.stored)], population=1_000_000)
    return completed(Matcher(MODEL, FellegiSunter(MODEL), index).matches(pair.probe))


@pytest.mark.parametrize("pair", HARD_PAIRS, ids=lambda pair: f"{pair.category}: {pair.why}")
def test_a_hard_pair_is_graded_as_it_should_be(pair: HardPair) -> None:
    found = _answer(pair)
    grades = [match.grade.value for match in found.matches] or ["certainly-not"]
    assert grades == [pair.grade], [(m.weight, m.guards, m.outcomes) for m in found.matches]


@pytest.mark.parametrize("pair", HARD_PAIRS, ids=lambda pair: f"{pair.category}: {pair.why}")
def test_no_rule_is_certain_of_a_hard_pair_that_is_not(pair: HardPair) -> None:
    index = KeyedRecords(MODEL, [record_of(pair.stored)], population=1_000_000)
    found = completed(Matcher(MODEL, Deterministic(MODEL), index).matches(pair.probe))
    certain = [match for match in found.matches if match.grade.value == "certain"]
    assert not certain or pair.grade == "certain", [(m.guards, m.outcomes) for m in certain]


def test_every_kind_of_difficulty_is_there() -> None:
    assert len(HARD_PAIRS) >= 30
    assert len({pair.category for pair in HARD_PAIRS}) >= 15
    assert {pair.grade for pair in HARD_PAIRS} == {"certain", "probable", "possible", "certainly-not"}
