"""HumanName as linkage compares it.

Source: FHIR R5 HumanName (datatypes.html#HumanName); compound names after Grannis 2019 (PMC7787357).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.placeholders import is_placeholder_name
from fhir_mpi.linkage.text import joined, words

GENERATIONS: Final = {
    **dict.fromkeys(("sr", "senior", "snr"), "1"),
    **dict.fromkeys(("jr", "junior", "jnr", "ii", "2nd"), "2"),
    **dict.fromkeys(("iii", "3rd"), "3"),
    **dict.fromkeys(("iv", "4th"), "4"),
}
PARTICLES: Final = frozenset(
    [
        *("van", "von", "der", "den", "ter", "ten", "zu", "zum", "af", "av"),
        *("de", "la", "le", "las", "los", "di", "da", "do", "dos", "das", "du", "del", "della", "y", "e"),
        *("al", "el", "bin", "ibn", "ben", "bint", "abu"),
    ]
)
TITLES: Final = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "rev", "sir"})


@dataclass(frozen=True, slots=True)
class PersonName:
    """One name: whole names without spaces, the parts of compound ones, the generation "1" to "4"."""

    family: str = ""
    family_parts: tuple[str, ...] = ()
    given: str = ""
    other_given: tuple[str, ...] = ()
    generation: str = ""


def person_names(names: Iterable[Json]) -> Iterator[PersonName]:
    """Every HumanName but anonymous ones, placeholders left out.

    >>> [n] = person_names([{"family": "García-López Jr.", "given": ["José María", "Q"]}])
    >>> n.family, n.family_parts, n.given, n.other_given, n.generation
    ('garcialopez', ('garcia', 'lopez'), 'jose', ('maria', 'q'), '2')
    >>> [n] = person_names([{"text": "Doe, Jane"}])
    >>> n.family, n.given
    ('doe', 'jane')
    """
    for name in names:
        if name.get("use") != "anonymous":
            yield _person_name(name)


def _person_name(name: Json) -> PersonName:
    family, given = name.get("family") or "", [g for g in name.get("given") or () if g]
    if not family and not given:
        family, given = _parsed(name.get("text") or "")
    generation, family_words = _generation(words(family), name.get("suffix") or ())
    whole = "".join(family_words)
    if is_placeholder_name(whole):
        whole, family_words = "", []
    first, others = _given_names(given)
    return PersonName(whole, _parts(family_words), first, others, generation)


def _generation(family: list[str], suffixes: Sequence[str | None]) -> tuple[str, list[str]]:
    """The generation, said in a suffix or at the end of the family name, and the name without it."""
    said = [GENERATIONS[s] for text in suffixes for s in words(text or "") if s in GENERATIONS]
    while len(family) > 1 and family[-1] in GENERATIONS:
        said.append(GENERATIONS[family[-1]])
        family = family[:-1]
    return (said[0] if said else ""), family


def _parts(family: list[str]) -> tuple[str, ...]:
    if len(family) < 2:
        return ()
    return tuple(dict.fromkeys(w for w in family if w not in PARTICLES and (len(w) > 2 or not w.isascii())))


def _given_names(given: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The first given name, and every other: middle names, initials, the parts of a hyphened one."""
    pieces = [piece for text in given for piece in text.split()]
    if is_placeholder_name("".join(joined(p) for p in pieces)):
        return "", ()
    split = [words(p) for p in pieces]
    names = [("".join(s), s) for s in split if s and not is_placeholder_name("".join(s))]
    if not names:
        return "", ()
    first, first_parts = names[0]
    others = [name for name, _ in names[1:]] + (first_parts if len(first_parts) > 1 else [])
    return first, tuple(dict.fromkeys(o for o in others if o != first))


def _parsed(text: str) -> tuple[str, list[str]]:
    """Family and given names out of a whole name; "Family, Given" and Chinese order are known."""
    if "," in text:
        family, _, given = text.partition(",")
        return family, given.split()
    tokens = [t for t in text.split() if joined(t) not in TITLES]
    if len(tokens) == 1 and not tokens[0].isascii() and len(tokens[0]) <= 4:
        return tokens[0][:1], [tokens[0][1:]]
    while len(tokens) > 2 and joined(tokens[-1]) in GENERATIONS:
        tokens = [*tokens[:-2], f"{tokens[-2]} {tokens[-1]}"]
    return (tokens[-1] if tokens else ""), tokens[:-1]
