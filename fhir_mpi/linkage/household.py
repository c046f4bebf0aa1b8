"""Household evidence counted once.

Relatives share address, postal code and often phone. Multiplied as independent evidence these drown
a different given name (Newcombe 1993, Methods Inf Med 32:358).
"""

from collections.abc import Sequence

from fhir_mpi.linkage.model import Household


def household_weight(location: Sequence[float], contact: Sequence[float], household: Household) -> float:
    """Bits that all the shared evidence is worth together.

    Of the same kind the best positive weight counts, or else all the negative ones. Of two positive
    kinds the lesser counts a share; negative evidence keeps full size; the sum has a ceiling.

    >>> once = Household(("address", "postal"), ("phone",), second_share=0.25, ceiling=12.0)
    >>> household_weight([14.6, 7.6], [16.2], once), household_weight([-2.0, 7.0], [-1.5], once)
    (12.0, 5.5)
    >>> household_weight([-2.0, -2.0], [4.0], once)
    0.0
    """
    where, how = _of_one_kind(location), _of_one_kind(contact)
    high, low = max(where, how), min(where, how)
    together = high + (low * household.second_share if low > 0 else low)
    return min(together, household.ceiling)


def _of_one_kind(weights: Sequence[float]) -> float:
    best = max(weights, default=0.0)
    return best if best > 0 else min(sum(weights), 0.0)
