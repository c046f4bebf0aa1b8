"""What differs from site to site when values are normalised, as a linkage model says it.

The model, since what is stored was normalised by it: another convention needs `fhir-mpi reindex`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fhir_mpi.linkage.text import joined, words


@dataclass(frozen=True, slots=True)
class Conventions:
    """`region` is where a phone number without country code and an address without country belong.

    The texts are placeholders of the site, folded, beside those that are always known; `checks` names the
    check of an identifier system.
    """

    region: str = ""
    names: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    birth_dates: frozenset[str] = frozenset()
    checks: Mapping[str, str] = field(default_factory=dict)

    @property
    def shape(self) -> Sequence[object]:
        """Changes when other records would be stored."""
        sets = (self.names, self.numbers, self.addresses, self.birth_dates)
        return [self.region, *map(sorted, sets), sorted(self.checks.items())]


EVERYWHERE: Final = Conventions()
"""The conventions of a model that says nothing of them."""


def conventions_of(said: Mapping[str, Any]) -> Conventions:
    """The `normalisation` of a model that was checked.

    >>> conventions_of({"region": "DE", "placeholders": {"names": ["N. N."]}}).names
    frozenset({'nn'})
    """
    placeholders = said.get("placeholders", {})
    return Conventions(
        region=said.get("region", ""),
        names=frozenset(map(joined, placeholders.get("names", ()))),
        numbers=frozenset(map(joined, placeholders.get("numbers", ()))),
        addresses=frozenset(" ".join(words(line)) for line in placeholders.get("addresses", ())),
        birth_dates=frozenset(placeholders.get("birthDates", ())),
        checks=dict(said.get("identifierChecks", {})),
    )
