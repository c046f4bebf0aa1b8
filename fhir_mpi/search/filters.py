"""The store-neutral filter tree: what search asks, without knowing how it is stored.

A resource is indexed under search parameter codes. Besides plain codes there are *virtual* codes,
made of a code, a colon and a modifier (`identifier:of-type`, `organization:identifier`,
`language:text`), for what only a modifier looks at. `_id` and `_lastUpdated` are never index
entries: every store keeps them as columns of its own and answers these two codes from there
(`_id` by `Equals` and `OneOf`, `_lastUpdated` as an interval whose two ends are equal, in milliseconds).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """What a date or a number covers: both ends inclusive; dates in milliseconds since 1970 UTC."""

    low: float
    high: float


IndexValue: TypeAlias = str | Interval
IndexEntries: TypeAlias = Mapping[str, Sequence[IndexValue]]
"""code -> its values, without repeats; one code holds either texts or intervals, never both."""


@dataclass(frozen=True, slots=True)
class Equals:
    """Some text of `code` is exactly `value`."""

    code: str
    value: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """Some text of `code` is one of `values`, which may be very many."""

    code: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prefix:
    """Some text of `code` starts with `prefix` (compared by code point)."""

    code: str
    prefix: str


UNIT_SEPARATOR: Final = "\x1f"


@dataclass(frozen=True, slots=True)
class Contains:
    """Some text of `code` has `part` in it, before the first U+001F (UNIT_SEPARATOR) where there is one."""

    code: str
    part: str


@dataclass(frozen=True, slots=True)
class Within:
    """Some one interval of `code` has each end inside the bounds given (inclusive, None = open)."""

    code: str
    low_from: float | None = None
    low_to: float | None = None
    high_from: float | None = None
    high_to: float | None = None


@dataclass(frozen=True, slots=True)
class Present:
    """`code` has at least one value."""

    code: str


@dataclass(frozen=True, slots=True)
class And:
    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    part: "Filter"


@dataclass(frozen=True, slots=True)
class Refers:
    """Some text of `code` is one of `written` followed by the id of a current resource of `type` that
    `filter` finds.
    """

    code: str
    type: str
    filter: "Filter"
    written: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Referred:
    """Some current resource of `type` that `filter` finds has a text under `code` that is one of
    `written` followed by the id of the resource asked about.
    """

    type: str
    code: str
    filter: "Filter"
    written: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SameAs:
    """Some text of `code` is one of `written` followed by the id of a record that is known to be who
    `type`/`id` is. Links say which these are, not the index: `interactions.identities` puts their ids in
    its place before a store sees the filter.
    """

    code: str
    type: str
    id: str
    written: tuple[str, ...]


Leaf: TypeAlias = Equals | OneOf | Prefix | Contains | Within | Present
Filter: TypeAlias = Leaf | And | Or | Not | Refers | Referred | SameAs

EVERYTHING: Final = And(())
NOTHING: Final = Or(())


@dataclass(frozen=True, slots=True)
class Sort:
    """By the least value of `code` ascending, or the greatest descending; records without come last."""

    code: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """One page of one type's current, undeleted resources.

    `after` is a position that the same store handed out with another page, for the same type, filter and
    sort; without `sort` the order is the store's own, stable while others write. `backwards`, the page is
    the one that ends before that position, in the same order; without a position, the last one.
    """

    type: str
    filter: Filter
    limit: int
    sort: tuple[Sort, ...] = ()
    after: str | None = None
    backwards: bool = False


def after_prefix(prefix: str) -> str | None:
    """The least text above all that start with `prefix`, by code point; None where there is none.

    >>> after_prefix("smi"), after_prefix("a\\U0010ffff"), after_prefix("")
    ('smj', 'b', None)
    >>> after_prefix("\\ud7ff")  # surrogates are no characters
    '\\ue000'
    """
    kept = prefix.rstrip("\U0010ffff")
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)
