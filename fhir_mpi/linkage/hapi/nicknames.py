"""The nickname table that HAPI FHIR ships, and what it makes of it.

`nicknames.csv` is HAPI's own copy of Old Dominion University's list (Apache-2.0): a given name and what
those who have it are called. Newer lists would answer otherwise than HAPI does.
"""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files


@cache
def _called() -> Mapping[str, Sequence[str]]:
    """A given name -> its nicknames; of two rows for a name the later counts."""
    text = files("fhir_mpi.linkage.hapi").joinpath("nicknames.csv").read_text(encoding="utf-8")
    rows = [line.split(",") for line in text.splitlines()]
    return {name: nicknames for name, *nicknames in rows if nicknames}


@cache
def _formal() -> Mapping[str, frozenset[str]]:
    """A nickname -> the given names that it may stand for."""
    text = files("fhir_mpi.linkage.hapi").joinpath("nicknames.csv").read_text(encoding="utf-8")
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        name, *nicknames = line.split(",")
        for nickname in nicknames:
            found.setdefault(nickname, set()).add(name)
    return {nickname: frozenset(names) for nickname, names in found.items()}


@lru_cache(maxsize=1 << 13)
def equivalent_names(name: str) -> frozenset[str]:
    """A name in lower case, its nicknames or, where it has none of its own, the names it stands for and
    their nicknames.

    >>> "ken" in equivalent_names("kenneth"), "kenny" in equivalent_names("ken")
    (True, True)
    """
    found = set(_called().get(name, ()))
    if not found:
        formal = _formal().get(name, frozenset())
        found = {*formal, *(nickname for other in formal for nickname in _called().get(other, ()))}
    return frozenset(found | {name})
