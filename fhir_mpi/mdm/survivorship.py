"""Survivorship: which source's element a golden record has, by rules that are data.

An element's rules are asked in their order. Each leaves those values that are best by it; what is left at
the end is decided by the most recent source. `union` takes the values of all sources.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from fhir_mpi.fhir.json import encode_sorted
from fhir_mpi.fhir.types import Json, Resource

ANY: Final = "*"
UNION: Final = "union"
DROP: Final = "drop"
CHOICES: Final = ("deceased", "multipleBirth")
"""The elements with a choice of types that a Patient has: each is one, whatever its type."""
NEVER: Final = frozenset({"resourceType", "id", "meta", "implicitRules", "contained", "active"})
"""What a golden record has of its own, or can't have."""
RECENT: Final = "most-recent"
Elements: TypeAlias = dict[str, Any]
Rules: TypeAlias = Mapping[str, tuple[str, ...]]
"""Element -> its rules in their order; `*` for those that aren't named."""


@dataclass(frozen=True, slots=True)
class Member:
    """A source record that is matched to the golden record, when it was, and how far it is trusted."""

    id: str
    resource: Resource
    updated: datetime
    linked: datetime
    trust: float = 0.0


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an element of a golden record comes from, and by which rule."""

    element: str
    sources: tuple[str, ...]
    rule: str


@dataclass(frozen=True, slots=True)
class Value:
    """What one source says of an element: with what JSON has beside it, such as `_birthDate`."""

    member: Member
    elements: Elements

    @property
    def text(self) -> bytes:
        return encode_sorted(self.elements)


DEFAULT_RULES: Final[Rules] = {
    "identifier": (UNION,),
    "name": (UNION,),
    "alias": (UNION,),
    "telecom": (UNION,),
    "address": (UNION,),
    "communication": (UNION,),
    "contact": (UNION,),
    "generalPractitioner": (UNION,),
    "qualification": (UNION,),
    "endpoint": (UNION,),
    "extension": (UNION,),
    "gender": ("most-frequent", "most-trusted", RECENT),
    "birthDate": ("most-frequent", "most-trusted", RECENT),
    "text": (DROP,),
    "link": (DROP,),
    ANY: ("most-trusted", RECENT),
}


def survived(rules: Rules, members: Sequence[Member]) -> tuple[Elements, list[Origin]]:
    """The elements that these sources leave to their golden record, and where each comes from."""
    ranked = sorted(members, key=lambda m: (m.updated, m.id), reverse=True)
    elements: Elements = {}
    origins: list[Origin] = []
    for name, values in _by_element(ranked).items():
        steps = rules.get(name) or rules.get(ANY) or DEFAULT_RULES[ANY]
        if steps[0] == DROP:
            continue
        found, origin = _united(name, values) if steps[0] == UNION else _chosen(name, values, steps)
        elements |= found
        origins.append(origin)
    return elements, origins


def element_of(key: str) -> str:
    """The element that a key of a resource belongs to.

    >>> element_of("_birthDate"), element_of("deceasedBoolean"), element_of("name")
    ('birthDate', 'deceased', 'name')
    """
    plain = key.removeprefix("_")
    for name in CHOICES:
        if plain.startswith(name) and plain != name:
            return name
    return plain


def _by_element(members: Iterable[Member]) -> dict[str, list[Value]]:
    found: dict[str, list[Value]] = {}
    for member in members:
        own: dict[str, Elements] = {}
        for key, value in member.resource.items():
            if key not in NEVER and not _points_inside(value):
                own.setdefault(element_of(key), {})[key] = value
        for name, elements in own.items():
            found.setdefault(name, []).append(Value(member, elements))
    return found


def _points_inside(value: Any) -> bool:
    """Whether it refers to what its resource contains, which a golden record doesn't."""
    return isinstance(value, dict | list) and b'"reference":"#' in encode_sorted({"value": value})


def _chosen(name: str, values: Sequence[Value], steps: Sequence[str]) -> tuple[Elements, Origin]:
    left = list(values)
    for step in steps:
        best = RULES[step](left)
        if len(best) < len(left):
            left = best
    same = [value.member.id for value in values if value.text == left[0].text]
    return left[0].elements, Origin(name, tuple(sorted(same)), steps[0])


def _united(name: str, values: Sequence[Value]) -> tuple[Elements, Origin]:
    """Each value once; of an element that doesn't repeat, what the most recent source says."""
    if not all(isinstance(value.elements.get(name), list) for value in values):
        return _chosen(name, values, (RECENT,))
    found = {
        encode_sorted({"value": one}): one for v in values for one in v.elements[name] if one is not None
    }
    return {name: list(found.values())}, Origin(name, tuple(sorted(v.member.id for v in values)), UNION)


def _best(values: Sequence[Value], worth: Callable[[Value], Any]) -> list[Value]:
    most = max(worth(value) for value in values)
    return [value for value in values if worth(value) == most]


def _most_frequent(values: Sequence[Value]) -> list[Value]:
    counts = Counter(value.text for value in values)
    return _best(values, lambda value: counts[value.text])


def _kept(values: Sequence[Value]) -> list[Value]:
    first = min((value.member.linked, value.member.id) for value in values)
    return [value for value in values if (value.member.linked, value.member.id) == first]


RULES: Final[Mapping[str, Callable[[Sequence[Value]], list[Value]]]] = {
    RECENT: lambda values: _best(values, lambda v: (v.member.updated, v.member.id)),
    "most-trusted": lambda values: _best(values, lambda v: v.member.trust),
    "longest": lambda values: _best(values, lambda v: len(v.text)),
    "most-frequent": _most_frequent,
    "keep": _kept,
}
"""Each leaves the best of the values; `keep` what the source says that was matched first."""


def origin_json(type: str, origin: Origin, url: str) -> Json:
    """The extension that tells an origin."""
    sources = [{"url": "source", "valueReference": {"reference": f"{type}/{id}"}} for id in origin.sources]
    return {
        "url": url,
        "extension": [
            {"url": "element", "valueString": origin.element},
            *sources,
            {"url": "rule", "valueCode": origin.rule},
        ],
    }
