"""Index entries and filter trees made by chance."""

from random import Random

from fhir_mpi.search.filters import (
    And,
    Contains,
    Equals,
    Filter,
    IndexEntries,
    Interval,
    Not,
    OneOf,
    Or,
    Prefix,
    Present,
    Within,
)

TEXTS = ("", "a", "ab", "abc", "b\x1fab", "%", "a%", "_", "\U0010ffff", "a\U0001f600", "a\ud7ff", "é", "A")
CODES = ("given", "family", "absent")
DATES = ("birthdate", "death")


def any_entries(random: Random) -> IndexEntries:
    texts = {code: _some(random, TEXTS) for code in CODES[:2]}
    dates = {code: [_interval(random) for _ in range(random.randrange(3))] for code in DATES}
    merged: dict[str, list[str] | list[Interval]] = {**texts, **{c: sorted(set(v)) for c, v in dates.items()}}
    return {code: values for code, values in merged.items() if values}


def any_filter(random: Random, depth: int = 3) -> Filter:
    kind = random.randrange(4) if depth else 3
    if kind == 0:
        return And(tuple(any_filter(random, depth - 1) for _ in range(random.randrange(4))))
    if kind == 1:
        return Or(tuple(any_filter(random, depth - 1) for _ in range(random.randrange(4))))
    if kind == 2:
        return Not(any_filter(random, depth - 1))
    return _leaf(random)


def _leaf(random: Random) -> Filter:
    code, text = random.choice(CODES), random.choice(TEXTS)
    bounds = [random.choice((None, float(random.randrange(10)))) for _ in range(4)]
    leaves: tuple[Filter, ...] = (
        Equals(code, text),
        OneOf(code, tuple(random.sample(TEXTS, random.randrange(4)))),
        Prefix(code, text),
        Contains(code, text),
        Present(random.choice((*CODES, *DATES))),
        Within(random.choice(DATES), *bounds),
    )
    return random.choice(leaves)


def _interval(random: Random) -> Interval:
    low = random.randrange(8)
    return Interval(float(low), float(low + random.randrange(4)))


def _some(random: Random, choices: tuple[str, ...]) -> list[str]:
    return random.sample(choices, random.randrange(4))
