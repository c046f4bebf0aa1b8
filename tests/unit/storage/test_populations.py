"""Populations: counted each time while they are small, remembered for a while when they are many."""

import pytest

from fhir_mpi.storage import populations
from fhir_mpi.storage.populations import MANY, Populations


def test_a_small_population_is_never_remembered() -> None:
    counts = Populations()
    assert counts.counted("Patient", MANY - 1) == MANY - 1
    assert counts.known("Patient") is None


def test_a_large_one_is_remembered_for_its_type_until_it_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Populations()
    assert counts.counted("Patient", MANY) == MANY
    assert (counts.known("Patient"), counts.known("Organization")) == (MANY, None)
    monkeypatch.setattr(populations, "monotonic", lambda: float("inf"))
    assert counts.known("Patient") is None
