"""Media types, without a server."""

import pytest
from starlette.requests import Request

from fhir_mpi.fhir.outcome import NotAcceptable, UnsupportedMediaType
from fhir_mpi.http.negotiation import check_body_type, response_type


def request(query: str = "", **headers: str) -> Request:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": given, "query_string": query.encode()})


@pytest.mark.parametrize(
    ("query", "accept", "answered"),
    [
        ("", "application/fhir+json;q=0.5", "application/fhir+json"),
        ("", "text/html , application/json", "application/json"),
        ("_format=application/fhir+json", "text/html", "application/fhir+json"),
        ("_format=json", "", "application/fhir+json"),
        ("", "", "application/fhir+json"),
        ("", "application/json;q=0.5, application/fhir+json;q=0.9", "application/fhir+json"),
        ("", "application/json;q=0, */*;q=0.1", "application/fhir+json"),
        ("", "application/json; fhirVersion=5.0", "application/json"),
        ("", "application/fhir+json; fhirVersion=4.0, application/json", "application/json"),
        ("", "application/fhir+json;application/json", "application/fhir+json"),
        ("", "application/json;q=nonsense", "application/json"),
    ],
)
def test_the_type_of_ours_that_is_wanted_most_is_answered(query: str, accept: str, answered: str) -> None:
    assert response_type(request(query, **({"accept": accept} if accept else {}))) == answered


@pytest.mark.parametrize(
    ("query", "accept"),
    [
        ("", "text/html"),
        ("_format=xml", "*/*"),
        ("_format=", "*/*"),
        ("", "application/fhir+json;q=0"),
        ("", "application/fhir+json; fhirVersion=4.0"),
    ],
)
def test_nothing_of_ours_is_refused(query: str, accept: str) -> None:
    with pytest.raises(NotAcceptable):
        response_type(request(query, accept=accept))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content_type": "application/fhir+json; charset=utf-8"},
        {"content_type": 'TEXT/JSON; charset="US-ASCII"'},
        {"content_type": "application/fhir+json; fhirVersion=5.0"},
        {"content_type": "application/json", "content_encoding": "Identity"},
    ],
)
def test_uncompressed_json_is_taken(headers: dict[str, str]) -> None:
    check_body_type(request(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "application/fhir+xml"},
        {"content_type": ""},
        {"content_type": "application/json; charset=utf-16"},
        {"content_type": "application/fhir+json; fhirVersion=4.3"},
        {"content_encoding": "zstd"},
        {"content_encoding": "gzip, gzip"},
    ],
)
def test_anything_else_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(UnsupportedMediaType):
        check_body_type(request(**headers))
