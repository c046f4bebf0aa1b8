"""Comparators of identifiers: each looks at system and value together."""

from collections.abc import Callable, Mapping
from typing import Final

from rapidfuzz.distance import OSA

from fhir_mpi.linkage.identifiers import WITHOUT_SYSTEM
from fhir_mpi.linkage.record import Record, Test, Values

_osa = OSA.distance
_LONG_NUMBER: Final = 5


def _by_system(identifiers: Values) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for identifier in identifiers:
        system, _, value = identifier.rpartition("|")
        found.setdefault(system, []).append(value)
    return found


def _incomparable(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    """No identifier system is known on both sides, and no other identifier agrees, or nearly does."""
    if not a or not b:
        return True
    systems = [x.rpartition("|")[0] for x in a if not x.startswith(WITHOUT_SYSTEM)]
    for y in b:
        if y in a or y.rpartition("|")[0] in systems:
            return False
    return not (_some_wrong(a) or _some_wrong(b)) or not _one_edit_apart(a, b, _is_mistyped)


def _some_wrong(identifiers: Values) -> bool:
    return any(identifier.startswith(WITHOUT_SYSTEM) for identifier in identifiers)


def _contradicts(a: Values, b: Values) -> bool:
    """A system on both sides has no value within one edit of the other side's."""
    theirs = _by_system(b)
    for system, values in _by_system(a).items():
        if system in theirs and not system.startswith(WITHOUT_SYSTEM):
            pairs = [(x, y) for x in values for y in theirs[system]]
            if not any(_osa(x, y, score_cutoff=1) <= 1 for x, y in pairs):
                return True
    return False


def _same_identifier(a: Values, b: Values) -> bool:
    return any(x in b and not x.startswith(WITHOUT_SYSTEM) for x in a)


def _identifier(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    """A system and value agree, and no other system contradicts."""
    return _same_identifier(a, b) and not _contradicts(a, b)


def _identifier_mixed(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    """One system agrees and another contradicts."""
    return _same_identifier(a, b)


def _identifier_edit(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    """A number of five or more is one edit away, and no other system contradicts."""
    return _one_edit_apart(a, b, _is_mistyped) and not _contradicts(a, b)


def _identifier_near(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    """Short numbers, or numbers counted one after the other: twins are registered in one visit."""
    return _one_edit_apart(a, b, lambda _x, _y: True) and not _contradicts(a, b)


def _one_edit_apart(a: Values, b: Values, accepted: Callable[[str, str], bool]) -> bool:
    """Of one system; one of them may be a number that its check found wrong, but not both."""
    theirs = _by_system(b)
    for system, values in _by_system(a).items():
        wrong = system.startswith(WITHOUT_SYSTEM)
        others = theirs.get(system.removeprefix(WITHOUT_SYSTEM), [])
        others = others if wrong else others + theirs.get(WITHOUT_SYSTEM + system, [])
        for x in values:
            if any(_osa(x, y, score_cutoff=1) <= 1 and accepted(x, y) for y in others):
                return True
    return False


def _is_mistyped(x: str, y: str) -> bool:
    return min(len(x), len(y)) >= _LONG_NUMBER and (len(x) != len(y) or x[:-2] != y[:-2])


def _identifier_type(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    """Type code and value agree where neither side says the system."""
    return any(x in b for x in a) and not _contradicts(a, b)


IDENTIFIER_TESTS: Final[Mapping[str, Test]] = {
    "incomparable-identifiers": _incomparable,
    "identifier": _identifier,
    "identifier-mixed": _identifier_mixed,
    "identifier-edit": _identifier_edit,
    "identifier-near": _identifier_near,
    "identifier-type": _identifier_type,
}
"""Name of a comparator in a model -> test."""
