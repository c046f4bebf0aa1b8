"""/openapi.json against the server, by requests that schemathesis draws from it: right ones and wrong ones.

No request may be answered with 5xx, or in a way that the document does not say.
"""

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

CHECKS: list[Callable[..., Any]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
]
MOST = {GenerationMode.POSITIVE: 3, GenerationMode.NEGATIVE: 3}
"""Requests for each operation."""


@pytest.mark.parametrize("mode", MOST)
def test_the_server_answers_as_its_document_says(base_url: str, mode: GenerationMode) -> None:
    root = base_url.removesuffix("/fhir")
    schema = schemathesis.openapi.from_url(f"{root}/openapi.json")
    tried = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if not operation.definition.raw.keys() & {"parameters", "requestBody"}:
            continue  # it has no wrong request
        tried += 1

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=MOST[mode],
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        def drawn(case: Any) -> None:
            case.call_and_validate(checks=CHECKS)

        drawn()
    assert tried > 150
