"""NYSIIS of at most six letters, as Commons Codec understands it."""

import re
from collections.abc import Callable
from typing import Final

from fhir_mpi.linkage.hapi.codes.letters import letters_of

_LENGTH: Final = 6
_VOWELS: Final = frozenset("AEIOU")
_ENDS: Final = (
    (re.compile("^MAC"), "MCC"),
    (re.compile("^KN"), "NN"),
    (re.compile("^K"), "C"),
    (re.compile("^(PH|PF)"), "FF"),
    (re.compile("^SCH"), "SSS"),
    (re.compile("(EE|IE)$"), "Y"),
    (re.compile("(DT|RT|RD|NT|ND)$"), "D"),
)


def nysiis(text: str) -> str:
    """
    >>> nysiis("Macdonald"), nysiis("Feibusch")
    ('MCDANA', 'FAB')
    """
    word = letters_of(text)
    if not word:
        return ""
    for pattern, beginning in _ENDS:
        word = pattern.sub(beginning, word, count=1)
    letters = [*word, " ", " "]
    key = word[0]
    for n in range(1, len(word)):
        # Written over what comes next too, so that the following letters are read as changed.
        written = _transcoded(*letters[n - 1 : n + 3])
        letters[n : n + len(written)] = written
        if letters[n] != letters[n - 1]:
            key += letters[n]
    return _shortened(key)[:_LENGTH]


def _transcoded(before: str, letter: str, after: str, second: str) -> str:
    if letter == "E" and after == "V":
        return "AF"
    if letter in _VOWELS:
        return "A"
    rule = _RULES.get(letter)
    return rule(before, after, second) if rule else letter


_RULES: Final[dict[str, Callable[[str, str, str], str]]] = {
    "Q": lambda *_: "G",
    "Z": lambda *_: "S",
    "M": lambda *_: "N",
    "K": lambda _, after, __: "NN" if after == "N" else "C",
    "S": lambda _, after, second: "SSS" if after + second == "CH" else "S",
    "P": lambda _, after, __: "FF" if after == "H" else "P",
    "H": lambda before, after, _: "H" if before in _VOWELS and after in _VOWELS else before,
    "W": lambda before, *_: before if before in _VOWELS else "W",
}


def _shortened(key: str) -> str:
    """Without an S at the end, an A at the end, and the A of AY at the end."""
    if len(key) == 1:
        return key
    key = key.removesuffix("S")
    last = key[-1]
    if len(key) > 2 and key.endswith("AY"):
        key = key[:-2] + "Y"
    return key[:-1] if last == "A" else key
