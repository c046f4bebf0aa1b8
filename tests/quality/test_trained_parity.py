"""A trained model says of every pair what Splink says of it."""

from math import log2
from random import Random

import pytest

from fhir_mpi.batch.training.extra import MissingExtra, extra
from fhir_mpi.batch.training.linking import connected, linker, settings_of
from fhir_mpi.demo.corruption import probe
from fhir_mpi.demo.name_shares import demo_names
from fhir_mpi.demo.population import people
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter, probability
from fhir_mpi.linkage.model import default_model
from fhir_mpi.linkage.record import Record, record_of

try:
    FOUND = extra()
except MissingExtra:
    pytest.skip("PARITY OF TRAINING IS NOT TESTED: install the extra train", allow_module_level=True)


def test_the_levels_that_splink_counts_are_the_levels_that_are_served() -> None:
    """Without term frequencies, whose tables Splink makes from these few; and without the household."""
    names, rng = demo_names(), Random(7)
    drawn = list(people(60, seed=8, names=names))
    patients = [p for d in drawn for p in (d.patient(), probe(d, rng, names).patient())]
    records = [record_of({**patient, "id": str(n)}) for n, patient in enumerate(patients)]
    model = default_model("Patient")
    settings = settings_of(model, probability_two_random_records_match=0.01)
    settings["blocking_rules_to_generate_predictions"] = ["1=1"]
    for comparison in settings["comparisons"]:
        for level in comparison["comparison_levels"]:
            level.pop("tf_adjustment_column", None)
    splink = linker(FOUND, connected(FOUND, model, records, threads=1), settings)
    found = splink.inference.predict().as_duckdbpyrelation()
    columns = [column.strip('"') for column in found.columns]
    left, right, theirs = (columns.index(c) for c in ("unique_id_l", "unique_id_r", "match_probability"))
    pairs = found.fetchall()
    worst = max(
        abs(pair[theirs] - _ours(records[int(pair[left])], records[int(pair[right])])) for pair in pairs
    )
    assert len(pairs) == 120 * 119 // 2
    assert worst < 1e-9


MODEL = default_model("Patient")
ENGINE = FellegiSunter(MODEL)
LEVELS = {(c.name, level.label): level for c in MODEL.comparisons for level in c.levels}


def _ours(one: Record, other: Record) -> float:
    """By m and u alone, as Splink does it."""
    [score] = ENGINE.score(one, [other], population=1)
    levels = [LEVELS[o.comparison, o.level] for o in score.outcomes if (o.comparison, o.level) in LEVELS]
    return probability(sum(log2(level.m / level.u) for level in levels if not level.null) + log2(0.01 / 0.99))
