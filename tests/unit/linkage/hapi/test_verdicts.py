"""The same verdicts and scores as HAPI: every recorded pair's result, fields and normalized score."""

from dataclasses import replace
from typing import Any

import pytest

from fhir_mpi.linkage.hapi.engine import MATCHED, HapiRules
from fhir_mpi.linkage.hapi.rules import load_rules
from fhir_mpi.linkage.model import LinkageModel, default_model
from tests.unit.linkage.hapi.answers import knows, recorded

RECORDED = recorded("verdicts")
RESULTS = {"certain": "MATCH", "possible": "POSSIBLE_MATCH", "certainly-not": "NO_MATCH"}


def model_of(document: Any) -> LinkageModel:
    rules = load_rules(document, knows)
    return replace(default_model("Patient"), mdm_rules=rules, columns=tuple(rules.columns_of("Patient")))


@pytest.mark.parametrize("number", range(len(RECORDED["rules"])))
def test_every_verdict_is_the_one_that_HAPI_gave(number: int) -> None:
    document = RECORDED["rules"][number]
    model = model_of(document)
    engine, names = HapiRules(model), [field["name"] for field in document["matchFields"]]
    compared = 0
    for pair in RECORDED["pairs"]:
        if pair["verdicts"][number] is None:
            continue
        result, vector, _, normalized = pair["verdicts"][number]
        left, right = model.record(pair["left"]), model.record(pair["right"])
        [found] = engine.score(left, [right], population=1)
        assert found.verdict is not None
        matched = {outcome.comparison for outcome in found.outcomes if outcome.level == MATCHED}
        told = (RESULTS[found.verdict.grade], matched)
        assert told == (result, {name for n, name in enumerate(names) if vector >> n & 1}), pair
        assert found.verdict.score == pytest.approx(normalized, abs=1e-12), pair
        compared += 1
    assert compared >= 150
