"""Comparators of life and death, and of whether a record is in use."""

from collections.abc import Mapping
from typing import Final

from fhir_mpi.linkage.record import Record, Test, Values

_ALIVE: Final = "false"
_DEAD: Final = "true"


def _unsaid(a: Values, b: Values, left: Record, right: Record) -> bool:
    """A side says nothing, and none died before the other was born."""
    return (not a or not b) and not _died_before_birth(a, b, left, right)


def _died_before_birth(a: Values, b: Values, left: Record, right: Record) -> bool:
    return _before(a, right.birth_date) or _before(b, left.birth_date)


def _before(death: Values, birth: Values) -> bool:
    """As far as both dates are said."""
    if not death or not birth or not _is_date(death[0]):
        return False
    said = min(len(death[0]), len(birth[0]))
    return death[0][:said] < birth[0][:said]


def _same_death(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    """Two dates of death of which none contradicts the other."""
    return _is_date(a[0]) and _is_date(b[0]) and (a[0].startswith(b[0]) or b[0].startswith(a[0]))


def _other_death(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    return _is_date(a[0]) and _is_date(b[0])


def _both_living_or_dead(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    return (a[0] == _ALIVE) == (b[0] == _ALIVE)


def _is_date(death: str) -> bool:
    return death not in (_ALIVE, _DEAD)


def _both_in_use(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    return not a and not b


LIFE_TESTS: Final[Mapping[str, Test]] = {
    "death-unsaid": _unsaid,
    "died-before-birth": _died_before_birth,
    "same-death": _same_death,
    "other-death": _other_death,
    "both-living-or-dead": _both_living_or_dead,
    "both-in-use": _both_in_use,
}
"""Name of a comparator in a model -> test."""
