"""The filter tree evaluated the slow and obvious way, and trees made by chance."""

from random import Random

from fhir_mpi.search.filters import (
    And,
    Contains,
    Equals,
    Filter,
    IndexEntries,
    Interval,
    Not,
    Or,
    Prefix,
    Present,
    Within,
)

TEXTS = ("", "a", "ab", "abc", "b\x1fab", "%", "a%", "_", "\U0010ffff", "a\U0001f600", "a\ud7ff", "é", "A")
CODES = ("given", "family", "absent")
DATES = ("birthdate", "death")


def matches(entries: IndexEntries, filter: Filter) -> bool:
    """Whether a resource with these index entries is found by the filter, by definition."""
    match filter:
        case And(parts):
            return all(matches(entries, part) for part in parts)
        case Or(parts):
            return any(matches(entries, part) for part in parts)
        case Not(part):
            return not matches(entries, part)
        case Present(code):
            return bool(entries.get(code))
        case Within(code):
            values = entries.get(code, ())
            return any(isinstance(value, Interval) and _inside(value, filter) for value in values)
        case _:
            values = entries.get(filter.code, ())
            return any(isinstance(value, str) and _holds(value, filter) for value in values)


def _inside(value: Interval, bounds: Within) -> bool:
    return (
        (bounds.low_from is None or value.low >= bounds.low_from)
        and (bounds.low_to is None or value.low <= bounds.low_to)
        and (bounds.high_from is None or value.high >= bounds.high_from)
        and (bounds.high_to is None or value.high <= bounds.high_to)
    )


def _holds(value: str, leaf: Equals | Prefix | Contains) -> bool:
    match leaf:
        case Equals(_, wanted):
            return value == wanted
        case Prefix(_, prefix):
            return value.startswith(prefix)
        case Contains(_, part):
            return part in value.split("\x1f", 1)[0]


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
