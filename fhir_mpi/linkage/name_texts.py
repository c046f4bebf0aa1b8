"""A name that is one text: where its family name stands.

"Family, Given" says so itself. Chinese, Japanese and Korean names begin with the family name, and so do
Vietnamese ones, which are known by the few family names that most people there have.
"""

from typing import Final

from fhir_mpi.linkage.text import joined

GENERATIONS: Final = {
    **dict.fromkeys(("sr", "senior", "snr"), "1"),
    **dict.fromkeys(("jr", "junior", "jnr", "ii", "2nd"), "2"),
    **dict.fromkeys(("iii", "3rd"), "3"),
    **dict.fromkeys(("iv", "4th"), "4"),
}
TITLES: Final = frozenset(
    {"mr", "mrs", "ms", "miss", "dr", "prof", "rev", "sir", "herr", "frau", "mme", "mlle"}
)
_VIETNAMESE: Final = frozenset(
    {"nguyen", "tran", "pham", "hoang", "huynh", "phan", "vu", "vo", "dang", "bui", "ngo", "duong", "trinh"}
)
_TWO_CHARACTERS: Final = frozenset(
    [
        *("欧阳", "歐陽", "司马", "司馬", "上官", "诸葛", "諸葛", "夏侯", "皇甫", "尉迟", "公孙", "公孫"),
        *("慕容", "令狐", "司徒", "남궁", "황보", "제갈", "선우", "독고"),
    ]
)
_LONGEST_UNSPACED: Final = 4


def parsed(text: str) -> tuple[str, list[str]]:
    """Family and given names out of a whole name.

    >>> parsed("Dr. Jane Q Doe"), parsed("王小明"), parsed("Nguyễn Văn An")
    (('Doe', ['Jane', 'Q']), ('王', ['小明']), ('Nguyễn', ['An', 'Văn']))
    """
    if "," in text:
        family, _, given = text.partition(",")
        return family, given.split()
    tokens = [t for t in text.split() if joined(t) not in TITLES]
    if len(tokens) == 1 and _begins_with_family(tokens[0]) and len(tokens[0]) <= _LONGEST_UNSPACED:
        length = 2 if tokens[0][:2] in _TWO_CHARACTERS else 1
        return tokens[0][:length], [rest for rest in [tokens[0][length:]] if rest]
    if len(tokens) > 1 and _begins_with_family(tokens[0]):
        return tokens[0], tokens[1:]
    if len(tokens) > 2 and joined(tokens[0]) in _VIETNAMESE and joined(tokens[-1]) not in _VIETNAMESE:
        return tokens[0], [tokens[-1], *tokens[1:-1]]
    while len(tokens) > 2 and joined(tokens[-1]) in GENERATIONS:
        tokens = [*tokens[:-2], f"{tokens[-2]} {tokens[-1]}"]
    return (tokens[-1] if tokens else ""), tokens[:-1]


def _begins_with_family(token: str) -> bool:
    """Chinese characters, kana and Hangul."""
    return "\u3040" <= token[0] <= "\u9fff" or "\uac00" <= token[0] <= "\ud7a3"
