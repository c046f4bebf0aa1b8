"""What both stores share about filters."""

import pytest

from fhir_mpi.search.filters import after_prefix


@pytest.mark.parametrize(
    ("prefix", "following"),
    [
        ("a", "b"),
        ("a\ud7ff", "a\ue000"),
        ("a\U0010ffff", "b"),
        ("\U0010ffff", None),
        ("\uffff", "\U00010000"),
    ],
)
def test_the_text_after_a_prefix(prefix: str, following: str | None) -> None:
    assert after_prefix(prefix) == following
