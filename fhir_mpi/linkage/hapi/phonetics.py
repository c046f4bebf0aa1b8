"""Phonetic codes by HAPI's names; what HAPI does around them is done here.

DOUBLE_METAPHONE comes from a library, cut to four letters; the others are in `codes`.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import groupby
from typing import Final

from doublemetaphone import doublemetaphone

from fhir_mpi.linkage.hapi.codes.caverphone import caverphone1, caverphone2
from fhir_mpi.linkage.hapi.codes.cologne import cologne
from fhir_mpi.linkage.hapi.codes.match_rating import match_rating
from fhir_mpi.linkage.hapi.codes.metaphone import metaphone
from fhir_mpi.linkage.hapi.codes.nysiis import nysiis
from fhir_mpi.linkage.hapi.codes.soundex import refined_soundex, soundex

_BREAKS: Final = re.compile(r"\W+", re.ASCII)


def _double_metaphone(text: str) -> str:
    return str(doublemetaphone(text)[0])[:4]


CODES: Final[Mapping[str, Callable[[str], str]]] = {
    "CAVERPHONE1": caverphone1,
    "CAVERPHONE2": caverphone2,
    "COLOGNE": cologne,
    "DOUBLE_METAPHONE": _double_metaphone,
    "MATCH_RATING_APPROACH": match_rating,
    "METAPHONE": metaphone,
    "NYSIIS": nysiis,
    "REFINED_SOUNDEX": refined_soundex,
    "SOUNDEX": soundex,
}


@lru_cache(maxsize=1 << 16)
def phonetic_code(algorithm: str, text: str) -> str:
    """The code of a text; words between spaces are coded together, what is no word stays as it is.

    >>> phonetic_code("SOUNDEX", "JOHN"), phonetic_code("METAPHONE", "12 Hans Peter")
    ('J500', '12 HNSP')
    """
    code = CODES[algorithm]
    if " " not in text:
        return code(text)
    parts = _BREAKS.split(text)
    while parts and not parts[-1]:
        parts.pop()
    runs = [(alpha, list(run)) for alpha, run in groupby(parts, str.isalpha)]
    return " ".join([" ".join([code(" ".join(run))] if alpha else run) for alpha, run in runs])
