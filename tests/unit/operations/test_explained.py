"""The page of a match: its drawing, and what it says of names and places."""

import pytest

from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.engine import ComparisonOutcome
from fhir_mpi.linkage.model import Thresholds
from fhir_mpi.operations.explained.chart import LEAST, LEFT, PLOT, chart
from fhir_mpi.operations.explained.page import Line, _lines

THRESHOLDS = Thresholds(certain=0.99, probable=0.9, possible=0.5)
OUTCOMES = [
    ComparisonOutcome("prior", "1 in 1000", -10.0),
    ComparisonOutcome("family", "exact", 14.0),
    ComparisonOutcome("city", "missing", 0.0),
    ComparisonOutcome("gender", "else", -0.001),
]


def test_each_bar_begins_where_the_one_before_it_ended() -> None:
    prior, family, city, gender = chart(OUTCOMES, THRESHOLDS).bars
    assert prior.x == prior.end == family.x
    assert family.x + family.width == pytest.approx(family.end, abs=0.2)
    assert (city.x, city.width, city.end) == (family.end, 0.0, family.end)
    assert gender.width == LEAST
    assert [bar.kind for bar in (prior, family, city, gender)] == ["against", "for", "none", "against"]
    assert (family.bits, family.sum, gender.sum) == ("+14.00", "+4.00", "+4.00")


def test_everything_stands_within_the_drawing_and_labels_apart() -> None:
    drawn = chart(OUTCOMES, THRESHOLDS)
    for bar in drawn.bars:
        assert LEFT <= bar.x <= bar.x + bar.width <= LEFT + PLOT
        assert bar.y < drawn.height
    assert [line.label for line in drawn.lines] == ["possible", "probable", "certain"]
    rows = [(line.row, line.x) for line in drawn.lines]
    assert rows == sorted(rows, key=lambda place: place[1])
    crowded = chart([ComparisonOutcome("prior", "", -300.0)], THRESHOLDS).lines
    assert [line.row for line in crowded] == [0, 1, 0]


def test_a_threshold_that_no_weight_reaches_has_no_line() -> None:
    assert [line.label for line in chart(OUTCOMES, Thresholds(1.0, 0.9, 0.0)).lines] == ["probable"]


def test_what_both_records_say_is_set_side_by_side() -> None:
    ours: Json = {
        "name": [
            {"use": "official", "prefix": ["Dr"], "given": ["Ana"], "family": "Li"},
            {"text": "Ana L"},
            None,
        ],
        "address": [{"line": ["1 Hill Road"], "postalCode": "18503", "city": "Scranton"}, {"text": "there"}],
        "active": True,
    }
    theirs: Json = {"name": "Clinic", "contact": [{"telecom": [{"system": "phone", "value": "1"}]}]}
    lines = {line.what: line for line in _lines(ours, theirs)}
    assert lines["name"] == Line("name", ["Dr Ana Li (official)", "Ana L"], ["Clinic"])
    assert lines["address"] == Line("address", ["1 Hill Road, 18503 Scranton", "there"], [])
    assert (lines["active"].ours, lines["telecom"].theirs) == (["true"], ["phone 1"])
