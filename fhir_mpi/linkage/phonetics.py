"""How a name sounds: Double Metaphone of its Latin spelling, or the name itself where the code is empty."""

from functools import lru_cache
from typing import Final

from doublemetaphone import doublemetaphone

from fhir_mpi.linkage.romanisation import consonants, is_abjad, is_han, romanised

_FIRST_VOWELS: Final = "\u0627\u0639\u0621\u064a\u06cc\u0648\u05d0\u05e2\u05d9"
"""Alif, ayn, hamza, ya, waw; alef, ayin, yod: Latin spellings begin with a vowel or a glide there."""


@lru_cache(maxsize=1 << 15)
def phonetic_codes(name: str) -> tuple[str, ...]:
    """The primary code and, where they differ, others.

    >>> phonetic_codes("schmidt"), phonetic_codes("smith"), phonetic_codes("王")
    (('XMT', 'SMT'), ('SM0', 'XMT'), ('王', 'ANK', 'FNK'))
    """
    if name.isascii():
        primary, secondary = doublemetaphone(name)
        if not primary:
            return (name,)
        return (primary, secondary) if secondary and secondary != primary else (primary,)
    return tuple(dict.fromkeys([*written_codes(name), *_sounds(name)]))


@lru_cache(maxsize=1 << 15)
def phonetic_code(name: str) -> str:
    """The primary code."""
    return phonetic_codes(name)[0]


@lru_cache(maxsize=1 << 15)
def written_codes(name: str) -> tuple[str, ...]:
    """The codes that a name is stored under: one, or of another script as many as it takes to meet its
    Latin spelling.

    A Chinese character has its own code too, since many share a sound.

    >>> written_codes("smith"), written_codes("王"), written_codes("محمد")
    (('SM0',), ('王', 'ANK'), ('MMT', 'MHMT'))
    """
    if name.isascii():
        return (phonetic_code(name),)
    codes = [name] if is_han(name) else []
    codes += [doublemetaphone(spelled)[0] for spelled in _spellings(name)]
    return tuple(dict.fromkeys([code for code in codes if code])) or (name,)


def _sounds(name: str) -> list[str]:
    return [code for spelled in _spellings(name) for code in doublemetaphone(spelled) if code]


def _spellings(name: str) -> tuple[str, ...]:
    """Of consonants alone: as they stand, and with the vowel that most often stands between them."""
    if not is_abjad(name):
        return romanised(name)
    bare = consonants(name)
    vowel = "a" if name[0] in _FIRST_VOWELS else ""
    return vowel + bare, vowel + "a".join(bare)
