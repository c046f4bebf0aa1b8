"""Names of other scripts in Latin letters, so that two scripts of one name can be compared.

Spelling is anyascii's (ISC); what registries customarily write instead, for frequent Chinese and Korean
family names, stands beside it. Arabic and Hebrew are written without most vowels: of their names only
the consonants can be compared. A name in kanji can't be read without a dictionary; its kana can.
"""

from functools import lru_cache
from typing import Final

from anyascii import anyascii
from rapidfuzz.distance import JaroWinkler

_CLOSE: Final = 0.92
_FEWEST_CONSONANTS: Final = 2
_ABJADS: Final = (("\u0590", "\u07bf"), ("\u0860", "\u08ff"), ("\ufb1d", "\ufdff"), ("\ufe70", "\ufeff"))
_HAN: Final = (("\u3400", "\u9fff"), ("\uf900", "\ufaff"), ("\U00020000", "\U0003ffff"))
_WITHOUT_VOWELS: Final = str.maketrans("qc", "kk", "aeiouwy`'")
# Spellings that passports and registries use: Hong Kong and Taiwan for Chinese, Korea's own for Korean.
_CUSTOMARY: Final = {
    "陈": "chan",
    "陳": "chan",
    "黄": "wong",
    "黃": "wong",
    "王": "wong",
    "张": "cheung",
    "張": "cheung",
    "林": "lam",
    "李": "lee",
    "刘": "lau",
    "劉": "lau",
    "吴": "ng",
    "吳": "ng",
    "梁": "leung",
    "何": "ho",
    "郑": "cheng",
    "鄭": "cheng",
    "周": "chow",
    "叶": "yip",
    "葉": "yip",
    "杨": "yeung",
    "楊": "yeung",
    "谢": "hsieh",
    "謝": "hsieh",
    "蔡": "tsai",
    "许": "hsu",
    "許": "hsu",
    "徐": "hsu",
    "郭": "kwok",
    "김": "kim",
    "이": "lee",
    "박": "park",
    "최": "choi",
    "정": "jung",
    "강": "kang",
    "조": "cho",
    "윤": "yoon",
    "장": "chang",
    "임": "lim",
    "서": "suh",
    "신": "shin",
    "권": "kwon",
    "안": "ahn",
    "류": "ryu",
    "유": "yoo",
    "전": "jun",
    "고": "ko",
    "손": "sohn",
    "배": "bae",
    "백": "paik",
    "허": "hur",
    "노": "roh",
    "구": "koo",
    "우": "woo",
    "문": "moon",
    "주": "joo",
    "성": "sung",
}


@lru_cache(maxsize=1 << 14)
def romanised(name: str) -> tuple[str, ...]:
    """A folded name's spellings in Latin letters; the name itself where it has no other.

    >>> romanised("щербаков"), romanised("김"), romanised("doe")
    (('shcherbakov',), ('gim', 'kim'), ('doe',))
    """
    if name.isascii():
        return (name,)
    spelled = "".join([c for c in anyascii(name).lower() if c.isalnum()])
    customary = _CUSTOMARY.get(name, "")
    return tuple(dict.fromkeys([s for s in (spelled, customary) if s])) or (name,)


@lru_cache(maxsize=1 << 14)
def consonants(name: str) -> str:
    """What an abjad would write of a name: no vowels, no doubled letters, no silent h at the end.

    >>> consonants("muhammad"), consonants("محمد"), consonants("fatima"), consonants("فاطمه")
    ('mhmd', 'mhmd', 'ftm', 'ftm')
    """
    kept = anyascii(name).lower().translate(_WITHOUT_VOWELS)
    single = "".join([c for n, c in enumerate(kept) if c.isalpha() and c != kept[n - 1 : n]])
    return single.removesuffix("h") or single


def same_in_latin(x: str, y: str) -> bool:
    """Two names, one at least in another script, are spelled alike in Latin letters.

    Of one script they must be spelled the same: there, one letter apart is another name.

    >>> same_in_latin("юлия", "yulia"), same_in_latin("王", "wang"), same_in_latin("doe", "doe")
    (True, True, False)
    """
    if (x.isascii() and y.isascii()) or is_abjad(x) or is_abjad(y):
        return False
    least = _CLOSE if x.isascii() or y.isascii() else 1.0
    return any(
        JaroWinkler.similarity(_i(p), _i(q), score_cutoff=least) > 0
        for p in romanised(x)
        for q in romanised(y)
    )


def _i(name: str) -> str:
    """One spelling of what Latin writes i, y, ii, iy: Yuri, Yurii, Yuriy."""
    return name.replace("y", "i").replace("ii", "i")


def same_consonants(x: str, y: str) -> bool:
    """One of two names is in Arabic or Hebrew script, and both have the same consonants, two at least.

    >>> same_consonants("محمد", "mohamed"), same_consonants("احمد", "hamid"), same_consonants("x", "x")
    (True, True, False)
    """
    if is_abjad(x) == is_abjad(y):
        return False
    found = consonants(x)
    return len(found) >= _FEWEST_CONSONANTS and found == consonants(y)


@lru_cache(maxsize=1 << 14)
def is_abjad(name: str) -> bool:
    """The name begins in Arabic, Hebrew or Syriac script."""
    return not name.isascii() and _within(name[0], _ABJADS)


@lru_cache(maxsize=1 << 14)
def is_han(name: str) -> bool:
    """The name begins with a Chinese character."""
    return not name.isascii() and _within(name[0], _HAN)


def _within(char: str, ranges: tuple[tuple[str, str], ...]) -> bool:
    return any(first <= char <= last for first, last in ranges)
