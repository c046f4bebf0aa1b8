"""How often names are: the shares a population of invented people is drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random

import orjson


class Shares:
    """Draws values by their share (any positive weights), in one bisection."""

    __slots__ = ("_cumulative", "_values")

    def __init__(self, shares: Mapping[str, float]) -> None:
        self._values = list(shares)
        total = 0.0
        self._cumulative = [total := total + share for share in shares.values()]

    def draw(self, rng: Random) -> str:
        return rng.choices(self._values, cum_weights=self._cumulative)[0]


@dataclass(frozen=True, slots=True)
class NameShares:
    """Shares of family names, and of given names by gender."""

    family: Shares
    female: Shares
    male: Shares

    def given(self, gender: str, rng: Random) -> str:
        return (self.female if gender == "female" else self.male).draw(rng)


@cache
def demo_names() -> NameShares:
    """A few hundred common names (shares of the 1990 US census), as the `demo` command uses them."""
    document = orjson.loads(files("fhir_mpi.demo").joinpath("names.json").read_bytes())
    return NameShares(*(Shares(document[kind]) for kind in ("family", "female", "male")))
