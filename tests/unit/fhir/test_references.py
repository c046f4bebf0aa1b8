"""The resource type that a written reference names."""

import pytest

from fhir_mpi.fhir.references import written_type


@pytest.mark.parametrize(
    ("reference", "type"),
    [
        ("Patient/1", "Patient"),
        ("https://example.org/fhir/Patient/1", "Patient"),
        ("https://example.org/FHIR/R5/Patient/1/_history/2", "Patient"),
        ("Questionnaire/1#item", "Questionnaire"),
        ("Patient/1/name", None),
        ("patient/1", None),
        ("urn:uuid:1", None),
        ("#p", None),
        ("", None),
    ],
)
def test_the_type_stands_before_the_id_at_the_end(reference: str, type: str | None) -> None:
    assert written_type(reference) == type
