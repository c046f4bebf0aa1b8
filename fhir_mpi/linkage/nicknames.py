"""Given names that are used for one another.

Source: the `nicknames` package (Apache-2.0), 2,691 English pairs, and `nicknames.json` beside this file
for other languages; both are used in both directions.
"""

from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files

import orjson
from nicknames import name_triplets

from fhir_mpi.linkage.text import joined


@cache
def _neighbours() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for formal, nickname in _pairs():
        a, b = joined(formal), joined(nickname)
        found.setdefault(a, set()).add(b)
        found.setdefault(b, set()).add(a)
    return {name: frozenset(others - {name}) for name, others in found.items()}


def _pairs() -> Iterator[tuple[str, str]]:
    for formal, _, nickname in name_triplets():
        yield formal, nickname
    said = orjson.loads(files("fhir_mpi.linkage").joinpath("nicknames.json").read_bytes())
    for names in said.values():
        for formal, nicknames in names.items():
            for nickname in nicknames:
                yield formal, nickname


@lru_cache(maxsize=8192)
def nickname_neighbours(given: str) -> frozenset[str]:
    """The names one step away from a folded given name.

    >>> "bill" in nickname_neighbours("william"), "william" in nickname_neighbours("bill")
    (True, True)
    >>> "jose" in nickname_neighbours("pepe")
    True
    """
    return _neighbours().get(given, frozenset())
