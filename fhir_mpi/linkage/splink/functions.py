"""The SQL functions that Splink's levels use, as DuckDB computes them; no argument here is ever NULL."""

import math
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import add, eq, ge, gt, le, lt, mul, ne, neg
from typing import Any, Final

from rapidfuzz.distance import DamerauLevenshtein, Hamming, Jaro, JaroWinkler, Levenshtein
from sqlglot import exp


def levenshtein(a: str | bytes, b: str | bytes) -> int:
    return Levenshtein.distance(a, b)


def damerau_levenshtein(a: str | bytes, b: str | bytes) -> int:
    return DamerauLevenshtein.distance(a, b)


def hamming(a: str | bytes, b: str | bytes) -> int:
    return Hamming.distance(a, b)


def jaro(a: str | bytes, b: str | bytes) -> float:
    return Jaro.similarity(a, b) if a or b else 0.0


def jaro_winkler(a: str | bytes, b: str | bytes) -> float:
    return JaroWinkler.similarity(a, b) if a or b else 0.0


def jaccard(a: str | bytes, b: str | bytes) -> float | None:
    """Over the distinct characters of both; NULL where one has none, which DuckDB refuses.

    >>> jaccard("abc", "bcd")
    0.5
    """
    one, other = set(a), set(b)
    return len(one & other) / len(one | other) if one and other else None


def of_bytes(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function over the bytes of both texts in UTF-8; where all is ASCII that is the same.

    >>> levenshtein("jose", "josé"), of_bytes(levenshtein)("jose", "josé")
    (1, 2)
    """

    def apply(a: str, b: str) -> Any:
        if a.isascii() and b.isascii():
            return function(a, b)
        return function(a.encode(), b.encode())

    return apply


def cosine(a: Sequence[float | str], b: Sequence[float | str]) -> float | None:
    """NULL where the lists hold no numbers or not as many, and for a vector without length.

    >>> cosine([1.0, 2.0], ["2", "4"]), cosine([1.0], [1.0, 0.0]), cosine([0.0], [1.0])
    (1.0, None, None)
    """
    try:
        pairs = [(float(x), float(y)) for x, y in zip(a, b, strict=True)]
    except ValueError:
        return None
    product = math.sqrt(sum(x * x for x, _ in pairs) * sum(y * y for _, y in pairs))
    return sum(x * y for x, y in pairs) / product if product else None


@lru_cache(maxsize=65536)
def try_strptime(text: str, format: str) -> datetime | None:
    """
    >>> try_strptime("1980-02-30", "%Y-%m-%d") is None
    True
    """
    try:
        return datetime.strptime(text, format).replace(tzinfo=UTC)
    except ValueError:
        return None


def check_format(format: str) -> None:
    """ValueError for a date format that is known to DuckDB only.

    >>> check_format("%-d/%m/%Y")
    Traceback (most recent call last):
    ValueError: '-' is a bad directive in format '%-d/%m/%Y'
    """
    try:
        datetime.strptime("", format).replace(tzinfo=UTC)
    except ValueError as error:
        if "bad directive" in str(error) or "stray %" in str(error):
            raise


def epoch(moment: datetime | date | str) -> float | None:
    """Seconds since 1970; a moment without a zone is one in UTC. A text is a whole date, or NULL.

    >>> epoch("1970-01-02"), epoch("1970-01")
    (86400.0, None)
    """
    if isinstance(moment, datetime):
        return moment.timestamp()
    try:
        day = as_day(moment)
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def as_day(value: date | str) -> date:
    """ValueError where that is none.

    >>> as_day("1980-1-5")
    datetime.date(1980, 1, 5)
    """
    if isinstance(value, date):
        return value
    try:
        year, month, day = map(int, value.strip().split("-"))
    except ValueError:
        raise ValueError("no whole date") from None
    return date(year, month, day)


def regexp_extract(text: str, pattern: str, group: int = 0) -> str:
    """What matched, the empty string where nothing did.

    >>> regexp_extract("SW1A 1AA", "^[A-Z]+", 0), regexp_extract("1", "[A-Z]")
    ('SW', '')
    """
    found = _pattern(pattern).search(text)
    return (found[group] or "") if found else ""


def check_pattern(pattern: str) -> None:
    """ValueError for a regular expression that Python does not know."""
    try:
        _pattern(pattern)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from error


@lru_cache(maxsize=1024)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def substring(text: str, start: int, length: int | None = None) -> str:
    """From the character `start`, the first of which is 1; a negative one counts from the end.

    >>> substring("SW1A", 2, 2), substring("SW1A", 2), substring("SW1A", -2), substring("SW1A", 0, 2)
    ('W1', 'W1A', '1A', 'S')
    """
    first = start - 1 if start >= 0 else len(text) + start
    return text[max(first, 0) :] if length is None else text[max(first, 0) : max(first + length, 0)]


def intersection(a: Sequence[Any], b: Sequence[Any]) -> list[Any]:
    """The distinct elements that both have."""
    known = set(b)
    return [element for element in dict.fromkeys(a) if element in known]


def as_float32(number: float) -> float:
    """As a column of 32 bits holds it.

    >>> as_float32(0.1) == 0.1
    False
    """
    found: float = struct.unpack("f", struct.pack("f", number))[0]
    return found


def date_difference(first: date, second: date, unit: str) -> int:
    """Boundaries of a unit between two days, as DuckDB's date_diff counts them.

    >>> date_difference(date(2020, 12, 31), date(2021, 1, 1), "YEAR")
    1
    """
    months = (second.year - first.year) * 12 + second.month - first.month
    return {"DAY": (second - first).days, "MONTH": months, "YEAR": second.year - first.year}[unit]


def _of_numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    """Numbers are texts in a record; what is none is NULL."""

    def apply(*values: Any) -> Any:
        try:
            return function(*[float(value) if isinstance(value, str) else value for value in values])
        except ValueError:
            return None

    return apply


def _compared(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool | None]:
    """A text that is compared with a number or a date is taken for one."""

    def apply(a: Any, b: Any) -> bool | None:
        if type(a) is type(b) or not (isinstance(a, str) or isinstance(b, str)):
            return test(a, b)
        try:
            if isinstance(a, date) or isinstance(b, date):
                return test(as_day(a), as_day(b))
            return test(float(a), float(b))
        except ValueError:
            return None

    return apply


def _difference(a: Any, b: Any) -> Any:
    """Between two days it is a number of days."""
    return (a - b).days if type(a) is date and type(b) is date else a - b


def _between(a: Any, low: Any, high: Any) -> bool | None:
    above = _compared(ge)(a, low)
    return _compared(le)(a, high) if above else above


BY_CLASS: Final[Mapping[type[exp.Expression], tuple[tuple[str, ...], Callable[..., Any]]]] = {
    exp.Abs: (("this",), _of_numbers(abs)),
    exp.Acos: (("this",), _of_numbers(math.acos)),
    exp.ArrayIntersect: (("expressions",), intersection),
    exp.ArrayOverlaps: (("this", "expression"), lambda a, b: not set(a).isdisjoint(b)),
    exp.ArrayContains: (("this", "expression"), lambda a, b: b in a),
    exp.ArraySize: (("this",), len),
    exp.Cos: (("this",), _of_numbers(math.cos)),
    exp.DPipe: (("this", "expression"), lambda a, b: a + b),
    exp.JarowinklerSimilarity: (("this", "expression"), jaro_winkler),
    exp.Left: (("this", "expression"), lambda text, n: text[:n]),
    exp.Length: (("this",), len),
    exp.Levenshtein: (("this", "expression"), levenshtein),
    exp.Lower: (("this",), str.lower),
    exp.Neg: (("this",), _of_numbers(neg)),
    exp.Add: (("this", "expression"), _of_numbers(add)),
    exp.Sub: (("this", "expression"), _of_numbers(_difference)),
    exp.Mul: (("this", "expression"), _of_numbers(mul)),
    exp.Div: (("this", "expression"), _of_numbers(lambda a, b: a / b if b else None)),
    exp.Radians: (("this",), _of_numbers(math.radians)),
    exp.RegexpExtract: (("this", "expression", "group"), regexp_extract),
    exp.Replace: (("this", "expression", "replacement"), str.replace),
    exp.Right: (("this", "expression"), lambda text, n: text[-n:] if n else ""),
    exp.Sin: (("this",), _of_numbers(math.sin)),
    exp.Sqrt: (("this",), _of_numbers(math.sqrt)),
    exp.Substring: (("this", "start", "length"), substring),
    exp.TimeToUnix: (("this",), epoch),
    exp.Trim: (("this",), lambda text: text.strip(" ")),
    exp.Upper: (("this",), str.upper),
    exp.EQ: (("this", "expression"), _compared(eq)),
    exp.NEQ: (("this", "expression"), _compared(ne)),
    exp.GT: (("this", "expression"), _compared(gt)),
    exp.GTE: (("this", "expression"), _compared(ge)),
    exp.LT: (("this", "expression"), _compared(lt)),
    exp.LTE: (("this", "expression"), _compared(le)),
    exp.Between: (("this", "low", "high"), _between),
}
"""Functions and operators that sqlglot has a class for: where their arguments are, and what they do."""

BY_NAME: Final[Mapping[str, Callable[..., Any]]] = {
    "array_cosine_similarity": cosine,
    "damerau_levenshtein": damerau_levenshtein,
    "hamming": hamming,
    "jaccard": jaccard,
    "jaro_similarity": jaro,
    "list_intersect": intersection,
    "array_intersect": intersection,
    "strlen": lambda text: len(text.encode()),
    "try_strptime": try_strptime,
}
"""The others, by their name in DuckDB."""

OF_BYTES: Final[Mapping[Callable[..., Any], Callable[..., Any]]] = {
    function: of_bytes(function)
    for function in (damerau_levenshtein, hamming, jaccard, jaro, jaro_winkler, levenshtein)
}
"""How DuckDB 1 computes these: it walks over bytes, as DuckDB 2 does over characters."""

CASTS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "FLOAT": lambda value: as_float32(float(value)),
    "DOUBLE": float,
    "INT": round,
    "BIGINT": round,
    "VARCHAR": str,
    "TEXT": str,
    "DATE": as_day,
}
"""What a value becomes in another type; ValueError or TypeError where it is NULL there."""

CHECKS: Final[Mapping[Callable[..., Any], Callable[[str], None]]] = {
    regexp_extract: check_pattern,
    try_strptime: check_format,
}
"""Functions whose second argument, where it is written out, must be one that is understood here."""
