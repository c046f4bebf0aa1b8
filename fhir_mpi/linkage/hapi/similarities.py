"""How alike two texts are, 0 to 1, as java-string-similarity 1.2.1 reckons it for HAPI.

Jaro-Winkler there is no one else's: it counts the whole common beginning, gives long texts less for it,
and reckons in 32-bit floats. Cosine, Jaccard and Sorensen-Dice look at runs of three characters.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Set
from functools import lru_cache
from math import sqrt
from struct import Struct
from typing import Final, TypeAlias

from rapidfuzz.distance import Levenshtein

from fhir_mpi.linkage.hapi.texts import digits_of, single_spaced

Similarity: TypeAlias = Callable[[str, str], float]

_RUN: Final = 3
_WINKLER_FROM: Final = 0.7
_WINKLER_SHARE: Final = 0.1
_FLOAT: Final = Struct("f")
_THREE_FLOATS: Final = Struct("3f")
_TAKEN: Final = "\0"


def jaro_winkler(left: str, right: str) -> float:
    """
    >>> jaro_winkler("MARTHA", "MARHTA"), jaro_winkler("A", "B")
    (0.9611110925674439, 0.0)
    """
    if left == right:
        return 1.0
    shorter, longer = (right, left) if len(left) > len(right) else (left, right)
    matched, transposed = _agreement(shorter, longer)
    if not matched:
        return 0.0
    ours, theirs, ordered = _THREE_FLOATS.unpack(
        _THREE_FLOATS.pack(matched / len(left), matched / len(right), (matched - transposed) / matched)
    )
    jaro = _float(_float(_float(ours + theirs) + ordered) / 3)
    if jaro <= _WINKLER_FROM:
        return jaro
    return jaro + min(_WINKLER_SHARE, 1 / len(longer)) * _beginning(shorter, longer) * (1 - jaro)


def cosine(left: str, right: str) -> float:
    """
    >>> cosine("ABCE", "ABCDE"), cosine("AB", "ABC")
    (0.40824829046386296, 0.0)
    """
    if left == right:
        return 1.0
    if len(left) < _RUN or len(right) < _RUN:
        return 0.0
    ours, theirs = _counted_runs(left), _counted_runs(right)
    product = sum(count * theirs[run] for run, count in ours.items())
    return product / (_norm(ours) * _norm(theirs)) if product else 0.0


def jaccard(left: str, right: str) -> float:
    """
    >>> jaccard("ABCE", "ABCDE")
    0.25
    """
    if left == right:
        return 1.0
    ours, theirs = _runs(left), _runs(right)
    either = len(ours | theirs)
    return len(ours & theirs) / either if either else 0.0


def sorensen_dice(left: str, right: str) -> float:
    """
    >>> sorensen_dice("ABCE", "ABCDE")
    0.4
    """
    if left == right:
        return 1.0
    ours, theirs = _runs(left), _runs(right)
    total = len(ours) + len(theirs)
    return 2 * len(ours & theirs) / total if total else 0.0


def levenshtein(left: str, right: str) -> float:
    """
    >>> levenshtein("SMITH", "SMYTHE")
    0.6666666666666667
    """
    if left == right:
        return 1.0
    return 1.0 - Levenshtein.distance(left, right) / max(len(left), len(right))


def _numeric(similarity: Similarity) -> Similarity:
    return lambda left, right: similarity(digits_of(left), digits_of(right))


_PLAIN: Final[Mapping[str, Similarity]] = {
    "JARO_WINKLER": jaro_winkler,
    "COSINE": cosine,
    "JACCARD": jaccard,
    "LEVENSCHTEIN": levenshtein,
    "SORENSEN_DICE": sorensen_dice,
}
SIMILARITIES: Final[Mapping[str, Similarity]] = {
    **_PLAIN,
    **{f"NUMERIC_{name}": _numeric(similarity) for name, similarity in _PLAIN.items()},
}
"""By HAPI's names, misspelling and all."""


def _agreement(shorter: str, longer: str) -> tuple[int, int]:
    """How many characters have a partner nearby, and half of how many of these are out of order."""
    reach, rest, found = max(len(longer) // 2 - 1, 0), longer, ""
    for n, character in enumerate(shorter):
        at = rest.find(character, n - reach if n > reach else 0, n + reach + 1)
        if at >= 0:
            rest = rest[:at] + _TAKEN + rest[at + 1 :]
            found += character
    partners = [partner for partner, left in zip(longer, rest, strict=True) if left == _TAKEN]
    return len(found), sum(map(str.__ne__, found, partners)) // 2


def _beginning(left: str, right: str) -> int:
    """How many characters both begin with."""
    count = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        count += 1
    return count


def _float(number: float) -> float:
    found: float = _FLOAT.unpack(_FLOAT.pack(number))[0]
    return found


@lru_cache(maxsize=1 << 14)
def _counted_runs(text: str) -> Counter[str]:
    text = single_spaced(text)
    return Counter(text[n : n + _RUN] for n in range(len(text) - _RUN + 1))


@lru_cache(maxsize=1 << 14)
def _runs(text: str) -> Set[str]:
    return frozenset(_counted_runs(text))


def _norm(counts: Counter[str]) -> float:
    return sqrt(sum(count * count for count in counts.values()))
