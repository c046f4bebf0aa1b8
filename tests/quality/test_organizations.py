"""Organizations that are easily taken for one another, and those that are one."""

import pytest

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter
from fhir_mpi.linkage.model import default_model
from fhir_mpi.linkage.record import record_of
from fhir_mpi.mdm.matching import Matcher
from tests.quality.index_in_memory import KeyedRecords
from tests.quality.tally import completed

MODEL = default_model("Organization")
HOME = {"address": [{"line": ["1 Hill Road"], "city": "Ashton", "postalCode": "18503"}]}
NPI = "https://registry.invalid/organizations"


def _organization(id: str, name: str, **more: object) -> Resource:
    found: Json = {"resourceType": "Organization", "id": id, "name": name}
    return found | HOME | more


def _numbered(value: str) -> Json:
    return {"identifier": [{"system": NPI, "value": value}]}


@pytest.mark.parametrize(
    ("probe", "stored", "grade"),
    [
        (
            _organization("p", "Ashton General Hospital, Inc."),
            _organization("s", "The Ashton General Hosp."),
            "certain",
        ),
        (
            _organization("p", "General Hospital Ashton"),
            _organization("s", "Ashton General Hospital"),
            "certain",
        ),
        (
            _organization("p", "Ashton General Hospital", address=[]),
            _organization("s", "Ashton General Hospital"),
            "probable",
        ),
        (
            _organization("p", "Ashton General Hospital"),
            _organization("s", "Ashton Dialysis"),
            "certainly-not",
        ),
        (
            _organization("p", "A", **_numbered("1357924680")),
            _organization("s", "B", **_numbered("1357924680")),
            "certain",
        ),
        (
            _organization("p", "Ashton Hospital", **_numbered("1357924680")),
            _organization("s", "Ashton Hospital", **_numbered("2468013579")),
            "possible",
        ),
        (
            _organization("p", "Ashton Hospital"),
            _organization("s", "Kingsham Bakery", address=[]),
            "certainly-not",
        ),
    ],
)
def test_an_organization_is_graded_as_it_should_be(probe: Resource, stored: Resource, grade: str) -> None:
    index = KeyedRecords(MODEL, [record_of(stored)], population=10_000)
    found = completed(Matcher(MODEL, FellegiSunter(MODEL), index).matches(probe))
    assert ([m.grade.value for m in found.matches] or ["certainly-not"]) == [grade]
