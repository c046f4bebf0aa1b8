"""HumanName as linkage compares it.

Source: FHIR R5 HumanName (datatypes.html#HumanName); compound names after Grannis 2019 (PMC7787357).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.conventions import EVERYWHERE, Conventions
from fhir_mpi.linkage.name_texts import GENERATIONS, TITLES, parsed
from fhir_mpi.linkage.placeholders import is_placeholder_name
from fhir_mpi.linkage.text import in_two_letters, joined, words

PARTICLES: Final = frozenset(
    [
        *("van", "von", "der", "den", "ter", "ten", "zu", "zum", "af", "av", "vom", "op", "het"),
        *(
            "de",
            "la",
            "le",
            "las",
            "los",
            "di",
            "da",
            "do",
            "dos",
            "das",
            "du",
            "des",
            "del",
            "della",
            "y",
            "e",
        ),
        *("al", "el", "bin", "ibn", "ben", "bint", "abu", "ul", "ud"),
    ]
)
CREDENTIALS: Final = frozenset({"md", "phd", "esq", "rn", "dds", "dvm", "mba"})
_ARTICLE: Final = "\u0627\u0644"
"""The Arabic article, written as one word with the name."""
_FIRST_NAME_UNKNOWN: Final = frozenset({"fnu", "nfn", "nofirstname", "nogivenname", "onename", "singlename"})
_LONGEST_PIECES: Final = 8


@dataclass(frozen=True, slots=True)
class PersonName:
    """One name: whole names without spaces, the parts of compound ones, the generation "1" to "4".

    `family_spelling` and `given_spelling` are the same names with umlauts in two letters, if they have any.
    """

    family: str = ""
    family_parts: tuple[str, ...] = ()
    given: str = ""
    other_given: tuple[str, ...] = ()
    generation: str = ""
    family_spelling: str = ""
    given_spelling: str = ""


def person_names(names: Iterable[Json], conventions: Conventions = EVERYWHERE) -> Iterator[PersonName]:
    """Every HumanName but anonymous ones, old and maiden names too, placeholders left out.

    >>> [n] = person_names([{"family": "García-López Jr.", "given": ["José María", "Q"]}])
    >>> n.family, n.family_parts, n.given, n.other_given, n.generation
    ('garcialopez', ('garcia', 'lopez'), 'jose', ('maria', 'q'), '2')
    >>> [n] = person_names([{"text": "Doe, Jane"}])
    >>> n.family, n.given
    ('doe', 'jane')
    """
    for name in names:
        if name.get("use") != "anonymous":
            yield _person_name(name, conventions)


def _person_name(name: Json, conventions: Conventions) -> PersonName:
    family, given = name.get("family") or "", [g for g in name.get("given") or () if g]
    if not family and not given:
        family, given = parsed(name.get("text") or "")
    if family and len(given) == 1 and joined(given[0]) in _FIRST_NAME_UNKNOWN:
        family, given = "", [family]  # a person of one name, whom a form made to have two
    generation, family_words = _generation(words(family), name.get("suffix") or ())
    whole = "".join(family_words)
    if is_placeholder_name(whole, conventions):
        whole, family_words = "", []
    first, others = _given_names(given, conventions)
    if family.isascii() and "".join(given).isascii():
        return PersonName(whole, _parts(family_words), first, others, generation)
    return PersonName(
        whole,
        _parts(family_words),
        first,
        others,
        generation,
        joined(in_two_letters(family)) if whole else "",
        joined(in_two_letters(given[0].split()[0])) if first and given[0].split() else "",
    )


def _generation(family: list[str], suffixes: Sequence[str | None]) -> tuple[str, list[str]]:
    """The generation, said in a suffix or at the end of the family name, and the name without it."""
    said = [GENERATIONS[s] for text in suffixes for s in words(text or "") if s in GENERATIONS]
    while len(family) > 1 and (family[-1] in GENERATIONS or family[-1] in CREDENTIALS):
        said += [GENERATIONS[family[-1]]] if family[-1] in GENERATIONS else []
        family = family[:-1]
    return (said[0] if said else ""), family


def _parts(family: list[str]) -> tuple[str, ...]:
    if len(family) == 1 and family[0].startswith(_ARTICLE) and len(family[0]) > 4:
        return (family[0].removeprefix(_ARTICLE),)
    if len(family) < 2:
        return ()
    return tuple(dict.fromkeys(w for w in family if w not in PARTICLES and (len(w) > 2 or not w.isascii())))


def _given_names(given: Sequence[str], conventions: Conventions) -> tuple[str, tuple[str, ...]]:
    """The first given name, and every other: middle names, initials, the parts of a hyphened one."""
    pieces = [piece for text in given for piece in text.split()][:_LONGEST_PIECES]
    if is_placeholder_name("".join([joined(p) for p in pieces]), conventions):
        return "", ()
    split = [words(p) for p in pieces]
    if len(split) > 1 and "".join(split[0]) in TITLES:
        split = split[1:]
    names = [("".join(s), s) for s in split if s and not is_placeholder_name("".join(s), conventions)]
    if not names:
        return "", ()
    first, first_parts = names[0]
    others = [name for name, _ in names[1:]] + (first_parts if len(first_parts) > 1 else [])
    return first, tuple(dict.fromkeys(o for o in others if o != first))
