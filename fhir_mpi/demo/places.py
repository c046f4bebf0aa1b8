"""Invented streets and towns."""

from dataclasses import dataclass
from random import Random
from typing import Final

# fmt: off
_STREETS: Final = (
    "Main", "Oak", "Maple", "Cedar", "Pine", "Elm", "Washington", "Lake", "Hill", "Walnut", "Spring",
    "North", "Ridge", "Church", "Willow", "Mill", "Sunset", "Railroad", "Jefferson", "Center",
    "Highland", "Forest", "Jackson", "River", "Meadow", "Chestnut", "Lincoln", "Cherry", "Dogwood",
    "Hickory", "Park", "Franklin", "Adams", "Birch", "Locust", "Spruce", "Monroe", "Madison", "Poplar",
    "Sycamore", "Magnolia", "Valley", "Orchard", "Laurel", "Heron", "Quarry", "Harbor", "Foxglove",
    "Juniper", "Bluebird", "Granite", "Saddle", "Copper", "Windmill", "Lantern", "Thistle", "Beacon",
    "Clover", "Falcon", "Prairie", "Summit", "Timber", "Vineyard", "Wagon", "Aspen", "Bayberry",
    "Canyon", "Daisy", "Eagle", "Fern", "Garden", "Hazel",
)
# fmt: on
_KINDS: Final = ("Street", "Avenue", "Road", "Drive", "Lane", "Court", "Boulevard", "Place")
_TOWNS: Final = (
    "Ash",
    "Brook",
    "Clay",
    "Dun",
    "East",
    "Fair",
    "Green",
    "Hart",
    "Kings",
    "Lang",
    "Mill",
    "New",
    "Oak",
)
_ENDINGS: Final = ("bury", "dale", "field", "ford", "ham", "mouth", "port", "ton", "ville", "wood")
_STATES: Final = ("MA", "NY", "OH", "PA", "TX", "WA", "CA", "FL")
_POSTAL_CODES: Final = 1500
_POPULOUS: Final = 10
"""The share of the r-th postal code is 1/(r + 10): town centres and villages."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a household lives."""

    line: str
    city: str
    state: str
    postal_code: str


def place(rng: Random) -> Place:
    """A random address; about one in five has a flat number."""
    span = (_POSTAL_CODES + _POPULOUS) / _POPULOUS
    rank = int(_POPULOUS * span ** rng.random()) - _POPULOUS
    line = f"{int(1 + 9000 * rng.random() ** 2)} {rng.choice(_STREETS)} {rng.choice(_KINDS)}"
    if rng.random() < 0.2:
        line += f" Apt {rng.randrange(1, 60)}"
    city = _TOWNS[rank % len(_TOWNS)] + _ENDINGS[rank // len(_TOWNS) % len(_ENDINGS)]
    return Place(line, city, _STATES[rank % len(_STATES)], f"{10001 + rank * 37:05d}")


def phone(rng: Random) -> str:
    """Ten digits in the way of North America."""
    return f"({rng.randrange(201, 990)}) {rng.randrange(200, 1000)}-{rng.randrange(10000):04d}"
