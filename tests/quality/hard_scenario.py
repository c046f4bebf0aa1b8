"""What makes a pair hard: a category, what happened, and the grade that a steward would want.

The grade was judged before the model was asked. Grades with a bar between them are all right: the first
is better.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.quality.hard_people import Change, but, same

POSSIBLE: Final = "possible|certainly-not"
"""Nobody should be told that these are one person; whether a steward sees them matters less."""
PROBABLE: Final = "probable|possible"
CERTAIN: Final = "certain|probable"


@dataclass(frozen=True, slots=True)
class Scenario:
    """`left` is written by one desk, `right` by another, each of the same person of `hard_people`."""

    category: str
    why: str
    grade: str
    left: Change
    right: Change = same


def category(
    name: str, *rows: tuple[str, str, Change] | tuple[str, str, Change, Change]
) -> Iterator[Scenario]:
    for row in rows:
        yield Scenario(name, *row)


child = but(birthDate="2021-06-17")
common = but(family="Smith", given=["John"], gender="male")
at_work = but(phone="312-555-0170", line=None, postalCode=None)
jr, sr = but(suffix="Jr"), but(suffix="Sr.")
new_family = but(family="Westergaard")


def written(family: str, given: str) -> Change:
    return but(family=family, given=[given])


def called(given: str) -> Change:
    return but(given=[given])


def living_at(line: str, postal: str | None = "10115") -> Change:
    return but(line=line, postalCode=postal, phone=None)


def called_by(phone: str, country: str | None = None) -> Change:
    return but(phone=phone, country=country, line="1 Elm Row" if country else None, postalCode=None)
