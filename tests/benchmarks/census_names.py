"""Name shares of the 1990 US census, out of the `names` package (a dependency of the benchmarks only)."""

from functools import cache
from importlib.resources import files

from fhir_mpi.demo.name_shares import NameShares, Shares


@cache
def census_shares(table: str) -> dict[str, float]:
    """Name -> share of `dist.all.last`, `dist.female.first` or `dist.male.first`, most common first.

    The last rows of the census say 0.000 %; they count as half the least share it can print.
    """
    found = {}
    for line in files("names").joinpath(table).read_text().splitlines():
        name, percent, *_ = line.split()
        found[name.capitalize()] = max(float(percent), 0.0005) / 100
    return found


@cache
def census_names() -> NameShares:
    tables = ("dist.all.last", "dist.female.first", "dist.male.first")
    return NameShares(*(Shares(census_shares(table)) for table in tables))
