"""Enterprise identifiers: which identifiers decide alone who somebody is, and what sources may do to them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from uuid import UUID

from fhir_mpi.fhir.outcome import Forbidden
from fhir_mpi.fhir.types import Json, Resource

Eid: TypeAlias = tuple[str, str]
"""System and value."""
EidScheme: TypeAlias = Callable[[int], str]
"""Makes the value of a new EID of 128 random bits."""
INTERNAL: Final = "http://hapifhir.io/fhir/NamingSystem/mdm-golden-resource-enterprise-id"
"""The system of the EIDs that are made here."""
ANY_TYPE: Final = "*"
UPDATED: Final = (
    "HAPI-0763: While running with EID updates disabled, EIDs may not be updated on source resources"
)
MULTIPLE: Final = (
    "HAPI-0766: While running with multiple EIDs disabled, source resources may have at most one EID."
)


@dataclass(frozen=True, slots=True)
class EidRules:
    """`systems` are those whose identifiers are EIDs, by resource type or for any (`*`)."""

    systems: Mapping[str, Collection[str]] = field(default_factory=dict)
    prevent_updates: bool = True
    """Whether an update has to keep one of the EIDs there were."""
    prevent_multiple: bool = True
    """Whether a source has one EID of a system at most."""

    def of(self, resource: Resource) -> frozenset[Eid]:
        """The EIDs that others gave: those made here don't count."""
        type = resource["resourceType"]
        systems = {*self.systems.get(type, ()), *self.systems.get(ANY_TYPE, ())} - {INTERNAL}
        return frozenset(eid for eid in _identifiers(resource) if eid[0] in systems)

    def check(self, resource: Resource, before: Resource | None) -> None:
        """Forbidden, in HAPI's words, where a source has more EIDs than it may, or loses those it had."""
        ours = self.of(resource)
        if self.prevent_multiple and len({system for system, _ in ours}) < len(ours):
            raise Forbidden(MULTIPLE, expression=f"{resource['resourceType']}.identifier")
        had = self.of(before) if before is not None else frozenset()
        if self.prevent_updates and had and not had & ours:
            raise Forbidden(UPDATED, expression=f"{resource['resourceType']}.identifier")


def contradict(one: Collection[Eid], other: Collection[Eid]) -> bool:
    """Whether these can't be of the same: a system in which both have EIDs, and none in common.

    >>> contradict([("a", "1")], [("a", "2")]), contradict([("a", "1")], [("b", "2")])
    (True, False)
    """
    if set(one) & set(other):
        return False
    return bool({system for system, _ in one} & {system for system, _ in other})


def internal_eids(resource: Resource) -> frozenset[Eid]:
    """Those that were made here."""
    return frozenset(eid for eid in _identifiers(resource) if eid[0] == INTERNAL)


def eid_identifiers(eids: Iterable[Eid]) -> list[Json]:
    """The identifiers that say these EIDs."""
    return [{"system": system, "value": value} for system, value in sorted(eids)]


def uuid_eid(number: int) -> str:
    """A random UUID.

    >>> uuid_eid(0)
    '00000000-0000-4000-8000-000000000000'
    """
    return str(UUID(int=number, version=4))


def verhoeff_eid(number: int) -> str:
    """Fifteen digits and a check digit by Verhoeff: one wrong digit, or two neighbours swapped, shows.

    >>> verhoeff_eid(236)
    '1000000000002369'
    """
    digits = f"1{number % 10**14:014d}"
    return digits + str(_verhoeff(digits))


def mod97_eid(number: int) -> str:
    """Fourteen digits and two check digits by ISO 7064 MOD 97-10: the whole is 1 modulo 97.

    >>> mod97_eid(0), int(mod97_eid(12345)) % 97
    ('1000000000000053', 1)
    """
    digits = f"1{number % 10**13:013d}"
    return f"{digits}{98 - int(digits) * 100 % 97:02d}"


EID_SCHEMES: Final[Mapping[str, EidScheme]] = {
    "uuid": uuid_eid,
    "verhoeff": verhoeff_eid,
    "iso7064-mod97-10": mod97_eid,
}
"""The schemes in the box."""


def _identifiers(resource: Resource) -> Iterator[Eid]:
    for identifier in resource.get("identifier") or ():
        system, value = (identifier or {}).get("system"), (identifier or {}).get("value")
        if isinstance(system, str) and isinstance(value, str):
            yield system, value


_PERMUTATION: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
_INVERSE: Final = (0, 4, 3, 2, 1, 5, 6, 7, 8, 9)


def _verhoeff(digits: str) -> int:
    check = 0
    for place, digit in enumerate(reversed(digits), start=1):
        permuted = int(digit)
        for _ in range(place % 8):
            permuted = _PERMUTATION[permuted]
        check = _dihedral(check, permuted)
    return _INVERSE[check]


def _dihedral(one: int, other: int) -> int:
    """The product in the dihedral group of the pentagon: 0 to 4 turn it, 5 to 9 turn it over too."""
    if one < 5:
        return (one + other) % 5 if other < 5 else (one + other - 5) % 5 + 5
    return (one - 5 - other) % 5 + 5 if other < 5 else (one - other) % 5
