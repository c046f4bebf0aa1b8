"""Soundex (US English, H and W are silent) and refined Soundex."""

from typing import Final

from fhir_mpi.linkage.hapi.codes.letters import latin_letters_of

_DIGITS: Final = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "01230120022455012623010202", strict=True))
_REFINED: Final = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "01360240043788015936020505", strict=True))
_LENGTH: Final = 4


def soundex(text: str) -> str:
    """
    >>> soundex("Jon"), soundex("John"), soundex("Ashcraft")
    ('J500', 'J500', 'A261')
    """
    word = latin_letters_of(text)
    if not word.isascii() or not word:
        return word
    code, last = word[0], _DIGITS[word[0]]
    for letter in word[1:]:
        if letter in "HW":
            continue
        digit = _DIGITS[letter]
        if digit not in ("0", last):
            code += digit
        last = digit
    return code[:_LENGTH].ljust(_LENGTH, "0")


def refined_soundex(text: str) -> str:
    """
    >>> refined_soundex("Caroline"), refined_soundex("Carolyn")
    ('C30907080', 'C3090708')
    """
    word = latin_letters_of(text)
    if not word.isascii():
        return word
    code, last = word[:1], ""
    for letter in word:
        digit = _REFINED[letter]
        if digit != last:
            code += digit
        last = digit
    return code
