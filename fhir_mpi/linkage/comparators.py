"""Comparators: do two records agree so far? A comparator is one line in a table.

Each makes a test out of a feature's threshold. The test gets the values of the feature on both sides
(the missing level comes first, so both are there) and, for what crosses features, the two records.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from rapidfuzz.distance import OSA, JaroWinkler

from fhir_mpi.linkage.identifiers import WITHOUT_SYSTEM
from fhir_mpi.linkage.nicknames import nickname_neighbours
from fhir_mpi.linkage.phonetics import phonetic_code
from fhir_mpi.linkage.record import Record, Values

Test: TypeAlias = Callable[[Values, Values, Record, Record], bool]

_jaro_winkler, _osa = JaroWinkler.similarity, OSA.distance
_FULL_DATE: Final = 10
_CLOSE: Final = 0.92
_LONG_NUMBER: Final = 5


def _missing(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    return not a or not b


def _exact(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    return _meet(a, b)


def _meet(a: Values, b: Values) -> bool:
    """A value in common. Written out: most features have one value, and a generator costs thrice that."""
    for value in a:  # noqa: SIM110
        if value in b:
            return True
    return False


def _else(_a: Values, _b: Values, _l: Record, _r: Record) -> bool:
    return True


def _nickname(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    return any(not nickname_neighbours(x).isdisjoint(b) for x in a)


def _swapped(_a: Values, _b: Values, left: Record, right: Record) -> bool:
    """Given and family name crossed over, each the same, spelled closely, or a nickname."""
    return _same_name(left.given, right.family) and _same_name(left.family, right.given)


def _same_name(a: Values, b: Values) -> bool:
    for x in a:
        for y in b:
            if x == y or _jaro_winkler(x, y, score_cutoff=_CLOSE) > 0 or y in nickname_neighbours(x):
                return True
    return False


def _initial(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    for x in a:
        for y in b:
            if x[0] == y[0] and (len(x) == 1 or len(y) == 1):
                return True
    return False


def _family_part(_a: Values, _b: Values, left: Record, right: Record) -> bool:
    if not left.family_parts and not right.family_parts:
        return False
    return _meet(left.family + left.family_parts, right.family + right.family_parts)


def _other_given(a: Values, b: Values, left: Record, right: Record) -> bool:
    """The first given name of one side is another given name of the other; initials don't count."""
    if not left.other_given and not right.other_given:
        return False
    return _meet(_spelled_out(a), right.other_given) or _meet(_spelled_out(b), left.other_given)


def _spelled_out(names: Values) -> Values:
    return tuple([name for name in names if len(name) > 1])


def _sounds_alike(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    return _meet(tuple([phonetic_code(x) for x in a]), tuple([phonetic_code(y) for y in b]))


def _jaro_winkler_at_least(threshold: float) -> Test:
    def test(a: Values, b: Values, _l: Record, _r: Record) -> bool:
        for x in a:
            for y in b:
                if _jaro_winkler(x, y, score_cutoff=threshold) > 0:
                    return True
        return False

    return test


def _edits_at_most(threshold: float) -> Test:
    """Insertions, deletions, substitutions and swaps of neighbours."""
    most = int(threshold)

    def test(a: Values, b: Values, _l: Record, _r: Record) -> bool:
        for x in a:
            for y in b:
                if _osa(x, y, score_cutoff=most) <= most:
                    return True
        return False

    return test


def _same_prefix(threshold: float) -> Test:
    length = int(threshold)

    def test(a: Values, b: Values, _l: Record, _r: Record) -> bool:
        for x in a:
            for y in b:
                if x[:length] == y[:length]:
                    return True
        return False

    return test


def _date_edits_at_most(threshold: float) -> Test:
    most = int(threshold)

    def test(a: Values, b: Values, _l: Record, _r: Record) -> bool:
        return len(a[0]) == len(b[0]) == _FULL_DATE and _osa(a[0], b[0], score_cutoff=most) <= most

    return test


def _partial_date(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    """One date is said less precisely, and does not contradict the other."""
    return a[0].startswith(b[0]) or b[0].startswith(a[0])


def _day_month_swapped(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    x, y = a[0], b[0]
    return len(x) == len(y) == _FULL_DATE and x[:4] == y[:4] and x[5:7] == y[8:] and x[8:] == y[5:7]


def _year_and_first_of_january(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    x, y = a[0], b[0]
    return x[:4] == y[:4] and (x[4:] == "-01-01" or y[4:] == "-01-01")


def _same_words(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    return any(set(x.split()) == set(y.split()) for x in a for y in b)


def _words_within(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    """All words of the shorter name (two at least) are words of the longer."""
    for x in a:
        for y in b:
            shorter, longer = sorted((set(x.split()), set(y.split())), key=len)
            if len(shorter) > 1 and shorter <= longer:
                return True
    return False


def _by_system(identifiers: Values) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for identifier in identifiers:
        system, _, value = identifier.rpartition("|")
        found.setdefault(system, []).append(value)
    return found


def _incomparable(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    """No identifier system is known on both sides, and no systemless identifier agrees."""
    if not a or not b:
        return True
    systems = [x.rpartition("|")[0] for x in a if not x.startswith(WITHOUT_SYSTEM)]
    for y in b:  # noqa: SIM110
        if y in a or y.rpartition("|")[0] in systems:
            return False
    return True


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
    theirs = _by_system(b)
    return any(
        _osa(x, y, score_cutoff=1) <= 1 and accepted(x, y)
        for system, values in _by_system(a).items()
        if not system.startswith(WITHOUT_SYSTEM)
        for x in values
        for y in theirs.get(system, ())
    )


def _is_mistyped(x: str, y: str) -> bool:
    return min(len(x), len(y)) >= _LONG_NUMBER and (len(x) != len(y) or x[:-2] != y[:-2])


def _identifier_type(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    """Type code and value agree where neither side says the system."""
    return any(x in b for x in a) and not _contradicts(a, b)


def _plain(test: Test) -> Callable[[float], Test]:
    return lambda _threshold: test


COMPARATORS: Final[Mapping[str, Callable[[float], Test]]] = {
    "missing": _plain(_missing),
    "exact": _plain(_exact),
    "else": _plain(_else),
    "jaro-winkler": _jaro_winkler_at_least,
    "edits": _edits_at_most,
    "prefix": _same_prefix,
    "sounds-alike": _plain(_sounds_alike),
    "nickname": _plain(_nickname),
    "swapped": _plain(_swapped),
    "initial": _plain(_initial),
    "family-part": _plain(_family_part),
    "other-given": _plain(_other_given),
    "partial-date": _plain(_partial_date),
    "date-edits": _date_edits_at_most,
    "day-month-swapped": _plain(_day_month_swapped),
    "first-of-january": _plain(_year_and_first_of_january),
    "same-words": _plain(_same_words),
    "words-within": _plain(_words_within),
    "incomparable-identifiers": _plain(_incomparable),
    "identifier": _plain(_identifier),
    "identifier-mixed": _plain(_identifier_mixed),
    "identifier-edit": _plain(_identifier_edit),
    "identifier-near": _plain(_identifier_near),
    "identifier-type": _plain(_identifier_type),
}
"""Name of a comparator in a model -> threshold -> test."""
