"""Bundles that the server answers."""

from typing import Any

from fhir_mpi.fhir.bundle import history, match_entry, searchset
from fhir_mpi.fhir.json import decode, encode
from fhir_mpi.fhir.outcome import Issue


def read(bundle: object) -> Any:
    return decode(encode(bundle))


def test_a_searchset_splices_stored_bytes_in_as_they_are() -> None:
    entry = match_entry("http://x/Patient/1", b'{"id":"1","value":1.00}', {"score": 1})
    bundle = searchset([entry], total=1, links={"self": "http://x/Patient"})
    assert b'{"id":"1","value":1.00}' in encode(bundle)
    assert read(bundle) == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 1,
        "link": [{"relation": "self", "url": "http://x/Patient"}],
        "entry": [
            {
                "fullUrl": "http://x/Patient/1",
                "resource": {"id": "1", "value": 1},
                "search": {"mode": "match", "score": 1},
            }
        ],
    }


def test_an_empty_searchset_has_no_empty_lists() -> None:
    assert searchset([], total=0, links={}) == {"resourceType": "Bundle", "type": "searchset", "total": 0}
    assert searchset([], total=None, links={}) == {"resourceType": "Bundle", "type": "searchset"}


def test_warnings_are_the_last_entry_and_no_match() -> None:
    entry = match_entry("http://x/Patient/1", b"{}", {})
    found = read(
        searchset([entry], total=1, links={}, warnings=[Issue("incomplete", "a", severity="warning")])
    )
    assert found["entry"][1]["search"] == {"mode": "outcome"}
    assert found["entry"][1]["resource"]["issue"][0]["severity"] == "warning"
    assert found["total"] == 1


def test_a_history_without_versions_on_this_page_has_no_empty_list() -> None:
    assert "entry" not in history([], total=3, links={"self": "http://x"})
    assert history([{"a": 1}], total=1, links={})["entry"] == [{"a": 1}]
