"""Comparators: do two records agree so far? A comparator is one line in a table.

Each makes a test out of a feature's threshold. The test gets the values of the feature on both sides
(the missing level comes first, so both are there) and, for what crosses features, the two records.
"""

from collections.abc import Callable, Mapping
from typing import Final

from rapidfuzz.distance import OSA, JaroWinkler

from fhir_mpi.linkage.comparing_identifiers import IDENTIFIER_TESTS
from fhir_mpi.linkage.comparing_lives import LIFE_TESTS
from fhir_mpi.linkage.nicknames import nickname_neighbours
from fhir_mpi.linkage.phonetics import phonetic_code
from fhir_mpi.linkage.record import Record, Test, Values
from fhir_mpi.linkage.romanisation import same_consonants, same_in_latin

_jaro_winkler, _osa = JaroWinkler.similarity, OSA.distance
_FULL_DATE: Final = 10
_CLOSE: Final = 0.92


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
    """A given and the family name crossed over, each the same, spelled closely, or a nickname."""
    mine, theirs = left.given + left.other_given, right.given + right.other_given
    return _same_name(mine, right.family) and _same_name(left.family, theirs)


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


def _rearranged(a: Values, b: Values, left: Record, right: Record) -> bool:
    """The same given names, two at least, in another order or written as one."""
    if not left.other_given and not right.other_given:
        return False
    mine, theirs = {*a, *left.other_given}, {*b, *right.other_given}
    if mine == theirs:
        return len(mine) > 1 and all(len(name) > 1 for name in mine)
    return _written_as_one(a, left.other_given, b) or _written_as_one(b, right.other_given, a)


def _written_as_one(first: Values, others: Values, whole: Values) -> bool:
    return any(x + y in whole for x in first for y in others)


def _transliterated(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    """Alike in Latin letters, where a side is in another script."""
    return _pairwise(same_in_latin, a, b)


def _same_consonants(a: Values, b: Values, _l: Record, _r: Record) -> bool:
    """The same consonants, where a side is in Arabic or Hebrew script."""
    return _pairwise(same_consonants, a, b)


def _pairwise(alike: Callable[[str, str], bool], a: Values, b: Values) -> bool:
    for x in a:
        for y in b:
            if not (x.isascii() and y.isascii()) and alike(x, y):
                return True
    return False


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
    "given-rearranged": _plain(_rearranged),
    "transliterated": _plain(_transliterated),
    "same-consonants": _plain(_same_consonants),
    "partial-date": _plain(_partial_date),
    "date-edits": _date_edits_at_most,
    "day-month-swapped": _plain(_day_month_swapped),
    "first-of-january": _plain(_year_and_first_of_january),
    "same-words": _plain(_same_words),
    "words-within": _plain(_words_within),
    **{name: _plain(test) for name, test in {**IDENTIFIER_TESTS, **LIFE_TESTS}.items()},
}
"""Name of a comparator in a model -> threshold -> test."""
