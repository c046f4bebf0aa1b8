"""One value of one search parameter, as the client asked for it, and what it is read against."""

import re
from dataclasses import dataclass
from typing import Final

from fhir_mpi.fhir.outcome import InvalidValue, UnsupportedParameter

LONGEST_TEXT: Final = 1000
_ESCAPED: Final = re.compile(r"\\([,|$\\])")


@dataclass(frozen=True, slots=True)
class SearchContext:
    """What a search is read against: the clock (ms since 1970 UTC), this server's base URL without a
    closing slash, and the page sizes. `lenient` is `Prefer: handling=lenient`, `linked` are the types
    whose links :mdm follows: none where what is found is to be written.
    """

    now_ms: int
    base_url: str
    lenient: bool = False
    default_count: int = 20
    max_count: int = 500
    linked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Term:
    """One of the values between commas; `value` still has its escapes (R5 search.html#escaping)."""

    code: str
    value: str
    modifier: str
    context: SearchContext

    @property
    def text(self) -> str:
        """The value without escapes, cut as the index cuts its texts."""
        return cut(unescaped(self.value))

    def parts(self) -> list[str]:
        """The value at its unescaped bars, without escapes."""
        return [unescaped(part) for part in split(self.value, "|")]

    def invalid(self, wanted: str) -> InvalidValue:
        """The error to raise; it never repeats the value, which may name a person."""
        return InvalidValue(
            f'the value of search parameter "{self.code}" is not {wanted}', expression=f"http.{self.code}"
        )


def cut(text: str) -> str:
    """At most the first 1,000 characters: what the index keeps of a text, and what a search looks for."""
    return text[:LONGEST_TEXT]


def split(text: str, separator: str) -> list[str]:
    r"""The parts between unescaped separators, escapes kept.

    >>> split(r"a\,b,c", ",")
    ['a\\,b', 'c']
    """
    if "\\" not in text:
        return text.split(separator)
    parts, at, start = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == separator:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    return [*parts, text[start:]]


def unescaped(text: str) -> str:
    r"""
    >>> print(unescaped(r"a\,b\|c\\d\e"))
    a,b|c\d\e
    """
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def unsupported(name: str, text: str) -> UnsupportedParameter:
    return UnsupportedParameter(text, expression=f"http.{short(name)}")


def short(name: str) -> str:
    """A client's own words are repeated to it in part only."""
    return name if len(name) <= 64 else name[:64] + "..."
