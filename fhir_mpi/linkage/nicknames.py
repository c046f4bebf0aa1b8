"""Given names that are used for one another.

Source: the `nicknames` package (Apache-2.0), 2,691 pairs, used in both directions.
"""

from functools import cache, lru_cache

from nicknames import name_triplets

from fhir_mpi.linkage.text import joined


@cache
def _neighbours() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for formal, _, nickname in name_triplets():
        a, b = joined(formal), joined(nickname)
        found.setdefault(a, set()).add(b)
        found.setdefault(b, set()).add(a)
    return {name: frozenset(others - {name}) for name, others in found.items()}


@lru_cache(maxsize=8192)
def nickname_neighbours(given: str) -> frozenset[str]:
    """The names one step away from a folded given name.

    >>> "bill" in nickname_neighbours("william"), "william" in nickname_neighbours("bill")
    (True, True)
    """
    return _neighbours().get(given, frozenset())
