"""The linkage model: checked when it is loaded, and then trusted."""

import copy
from pathlib import Path
from typing import Any

import orjson
import pytest

from fhir_mpi.linkage.model import InvalidModel, MatchGrade, default_model, load_model, read_model
from fhir_mpi.linkage.weights import Comparison, Level, TermFrequencies

SMALL: dict[str, Any] = {
    "name": "small",
    "version": "1",
    "resourceType": "Patient",
    "cap": 300,
    "populationFloor": 100,
    "blockingRules": [{"name": "names", "stored": ["family", "given"], "probe": [["given", "family"]]}],
    "comparisons": [
        {
            "name": "family",
            "feature": "family",
            "levels": [
                {"label": "missing", "comparator": "missing", "null": True},
                {"label": "exact", "comparator": "exact", "m": 0.9, "u": 0.01, "termFrequency": "family"},
                {"label": "else", "comparator": "else", "m": 0.1, "u": 0.99},
            ],
        }
    ],
    "termFrequencies": {"family": {"floor": 1e-7, "values": {"smith": 0.01}}},
    "grades": {"certain": 0.99, "probable": 0.9, "possible": 0.5},
    "caps": [{"guard": "family-differs", "when": {"family": ["else"]}, "atMost": "possible"}],
}


def _changed(path: list[str | int], value: object) -> dict[str, Any]:
    document = copy.deepcopy(SMALL)
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


def test_a_model_is_loaded_from_json() -> None:
    model = load_model(SMALL)
    assert model.blocking_rules[0].probe == (("given", "family"),)
    assert model.caps[0].at_most is MatchGrade.POSSIBLE
    assert model.household is None
    assert model.prior(1_000_000) == pytest.approx(-19.93, abs=0.01)
    assert model.prior(1) == model.prior(100)


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (["cap"], 0, "$.cap: 0 is less than the minimum"),
        (["resourceType"], "Group", "$.resourceType: 'Group' is not one of"),
        (["comparisons", 0, "levels", 1, "m"], 1.5, "$.comparisons[0].levels[1].m: 1.5 is greater"),
        (["comparisons", 0, "levels", 1, "m"], None, "$.comparisons[0].levels[1]: 'm' is a required"),
        (["comparisons", 0, "levels", 0, "u"], 0.5, "$.comparisons[0].levels[0]: False schema"),
        (["surprise"], 1, "$: Additional properties are not allowed ('surprise'"),
        (["blockingRules", 0, "stored"], ["shoe"], "$.blockingRules[0]: unknown feature 'shoe'"),
        (["blockingRules", 0, "probe"], [["shoe"]], "$.blockingRules[0]: unknown feature 'shoe'"),
        (["comparisons", 0, "feature"], "id", "$.comparisons[0].feature: unknown feature 'id'"),
        (
            ["comparisons", 0, "levels", 1, "comparator"],
            "magic",
            "levels[1].comparator: unknown comparator 'magic'",
        ),
        (
            ["comparisons", 0, "levels", 1, "termFrequency"],
            "given",
            "levels[1].termFrequency: unknown table 'given'",
        ),
        (["termFrequencies"], None, "levels[1].termFrequency: unknown table 'family'"),
        (
            ["comparisons", 0, "levels", 0],
            {"label": "x", "comparator": "exact", "m": 1, "u": 1},
            "the null level",
        ),
        (["comparisons", 0, "levels", 2, "comparator"], "exact", "the last level must be else"),
        (["termFrequencies", "family", "values"], {"x": 0}, "$.termFrequencies.family.values: a share"),
        (["grades", "probable"], 0.999, "$.grades: thresholds must fall"),
        (["caps", 0, "when"], {"family": ["nearly"]}, "$.caps[0].when.family: unknown comparison or level"),
        (["caps", 0, "unless"], {"shoe": ["else"]}, "$.caps[0].unless.shoe: unknown comparison or level"),
        (
            ["household"],
            {"location": ["shoe"], "contact": ["family"], "secondShare": 0.25, "ceiling": 12},
            "$.household.location: unknown comparison 'shoe'",
        ),
    ],
)
def test_a_faulty_model_is_refused_with_the_place(path: list[str | int], value: object, problem: str) -> None:
    with pytest.raises(InvalidModel) as refused:
        load_model(_changed(path, value))
    assert problem in str(refused.value)


def test_every_problem_is_reported_at_once() -> None:
    document = _changed(["cap"], 0) | {"version": ""}
    with pytest.raises(InvalidModel) as refused:
        load_model(document)
    assert len(refused.value.problems) == 2


def test_a_model_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    file.write_bytes(orjson.dumps(SMALL))
    assert read_model(file).name == "small"
    file.write_text("{")
    with pytest.raises(InvalidModel, match="not JSON"):
        read_model(file)


def test_a_fault_in_a_file_is_named_with_its_line_and_rule(tmp_path: Path) -> None:
    faulty = _changed(["caps", 0, "when"], {"family": ["nearly"]})
    file = tmp_path / "model.json"
    file.write_bytes(orjson.dumps(faulty, option=orjson.OPT_INDENT_2))
    with pytest.raises(InvalidModel) as refused:
        read_model(file)
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if '"nearly"' in text) - 1
    assert refused.value.problems == (
        f"line {line} (family-differs): $.caps[0].when.family: unknown comparison or level",
    )


def test_a_fault_of_the_whole_is_on_its_first_line(tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    file.write_bytes(orjson.dumps(_changed(["cap"], None) | {"odd": [True, None, 1.5, {}, [], '\u00fc"']}))
    with pytest.raises(InvalidModel) as refused:
        read_model(file)
    assert len(refused.value.problems) == 2
    assert all(problem.startswith("line 1: $: ") for problem in refused.value.problems)


def test_a_model_says_how_its_site_normalises() -> None:
    said = {"region": "DE", "placeholders": {"names": ["N. N."]}, "identifierChecks": {"urn:x": "luhn"}}
    model = load_model(SMALL | {"normalisation": said})
    assert model.conventions.region == "DE"
    assert model.conventions.names == {"nn"}
    assert model.digest != load_model(SMALL).digest


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"region": "XX"}, "$.normalisation.region: 'XX' is no region"),
        ({"identifierChecks": {"urn:x": "magic"}}, "'urn:x' has the unknown check 'magic'"),
        ({"placeholders": {"birthDates": ["1 May"]}}, "'1 May' does not match"),
    ],
)
def test_a_convention_that_is_not_known_is_refused(said: object, problem: str) -> None:
    with pytest.raises(InvalidModel) as refused:
        load_model(SMALL | {"normalisation": said})
    assert problem in str(refused.value)


@pytest.mark.parametrize("type", ["Patient", "Organization"])
def test_default_models_are_packaged(type: str) -> None:
    model = default_model(type)
    assert model.resource_type == type
    assert model.provenance
    assert default_model(type) is model


def test_there_is_no_model_for_other_types() -> None:
    with pytest.raises(LookupError, match="Practitioner"):
        default_model("Practitioner")


def test_the_digest_follows_what_is_stored_and_not_the_weights() -> None:
    digest = load_model(SMALL).digest
    assert load_model(_changed(["comparisons", 0, "levels", 1, "m"], 0.5)).digest == digest
    assert load_model(_changed(["blockingRules", 0, "probe"], [])).digest == digest
    assert load_model(_changed(["blockingRules", 0, "stored"], ["family"])).digest != digest


def test_no_level_outweighs_exact_agreement() -> None:
    exact = Level("exact", "exact", m=0.5, u=0.125)
    rare = Level("initial", "initial", m=0.5, u=1e-6)
    assert Comparison("given", "given", (exact, rare)).weight(rare) == exact.weight == 2.0


def test_floors_keep_one_field_from_a_veto() -> None:
    assert Level("else", "else", m=0.0, u=1.0).weight == -15.0
    assert Level("exact", "exact", m=1.0, u=0.0).weight == pytest.approx(19.93, abs=0.01)


def test_term_frequencies_have_a_floor_and_a_share_for_others() -> None:
    table = TermFrequencies({"smith": 0.01, "rare": 1e-9}, floor=1e-7, other=1e-5)
    assert [table.share(name) for name in ("smith", "rare", "xyzzy")] == [0.01, 1e-7, 1e-5]
    assert TermFrequencies({}, floor=1e-7).share("xyzzy") is None
    assert table.share("王") is None
