"""Splink's comparisons in a linkage model: weights, term frequencies, floors, and what is refused."""

import json
from copy import deepcopy
from math import log2
from pathlib import Path
from typing import Any

import pytest

from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter
from fhir_mpi.linkage.grades import Grader
from fhir_mpi.linkage.model import InvalidModel, MatchGrade, load_model, read_model
from fhir_mpi.linkage.record import Record

SMITH = Record("1", family=("smith",), given=("ana",), birth_date=("1980-02-29",), phone=("5550100200",))
SPLINK: Json = {
    "comparisons": [
        {
            "output_column_name": "surname",
            "comparison_levels": [
                {"sql_condition": '"surname_l" IS NULL OR "surname_r" IS NULL', "is_null_level": True},
                {
                    "sql_condition": '"surname_l" = "surname_r"',
                    "label_for_charts": "Exact match on surname",
                    "m_probability": 0.8,
                    "u_probability": 0.01,
                    "tf_adjustment_column": "surname",
                    "tf_adjustment_weight": 1.0,
                },
                {
                    "sql_condition": 'levenshtein("surname_l", "surname_r") <= 1',
                    "m_probability": 0.1,
                    "u_probability": 0.02,
                    "tf_adjustment_column": "surname",
                    "tf_adjustment_weight": 0.5,
                    "tf_minimum_u_value": 0.004,
                },
                {"sql_condition": "ELSE", "m_probability": 0.1, "u_probability": 0.97},
            ],
        }
    ],
    "link_type": "dedupe_only",
    "match_weight_column_prefix": "match_weight_",
}
MODEL: Json = {
    "name": "site",
    "version": "1",
    "resourceType": "Patient",
    "cap": 300,
    "populationFloor": 1,
    "blockingRules": [{"name": "phone", "stored": ["phone"]}],
    "comparisons": [
        {
            "name": "birth-date",
            "feature": "birth_date",
            "levels": [
                {"label": "missing", "comparator": "missing", "null": True},
                {"label": "exact", "comparator": "exact", "m": 0.9, "u": 0.1},
                {"label": "else", "comparator": "else", "m": 0.1, "u": 0.9},
            ],
        }
    ],
    "splink": {
        "model": SPLINK,
        "columns": {"surname": "family"},
        "termFrequencies": {"surname": {"smith": 0.02, "smyth": 0.001, "doe": 0.002}},
    },
    "grades": {"certain": 0.99, "probable": 0.9, "possible": 0.5},
    "caps": [{"guard": "birth-date-differs", "when": {"birth-date": ["else"]}, "atMost": "possible"}],
}
HOUSEHOLD: Json = {"location": ["birth-date"], "contact": ["birth-date"], "secondShare": 0, "ceiling": 1}


def changed(**splink: Any) -> Json:
    return {**MODEL, "splink": {**MODEL["splink"], **splink}}


def with_level(number: int, **values: Any) -> Json:
    """The model with other members of one level of its Splink model; None takes one away."""
    found = deepcopy(MODEL)
    level = found["splink"]["model"]["comparisons"][0]["comparison_levels"][number]
    level.update(values)
    for name in [name for name, value in level.items() if value is None]:
        del level[name]
    return found


def weight(model: Json, *families: str) -> float:
    """Bits of the surname, for Smith and somebody of these families."""
    engine = FellegiSunter(load_model(model))
    [score] = engine.score(SMITH, [Record("2", family=families)], population=1)
    (outcome,) = score.outcomes[1:]
    return outcome.weight


@pytest.mark.parametrize(
    ("families", "bits"),
    [
        ((), 0.0),
        (("smith",), log2(0.8 / 0.01) + log2(0.01 / 0.02)),
        (("smyth",), log2(0.1 / 0.02) + 0.5 * log2(0.01 / 0.02)),
        (("smitt",), log2(0.1 / 0.02) + 0.5 * log2(0.01 / 0.02)),
        (("doe",), log2(0.1 / 0.97)),
        (("doe", "smith"), log2(0.8 / 0.01) + log2(0.01 / 0.02)),
    ],
)
def test_a_level_weighs_what_splink_gives_it(families: tuple[str, ...], bits: float) -> None:
    assert weight(MODEL, *families) == pytest.approx(bits, abs=1e-12)


def test_values_without_a_share_are_not_adjusted() -> None:
    assert weight(changed(termFrequencies={"surname": {}}), "smith") == pytest.approx(log2(80))


def test_a_share_is_never_taken_for_less_than_the_minimum() -> None:
    rare = changed(termFrequencies={"surname": {"smith": 0.0001}})
    assert weight(rare, "smyth") == pytest.approx(log2(5) + 0.5 * log2(0.01 / 0.004))


def test_a_level_can_be_adjusted_by_its_own_u() -> None:
    own = with_level(2, disable_tf_exact_match_detection=True)
    assert weight(own, "smyth") == pytest.approx(log2(5) + 0.5 * log2(0.02 / 0.02))


def test_floors_keep_one_comparison_from_deciding_alone() -> None:
    collapsed = with_level(3, m_probability=1e-23)
    assert weight(collapsed, "doe") == -15.0
    floors = {"floors": {"probability": 0.01, "weight": -3}}
    assert weight({**collapsed, "splink": {**collapsed["splink"], **floors}}, "doe") == -3
    lower = {**collapsed, "splink": {**collapsed["splink"], "floors": {"probability": 0.01}}}
    assert weight(lower, "doe") == pytest.approx(log2(0.01 / 0.97))


def test_a_level_that_training_never_saw_is_refused_or_floored_as_the_model_says() -> None:
    unseen = with_level(3, m_probability=None)
    with pytest.raises(InvalidModel, match=r"comparison_levels\[3\]: no m_probability"):
        load_model(unseen)
    floored = {**unseen, "splink": {**unseen["splink"], "unobserved": "floor"}}
    assert weight(floored, "doe") == -15.0
    counted = {"unobserved": "laplace", "counted": {"matches": 999, "random": 400_000}}
    assert weight({**unseen, "splink": {**unseen["splink"], **counted}}, "doe") == pytest.approx(
        log2(0.5 / (999 + 3 * 0.5) / 0.97)
    )


def test_texts_are_compared_as_the_model_says() -> None:
    model = changed(termFrequencies={"surname": {}})
    assert weight(model, "smiþh") == pytest.approx(log2(5))
    assert weight({**model, "splink": {**model["splink"], "texts": "bytes"}}, "smiþh") < 0


def test_the_guards_look_at_the_comparisons_of_the_linkage_model() -> None:
    model = load_model(with_level(1, m_probability=1, u_probability=1e-6, tf_adjustment_column=None))
    engine, grader = FellegiSunter(model), Grader(model)
    for date, grade in (("1980-02-29", MatchGrade.CERTAIN), ("1971-01-05", MatchGrade.POSSIBLE)):
        candidate = SMITH._replace(birth_date=(date,))
        [score] = engine.score(SMITH, [candidate], population=1)
        assert grader.grading(score, SMITH, candidate).grade is grade


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        (changed(columns={"surname": "maiden"}), r"\$\.splink\.columns\.surname: unknown feature 'maiden'"),
        (changed(columns={"name": {"feature": "given"}}), r"termFrequencies\.surname: no such column"),
        (changed(unobserved="laplace"), r"\$\.splink\.counted"),
        (changed(termFrequencies={}), r"levels\[1\]: no term frequencies of 'surname'"),
        (with_level(2, sql_condition="soundex(surname_l) = 1"), r"levels\[2\]\.sql_condition: Soundex"),
        (with_level(2, sql_condition="surname_l || length(surname_r) = 'x'"), "of texts"),
        (with_level(3, sql_condition="surname_l = surname_r"), r"\[0\]: the last level must be ELSE"),
        ({**MODEL, "household": HOUSEHOLD}, "household: it counts the weights"),
        (changed(model={"comparisons": []}), r"\$\.splink\.model\.comparisons"),
        (changed(columns={"surname": {"list": True}}), r"\$\.splink\.columns\.surname"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_with_its_place(model: Json, problem: str) -> None:
    with pytest.raises(InvalidModel, match=problem):
        load_model(model)


def test_files_beside_the_model_are_read(tmp_path: Path) -> None:
    (tmp_path / "splink.json").write_text(json.dumps(SPLINK))
    (tmp_path / "surnames.json").write_text(json.dumps({"smith": 0.04}))
    named = changed(model="splink.json", termFrequencies={"surname": "surnames.json"})
    (tmp_path / "model.json").write_text(json.dumps(named))
    model = read_model(tmp_path / "model.json")
    assert model.splink is not None
    assert model.splink.term_frequencies == {"surname": {"smith": 0.04}}
    assert model.splink.comparisons[0].name == "surname"


@pytest.mark.parametrize("wrong", ["absent.json", "broken.json"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "model.json").write_text(json.dumps(changed(model=wrong)))
    with pytest.raises(InvalidModel, match=wrong):
        read_model(tmp_path / "model.json")


def test_what_is_no_splink_at_all_is_left_to_the_schema(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps({**MODEL, "splink": "splink.json"}))
    with pytest.raises(InvalidModel, match=r"\$\.splink"):
        read_model(tmp_path / "model.json")
