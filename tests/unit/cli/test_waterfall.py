"""Matches as tables, and the waterfall of one."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from fhir_mpi.cli.waterfall import bars, name_of, print_matches
from fhir_mpi.fhir.types import Resource
from fhir_mpi.linkage.engine import ComparisonOutcome
from fhir_mpi.linkage.model import MatchGrade
from fhir_mpi.mdm.matching import Match

ANA = {"resourceType": "Patient", "id": "a", "name": [{"family": "Rivera"}], "birthDate": "1980-02-29"}
MATCH = Match(
    id="a",
    grade=MatchGrade.PROBABLE,
    score=0.9899,
    probability=0.999,
    weight=10.0,
    outcomes=(
        ComparisonOutcome("prior", "prior", -20.0),
        ComparisonOutcome("family name", "exact", 30.0),
        ComparisonOutcome("city", "missing", 0.0),
    ),
    guards=("no-name",),
)


def printed(*matches: tuple[Match, Resource], explained: int = 1) -> str:
    console = Console(width=120, file=StringIO(), record=True)
    print_matches(console, matches, explained=explained)
    return console.export_text()


def test_the_sum_follows_every_comparison() -> None:
    text = printed((MATCH, ANA))
    rows = {row.split("│")[1].strip(): row.split("│") for row in text.splitlines() if row.count("│") == 6}
    assert [rows[name][3].strip() for name in ("prior", "family name", "city")] == [
        "-20.00",
        "+30.00",
        "+0.00",
    ]
    assert [rows[name][5].strip() for name in ("prior", "family name", "city")] == [
        "-20.00",
        "+10.00",
        "+10.00",
    ]


def test_a_guard_that_lowered_the_grade_is_named() -> None:
    verdict = "+10.00 bits: probability 0.999000, graded probable"
    assert f"{verdict}; lowered by no-name, and reported as 0.9899" in printed((MATCH, ANA))
    assert f"{verdict}\n" in printed((replace(MATCH, guards=()), ANA))


def test_nothing_is_explained_of_nobody() -> None:
    assert printed() == "nobody is known who could be this person\n"


@pytest.mark.parametrize(
    ("sums", "drawn"),
    [
        ([0.0, 4.0], ["████"]),
        ([0.0, -4.0, 0.0], ["████", "████"]),
        ([0.0, 2.0, 4.0], ["██  ", "  ██"]),
        ([0.0, 0.0], ["    "]),
        ([0.0, 1.0, 1.0], ["████", "    "]),
        ([0.0, 100.0, 100.1], ["████", "   █"]),
    ],
)
def test_bars_share_one_scale(sums: list[float], drawn: list[str]) -> None:
    assert list(bars(sums, width=4)) == drawn


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (None, ""),
        ("Arden Clinic", "Arden Clinic"),
        ([{"text": "Ana of Arden"}], "Ana of Arden"),
        ([{"family": "Old"}, {"use": "official", "family": "New", "given": ["Ana", None]}], "Ana New"),
        ([None, {"family": "Rivera", "suffix": ["Jr"]}], "Rivera Jr"),
    ],
)
def test_a_name_is_said_as_people_say_it(name: object, said: str) -> None:
    assert name_of({"resourceType": "Patient", "name": name}) == said
