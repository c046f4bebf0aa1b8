"""Precision and recall per grade on invented people, against stored floors.

Small and quick: 5,000 people, 500 probes. The full measurement is `tests/benchmarks/accuracy.py`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest

from fhir_mpi.demo.corruption import probe
from fhir_mpi.demo.name_shares import demo_names
from fhir_mpi.demo.population import people
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter
from fhir_mpi.linkage.model import default_model
from fhir_mpi.linkage.record import record_of
from fhir_mpi.mdm.matching import Matcher
from tests.quality.index_in_memory import KeyedRecords
from tests.quality.tally import CONFUSED, Tally, completed, ranking

FLOORS: Mapping[str, Mapping[str, float]] = json.loads((Path(__file__).parent / "floors.json").read_text())
PEOPLE, PROBES = 5_000, 500


@pytest.fixture(scope="module")
def tally() -> Tally:
    model, names, rng = default_model("Patient"), demo_names(), Random(11)
    everyone = list(people(PEOPLE, seed=12, names=names))
    # The prior of a large index, so that the small one is no easier.
    index = KeyedRecords(model, (record_of(p.patient()) for p in everyone), population=1_000_000)
    matcher = ranking(Matcher(model, FellegiSunter(model), index))
    found = Tally()
    for person in rng.sample(everyone, PROBES):
        copy = probe(person, rng, names)
        found.probe(person, copy, completed(matcher.matches(copy.patient())), index.asked)
        for kind, relative in CONFUSED.items():
            found.confused(kind, completed(matcher.matches(relative(person, rng, names).patient())))
    return found


@pytest.mark.parametrize(("what", "floor"), FLOORS["at least"].items())
def test_what_is_right_happens_at_least_so_often(tally: Tally, what: str, floor: float) -> None:
    assert tally.share(what) >= floor


@pytest.mark.parametrize(("what", "ceiling"), FLOORS["at most"].items())
def test_what_is_wrong_happens_at_most_so_often(tally: Tally, what: str, ceiling: float) -> None:
    assert tally.share(what) <= ceiling
