"""What a match field makes of the values of two records: HAPI's matchers and similarities.

A judge prepares the values of each side once, then says how far two sides agree: 0 to 1. Each value is
compared with each of the other side, and the best counts.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, TypeAlias

from fhir_mpi.linkage.hapi.columns import PART, Values
from fhir_mpi.linkage.hapi.nicknames import equivalent_names
from fhir_mpi.linkage.hapi.phonetics import CODES, phonetic_code
from fhir_mpi.linkage.hapi.similarities import SIMILARITIES, Similarity
from fhir_mpi.linkage.hapi.texts import digits_of, folded

Form: TypeAlias = Callable[[str], str]
"""How a text is looked at: as it stands (`exact`), or folded."""

_DATE: Final = re.compile(
    r"(\d{4})(-\d{2})?(-\d{2})?(T\d{2}:\d{2})?(:\d{2})?(\.\d+)?(Z|[+-]\d{2}:\d{2})?", re.ASCII
)
_TIME: Final = 3


@dataclass(frozen=True, slots=True)
class Judge:
    """`reading` says which kind of column the values come from."""

    reading: str
    prepare: Callable[[Values], Any]
    agreement: Callable[[Any, Any], float]


def matcher(algorithm: str, *, exact: bool = False, system: str | None = None) -> Judge:
    """The judge behind a matcher of that name: agreement is 1 or 0. KeyError for no such matcher.

    >>> soundex = matcher("SOUNDEX")
    >>> soundex.agreement(soundex.prepare(("Jon",)), soundex.prepare(("Peter", "John")))
    1.0
    """
    if algorithm in CODES:
        return _by_key(partial(phonetic_code, algorithm), _form(exact))
    return _MATCHERS[algorithm](_form(exact), system)


def similarity(algorithm: str, *, exact: bool = False) -> Judge:
    """The judge behind a similarity of that name. KeyError for no such similarity."""
    return Judge("text", _each(_form(exact)), _most_similar(SIMILARITIES[algorithm]))


def _form(exact: bool) -> Form:
    return str if exact else folded


def _each(form: Form) -> Callable[[Values], Values]:
    return lambda values: tuple([form(value) for value in values])


def _by_key(key: Form, form: Form = str, reading: str = "text") -> Judge:
    """Values agree that have one key."""
    return Judge(reading, lambda values: frozenset([key(form(value)) for value in values]), _share)


def _share(ours: frozenset[str], theirs: frozenset[str]) -> float:
    return 0.0 if ours.isdisjoint(theirs) else 1.0


def _any_pair(agree: Callable[[Any, Any], bool]) -> Callable[[Any, Any], float]:
    def agreement(ours: Any, theirs: Any) -> float:
        for left in ours:
            for right in theirs:
                if agree(left, right):
                    return 1.0
        return 0.0

    return agreement


def _most_similar(similar: Similarity) -> Callable[[Values, Values], float]:
    def agreement(ours: Values, theirs: Values) -> float:
        best = 0.0
        for left in ours:
            for right in theirs:
                best = max(best, similar(left, right))
        return best

    return agreement


def _substring(left: str, right: str) -> bool:
    return left.startswith(right) or right.startswith(left)


def _nickname(left: str, right: str) -> bool:
    return right in equivalent_names(left) or left in equivalent_names(right)


@lru_cache(maxsize=1 << 13)
def _dated(text: str) -> tuple[tuple[str, ...], str] | None:
    """The parts of a date or dateTime that are there, and its time zone; None for another text."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    *parts, zone = found.groups(default="")
    return tuple([part for part in parts if part]), zone


def _same_date(left: tuple[tuple[str, ...], str], right: tuple[tuple[str, ...], str]) -> bool:
    """Equal as far as the less precise says; time zones count where both have a time."""
    (ours, zone), (theirs, other_zone) = left, right
    precision = min(len(ours), len(theirs))
    return ours[:precision] == theirs[:precision] and (precision <= _TIME or zone == other_zone)


def _parts(form: Form) -> Callable[[Values], list[tuple[str, ...]]]:
    return lambda values: [tuple([form(part) for part in value.split(PART)]) for value in values]


def _first_and_last(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    """Family names equal, and a given name of the one equal to one of the other."""
    return left[0] == right[0] and not set(left[1:]).isdisjoint(right[1:])


def _any_order(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    return _first_and_last(left, right) or (right[0] in left[1:] and left[0] in right[1:])


def _identifier(system: str | None) -> Judge:
    wanted = None if system is None else system + PART
    kept = partial(_of_system, wanted) if wanted is not None else frozenset[str]
    return Judge("identifier", kept, _share)


def _of_system(system: str, values: Values) -> frozenset[str]:
    return frozenset([value for value in values if value.startswith(system)])


_MATCHERS: Final[Mapping[str, Callable[[Form, str | None], Judge]]] = {
    "STRING": lambda form, _: _by_key(form),
    "SUBSTRING": lambda form, _: Judge("text", _each(form), _any_pair(_substring)),
    "NICKNAME": lambda form, _: Judge("text", _each(lambda text: form(text).lower()), _any_pair(_nickname)),
    "DATE": lambda _, __: Judge(
        "text", lambda values: [date for v in values if (date := _dated(v))], _any_pair(_same_date)
    ),
    "NUMERIC": lambda form, _: _by_key(digits_of, form),
    "NAME_ANY_ORDER": lambda form, _: Judge("name", _parts(form), _any_pair(_any_order)),
    "NAME_FIRST_AND_LAST": lambda form, _: Judge("name", _parts(form), _any_pair(_first_and_last)),
    "IDENTIFIER": lambda _, system: _identifier(system),
    "EMPTY_FIELD": lambda _, __: Judge("presence", bool, lambda ours, theirs: float(not (ours or theirs))),
    "EXTENSION_ANY_ORDER": lambda _, __: _by_key(str, reading="extensions"),
}
MATCHERS: Final = (*CODES, *_MATCHERS)
"""The names of all matchers."""
