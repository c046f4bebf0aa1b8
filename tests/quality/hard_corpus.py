"""540 hard pairs in 27 categories, and how the default model grades them: python -m tests.quality.hard_corpus

Each scenario is told of as many of the invented people as make 20 pairs of a category. The index is taken
to hold a million people. Nothing is drawn by chance: the same pairs each time.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from fhir_mpi.fhir.types import Resource
from fhir_mpi.linkage.engine import ScoringEngine
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter
from fhir_mpi.linkage.model import MatchGrade, default_model
from fhir_mpi.linkage.record import record_of
from fhir_mpi.mdm.matching import Match, Matcher
from tests.quality.hard_people import patient, somebody
from tests.quality.hard_scenario import Scenario
from tests.quality.hard_scenarios_of_people import of_names, of_relatives, of_scripts, of_strangers
from tests.quality.hard_scenarios_of_records import of_dates, of_numbers, of_places
from tests.quality.index_in_memory import KeyedRecords
from tests.quality.tally import completed

PAIRS_OF_A_CATEGORY = 20
MODEL = default_model("Patient")
REASONS: Mapping[tuple[str, str], str] = {}
"""Category and scenario that the model grades otherwise -> why that is borne with."""


@dataclass(frozen=True, slots=True)
class Pair:
    """`probe` is matched against an index that holds `stored`; any of `grades` is right."""

    scenario: Scenario
    number: int
    probe: Resource
    stored: Resource

    @property
    def grades(self) -> list[str]:
        return self.scenario.grade.split("|")

    def __str__(self) -> str:
        return f"{self.scenario.category}: {self.scenario.why} ({self.number})"


def pairs() -> Iterator[Pair]:
    """Twenty of each category, its scenarios in turn with people of their own."""
    for _, group in groupby(_scenarios(), key=lambda scenario: scenario.category):
        ways = list(group)
        for number in range(PAIRS_OF_A_CATEGORY):
            scenario, known = ways[number % len(ways)], somebody(number)
            left, right = known | scenario.left(known), known | scenario.right(known)
            yield Pair(scenario, number, patient("probe", left), patient("stored", right))


def _scenarios() -> Iterator[Scenario]:
    for some in (of_relatives, of_names, of_scripts, of_dates, of_numbers, of_places, of_strangers):
        yield from some()


def answer(pair: Pair, engine: ScoringEngine) -> Match | None:
    """The match of the stored record, None where it is certainly not one."""
    index = KeyedRecords(MODEL, [record_of(pair.stored)], population=1_000_000)
    found = completed(Matcher(MODEL, engine, index).matches(pair.probe)).matches
    return found[0] if found else None


def table() -> list[str]:
    """A Markdown table: of each category the pairs, the grades they get, and how many are right."""
    engine = FellegiSunter(MODEL)
    grades = [str(grade) for grade in MatchGrade]
    lines = [f"| category | {' | '.join(grades)} | as wanted |", "|---|---|---|---|---|---|"]
    totals: Counter[str] = Counter()
    for category, group in groupby(pairs(), key=lambda pair: pair.scenario.category):
        counted: Counter[str] = Counter()
        for pair in group:
            match = answer(pair, engine)
            grade = match.grade.value if match else "certainly-not"
            counted.update([grade, *(["right"] if grade in pair.grades else [])])
        totals += counted
        lines.append(_row(category, counted, grades))
    return [*lines, _row("**all**", totals, grades)]


def _row(name: str, counted: Counter[str], grades: Sequence[str]) -> str:
    of = sum(counted[grade] for grade in grades)
    return f"| {name} | {' | '.join(str(counted[g] or '') for g in grades)} | {counted['right']} of {of} |"


if __name__ == "__main__":
    print("\n".join(table()))  # noqa: T201
