"""How many candidate records a type has, not counted anew for every match."""

from time import monotonic
from typing import Final

MANY: Final = 10_000
SECONDS: Final = 5.0


class Populations:
    """Remembers what was counted for five seconds where it is many, and not at all below.

    The port lets a population be some seconds old, and wants it exact where it is small.
    """

    def __init__(self) -> None:
        self._counted: dict[str, tuple[int, float]] = {}

    def known(self, type: str) -> int | None:
        """What was counted a moment ago; None where it must be counted."""
        found, until = self._counted.get(type, (0, 0.0))
        return found if monotonic() < until else None

    def counted(self, type: str, found: int) -> int:
        """The same number, remembered if it is worth it."""
        if found >= MANY:
            self._counted[type] = found, monotonic() + SECONDS
        return found
