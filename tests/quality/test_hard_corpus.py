"""The hard corpus: what a steward would want, or a reason that stands beside it."""

from pathlib import Path

import pytest

from fhir_mpi.linkage.deterministic import Deterministic
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter
from tests.quality.hard_corpus import MODEL, REASONS, Pair, answer, pairs, table

PAIRS = list(pairs())
WEIGHED, RULED = FellegiSunter(MODEL), Deterministic(MODEL)
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "hard-pairs.md"


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_a_pair_is_graded_as_a_steward_would_want(pair: Pair) -> None:
    match = answer(pair, WEIGHED)
    grade = match.grade.value if match else "certainly-not"
    excused = (pair.scenario.category, pair.scenario.why) in REASONS
    assert (grade in pair.grades) is not excused, match and (match.weight, match.guards, match.outcomes)


@pytest.mark.parametrize("pair", [p for p in PAIRS if "certain" not in p.grades], ids=str)
def test_rules_are_not_certain_where_nobody_should_be(pair: Pair) -> None:
    match = answer(pair, RULED)
    assert match is None or match.grade.value != "certain", match.outcomes


def test_the_corpus_is_as_large_and_as_varied_as_it_says() -> None:
    assert len(PAIRS) == 540
    assert len({pair.scenario.category for pair in PAIRS}) == 27
    assert len({str(pair) for pair in PAIRS}) == 540
    assert len({(pair.scenario.category, pair.scenario.why) for pair in PAIRS}) > 100
    assert REASONS.keys() <= {(pair.scenario.category, pair.scenario.why) for pair in PAIRS}


def test_the_page_shows_what_the_command_prints() -> None:
    assert "\n".join(table()) in PAGE.read_text()
