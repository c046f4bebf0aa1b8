"""Household evidence counted once: the arithmetic, as a table."""

import pytest

from fhir_mpi.linkage.household import household_weight
from fhir_mpi.linkage.model import Household

ONCE = Household(("address", "postal-code"), ("phone",), second_share=0.25, ceiling=12.0)


@pytest.mark.parametrize(
    ("address", "postal", "phone", "together"),
    [
        (14.6, 7.6, 16.2, 12.0),  # everything: no more than the ceiling
        (4.0, 7.6, 0.0, 7.6),  # the better of two that say the same
        (-2.1, 7.6, 0.0, 7.6),  # moved within the town
        (-2.1, -1.9, 0.0, -4.0),  # moved away: both negatives at full size
        (-2.1, -1.9, 8.0, 4.0),  # moved, same phone
        (8.0, 7.6, 4.0, 9.0),  # the lesser positive kind counts a quarter
        (-2.1, -1.9, -1.5, -5.5),
        (0.0, 0.0, -1.5, -1.5),  # no address on a side
        (0.0, 0.0, 0.0, 0.0),
        (16.0, 8.0, -1.5, 12.0),
    ],
)
def test_shared_evidence_is_counted_once(
    address: float, postal: float, phone: float, together: float
) -> None:
    assert household_weight([address, postal], [phone], ONCE) == pytest.approx(together)


def test_an_email_is_the_same_kind_of_evidence_as_a_phone() -> None:
    assert household_weight([0.0, 0.0], [4.0, 6.0], ONCE) == 6.0
    assert household_weight([0.0, 0.0], [-1.0, -1.5], ONCE) == -2.5
