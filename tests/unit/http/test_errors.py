"""The handlers of last and next-to-last resort."""

import json

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from fhir_mpi.fhir.outcome import Conflict, StoreFull, StoreTimeout, Unavailable
from fhir_mpi.http.errors import fhir_error, http_error, unforeseen

REQUEST = Request({"type": "http", "headers": [], "path": "/fhir/Patient/1/2"})


@pytest.mark.parametrize(
    ("error", "status", "code", "retry"),
    [
        (Conflict("a"), 409, "conflict", None),
        (Unavailable("a"), 503, "transient", "2"),
        (StoreTimeout("a"), 503, "timeout", "2"),
        (StoreFull("a"), 503, "no-store", "2"),
    ],
)
async def test_a_foreseen_error_is_its_outcome(
    error: Exception, status: int, code: str, retry: str | None
) -> None:
    response = await fhir_error(REQUEST, error)
    assert (response.status_code, json.loads(bytes(response.body))["issue"][0]["code"]) == (status, code)
    assert response.headers.get("retry-after") == retry


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (
            HTTPException(404),
            "not-found",
            "Invalid request: The FHIR endpoint on this server does not know how to handle this path",
        ),
        (HTTPException(405), "not-supported", "HTTP method is not allowed here; Allow says which are"),
        (HTTPException(408, "too slow"), "timeout", "too slow"),
        (HTTPException(418), "processing", "I'm a Teapot"),
    ],
)
async def test_what_the_framework_refuses_is_an_outcome_too(
    error: HTTPException, code: str, text: str
) -> None:
    response = await http_error(REQUEST, error)
    (issue,) = json.loads(bytes(response.body))["issue"]
    assert (response.status_code, issue["code"], issue["diagnostics"]) == (error.status_code, code, text)


async def test_a_handler_passes_on_what_is_not_its_own() -> None:
    with pytest.raises(KeyError):
        await fhir_error(REQUEST, KeyError("x"))
    with pytest.raises(KeyError):
        await http_error(REQUEST, KeyError("x"))


def test_the_unforeseen_says_the_request_id_and_nothing_else() -> None:
    response = unforeseen("r-1")
    assert response.status_code == 500
    assert "r-1" in bytes(response.body).decode()
