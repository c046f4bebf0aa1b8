"""The SQL functions that Splink's levels use, as DuckDB computes them; no argument here is ever NULL."""

import math
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final

from rapidfuzz.distance import DamerauLevenshtein, Hamming, Jaro, JaroWinkler, Levenshtein
from sqlglot import exp

Strings = tuple[str, str] | tuple[bytes, bytes]


def _bytes_as_duckdb(a: str, b: str) -> Strings:
    """DuckDB's string distances walk over UTF-8 bytes; where all is ASCII that is the same."""
    return (a, b) if a.isascii() and b.isascii() else (a.encode(), b.encode())


def levenshtein(a: str, b: str) -> int:
    return Levenshtein.distance(*_bytes_as_duckdb(a, b))


def damerau_levenshtein(a: str, b: str) -> int:
    return DamerauLevenshtein.distance(*_bytes_as_duckdb(a, b))


def hamming(a: str, b: str) -> int:
    return Hamming.distance(*_bytes_as_duckdb(a, b))


def jaro(a: str, b: str) -> float:
    return Jaro.similarity(*_bytes_as_duckdb(a, b)) if a or b else 0.0


def jaro_winkler(a: str, b: str) -> float:
    return JaroWinkler.similarity(*_bytes_as_duckdb(a, b)) if a or b else 0.0


def jaccard(a: str, b: str) -> float | None:
    """Over the distinct bytes of both; NULL where one has none, which DuckDB refuses.

    >>> jaccard("abc", "bcd")
    0.5
    """
    one, other = set(a.encode()), set(b.encode())
    return len(one & other) / len(one | other) if one and other else None


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    product = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
    return sum(x * y for x, y in zip(a, b, strict=True)) / product


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


def epoch(moment: datetime | date) -> float:
    """Seconds since 1970; a moment without a zone is one in UTC."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    return moment.timestamp()


def regexp_extract(text: str, pattern: str, group: int = 0) -> str:
    """What matched, the empty string where nothing did.

    >>> regexp_extract("SW1A 1AA", "^[A-Z]+", 0), regexp_extract("1", "[A-Z]")
    ('SW', '')
    """
    found = _pattern(pattern).search(text)
    return (found[group] or "") if found else ""


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


BY_CLASS: Final[Mapping[type[exp.Expression], tuple[tuple[str, ...], Callable[..., Any]]]] = {
    exp.Abs: (("this",), abs),
    exp.Acos: (("this",), math.acos),
    exp.ArrayOverlaps: (("this", "expression"), lambda a, b: not set(a).isdisjoint(b)),
    exp.ArrayContains: (("this", "expression"), lambda a, b: b in a),
    exp.ArraySize: (("this",), len),
    exp.Cos: (("this",), math.cos),
    exp.DPipe: (("this", "expression"), lambda a, b: a + b),
    exp.JarowinklerSimilarity: (("this", "expression"), jaro_winkler),
    exp.Left: (("this", "expression"), lambda text, n: text[:n]),
    exp.Length: (("this",), len),
    exp.Levenshtein: (("this", "expression"), levenshtein),
    exp.Lower: (("this",), str.lower),
    exp.Neg: (("this",), lambda a: -a),
    exp.Add: (("this", "expression"), lambda a, b: a + b),
    exp.Sub: (("this", "expression"), lambda a, b: a - b),
    exp.Mul: (("this", "expression"), lambda a, b: a * b),
    exp.Div: (("this", "expression"), lambda a, b: a / b if b else None),
    exp.Radians: (("this",), math.radians),
    exp.RegexpExtract: (("this", "expression", "group"), regexp_extract),
    exp.Replace: (("this", "expression", "replacement"), str.replace),
    exp.Right: (("this", "expression"), lambda text, n: text[-n:] if n else ""),
    exp.Sin: (("this",), math.sin),
    exp.Sqrt: (("this",), math.sqrt),
    exp.Substring: (("this", "start", "length"), substring),
    exp.TimeToUnix: (("this",), epoch),
    exp.Trim: (("this",), lambda text: text.strip(" ")),
    exp.Upper: (("this",), str.upper),
    exp.EQ: (("this", "expression"), lambda a, b: a == b),
    exp.NEQ: (("this", "expression"), lambda a, b: a != b),
    exp.GT: (("this", "expression"), lambda a, b: a > b),
    exp.GTE: (("this", "expression"), lambda a, b: a >= b),
    exp.LT: (("this", "expression"), lambda a, b: a < b),
    exp.LTE: (("this", "expression"), lambda a, b: a <= b),
    exp.Between: (("this", "low", "high"), lambda a, low, high: low <= a <= high),
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
