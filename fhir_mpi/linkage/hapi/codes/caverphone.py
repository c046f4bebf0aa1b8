"""Caverphone 1 (2002, six places) and 2 (2004, ten): rewriting rules, one after the other."""

import re
from collections.abc import Sequence
from typing import Final

_NO_LETTER: Final = re.compile("[^a-z]")

_STARTS: Final = "^cough cou2f|^rough rou2f|^tough tou2f|^enough enou2f"
_CONSONANTS: Final = (
    "^gn 2n|mb$ m2|cq 2q|ci si|ce se|cy sy|tch 2ch|c k|q k|x k|v f|dg 2g|tio sio|tia sia|d t|ph fh|b p|"
    "sh s2|z s|^[aeiou] A|[aeiou] 3"
)
_DOUBLES: Final = "3gh3 3kh3|gh 22|g k|s+ S|t+ T|p+ P|k+ K|f+ F|m+ M|n+ N"
_FIRST: Final = (
    f"{_STARTS}|{_CONSONANTS}|{_DOUBLES}|w3 W3|wy Wy|wh3 Wh3|why Why|w 2|^h A|h 2|r3 R3|ry Ry|r 2|l3 L3|"
    "ly Ly|l 2|j y|y3 Y3|y 2|2 |3 "
)
_SECOND: Final = (
    f"e$ |{_STARTS}|^trough trou2f|{_CONSONANTS}|j y|^y3 Y3|^y A|y 3|{_DOUBLES}|w3 W3|wh3 Wh3|w$ 3|w 2|"
    "^h A|h 2|r3 R3|r$ 3|r 2|l3 L3|l$ 3|l 2|2 |3$ A|3 "
)


def caverphone1(text: str) -> str:
    """
    >>> caverphone1("Gail"), caverphone1("Gael"), caverphone1("Gale")
    ('K11111', 'K11111', 'KL1111')
    """
    return _rewritten(text, _FIRST_RULES, 6)


def caverphone2(text: str) -> str:
    """
    >>> caverphone2("Gail"), caverphone2("Gale")
    ('KA11111111', 'KA11111111')
    """
    return _rewritten(text, _SECOND_RULES, 10)


def _rules(text: str) -> Sequence[tuple[re.Pattern[str], str]]:
    pairs = [rule.split(" ") for rule in text.split("|")]
    return [(re.compile(pattern), written) for pattern, written in pairs]


_FIRST_RULES: Final = _rules(_FIRST)
_SECOND_RULES: Final = _rules(_SECOND)


def _rewritten(text: str, rules: Sequence[tuple[re.Pattern[str], str]], length: int) -> str:
    word = _NO_LETTER.sub("", text.lower())
    for pattern, written in rules:
        word = pattern.sub(written, word)
    return word[:length].ljust(length, "1")
