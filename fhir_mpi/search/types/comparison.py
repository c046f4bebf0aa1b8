"""What eq, ne, gt, lt, ge, le, sa, eb and ap mean for intervals (R5 search.html#prefix).

A resource matches when some one of its intervals does; a repeating element may therefore be both
equal and unequal.
"""

import re
from typing import Final

from fhir_mpi.search.filters import Filter, Interval, Or, Within

_PREFIXED: Final = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)", re.DOTALL)


def prefixed(value: str) -> tuple[str, str]:
    """The prefix, eq where there is none, and what follows it.

    >>> prefixed("ge2020-01")
    ('ge', '2020-01')
    """
    match = _PREFIXED.fullmatch(value)
    return ((match[1] or "eq"), match[2]) if match else ("eq", value)


def comparison(
    code: str, prefix: str, asked: Interval, *, before: float, after: float, margin: float
) -> Filter:
    """The filter for `prefix`; `before` and `after` are the nearest points outside `asked`, and
    `margin` is how far outside it still counts as approximately equal.
    """
    contained = Within(code, low_from=asked.low, high_to=asked.high)
    begins_before, ends_after = Within(code, low_to=before), Within(code, high_from=after)
    match prefix:
        case "eq":
            return contained
        case "ne":
            return Or((begins_before, ends_after))
        case "gt":
            return ends_after
        case "lt":
            return begins_before
        case "ge":
            return Or((ends_after, contained))
        case "le":
            return Or((begins_before, contained))
        case "sa":
            return Within(code, low_from=after)
        case "eb":
            return Within(code, high_to=before)
        case _:
            return Within(code, low_to=asked.high + margin, high_from=asked.low - margin)
