"""What an invariant finds, and what invariants share.

An invariant takes an element and says what is wrong with it: `(issue code, text, name of the child at
fault)`. It meets elements whose structure is broken too, so it looks before it touches.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, TypeAlias

from fhir_mpi.fhir.types import Json

Finding: TypeAlias = tuple[str, str, str]
Invariant: TypeAlias = Callable[[Json], Iterator[Finding]]


def has(element: Json, *names: str) -> bool:
    """Whether one of these children is there, if only by its extensions.

    >>> has({"_value": {"extension": []}}, "code", "value")
    True
    """
    return any(name in element or f"_{name}" in element for name in names)


def broken(text: str, child: str = "") -> Finding:
    """The finding of an invariant; the text begins with its key."""
    return "invariant", text, child


def number(value: Any) -> Decimal | None:
    """The number that a decimal or integer holds, None where it holds none."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return Decimal(value)


def every(*invariants: Invariant) -> Invariant:
    """One invariant out of several."""

    def all_of(element: Json) -> Iterator[Finding]:
        for invariant in invariants:
            yield from invariant(element)

    return all_of
