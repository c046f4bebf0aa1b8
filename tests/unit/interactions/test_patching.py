"""JSON Patch: what is one, what it may touch, and that it can't be made to grow without end."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from fhir_mpi.fhir.outcome import Conflict, FhirError, MalformedBody, TooCostly, Unprocessable
from fhir_mpi.interactions import patching
from fhir_mpi.interactions.patching import _patched, check_steps

SUITE: Final = Path(__file__).parents[4] / "shared" / "data" / "r5" / "test-suites" / "json-patch-tests.json"


@pytest.mark.parametrize(
    "step",
    [
        {"op": "add", "path": "/active", "value": None},
        {"op": "remove", "path": "/name/0"},
        {"op": "replace", "path": "/a~1b~0c", "value": 1},
        {"op": "test", "path": "", "value": {}},
        {"op": "test", "path": "/id", "value": "1"},
        {"op": "copy", "from": "/id", "path": "/language"},
        {"op": "add", "path": "/meta/tag", "value": []},
        {"op": "move", "from": "/name/0", "path": "/name/1", "value": "ignored"},
    ],
)
def test_an_operation_with_all_its_members_is_one(step: Any) -> None:
    check_steps([step])


@pytest.mark.parametrize(
    "step",
    [
        None,
        [],
        {},
        {"op": 1, "path": "/active"},
        {"op": "add", "path": "/active"},
        {"op": "test", "value": 1},
        {"op": "remove"},
        {"op": "copy", "path": "/a"},
        {"op": "move", "path": "/a", "from": None},
        {"op": "remove", "path": "active"},
        {"op": "remove", "path": "/a~2"},
        {"op": "remove", "path": ["/a"]},
        {"op": "increment", "path": "/active", "value": 1},
    ],
)
def test_what_is_no_operation_is_refused_with_its_place(step: Any) -> None:
    with pytest.raises(MalformedBody) as refused:
        check_steps([{"op": "remove", "path": "/active"}, step])
    assert refused.value.issues[0].expression == "[1]"


@pytest.mark.parametrize(
    "path", ["", "/id", "/meta", "/resourceType", "/meta/versionId", "/meta/lastUpdated"]
)
@pytest.mark.parametrize("op", ["add", "remove", "replace", "move-to", "move-from", "copy"])
def test_what_the_server_keeps_is_out_of_reach(op: str, path: str) -> None:
    step = {"op": op.partition("-")[0], "path": path, "value": 1, "from": "/active"}
    if op == "move-from":
        step |= {"path": "/active", "from": path}
    with pytest.raises(Unprocessable):
        check_steps([step])


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ({"op": "test", "path": "/a", "value": 2}, Conflict),
        ({"op": "test", "path": "/x", "value": 2}, Conflict),
        ({"op": "remove", "path": "/x"}, Unprocessable),
        ({"op": "add", "path": "/a/b", "value": 1}, Unprocessable),
        ({"op": "add", "path": "/l/7", "value": 1}, Unprocessable),
        ({"op": "add", "path": "/l/01", "value": 1}, Unprocessable),
        ({"op": "copy", "from": "/x", "path": "/y"}, Unprocessable),
        ({"op": "move", "from": "/l", "path": "/l/0"}, Unprocessable),
    ],
)
def test_a_patch_that_does_not_fit_is_refused(step: Any, error: type[FhirError]) -> None:
    with pytest.raises(error):
        _patched([step], {"a": 1, "l": []})


def test_a_resource_cannot_be_copied_into_itself_until_memory_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patching, "LARGEST", 10_000)
    double = {"op": "copy", "from": "/l", "path": "/l/-"}
    assert len(_patched([double] * 3, {"l": ["x" * 100]})) < 10_000
    with pytest.raises(TooCostly):
        _patched([double] * 12, {"l": ["x" * 100]})


def test_a_resource_cannot_be_patched_deeper_than_json_can_be_written() -> None:
    steps = [{"op": "add", "path": "/a" * n, "value": {}} for n in range(1, 300)]
    with pytest.raises(Unprocessable):
        _patched(steps, {})


@pytest.fixture
def suite() -> list[Any]:
    if not SUITE.is_file():
        pytest.skip("THE JSON PATCH SUITE IS NOT BESIDE THE REPOSITORY: it was not tried")
    return list(json.loads(SUITE.read_text(encoding="utf-8")))


def done(case: Any) -> bytes:
    check_steps(case["patch"])
    return _patched(case["patch"], case["doc"])


def test_the_cases_of_the_json_patch_suite_come_out_as_it_says(suite: list[Any]) -> None:
    for case in suite:
        if "error" in case:
            with pytest.raises(FhirError):
                done(case)
        else:
            assert json.loads(done(case)) == case["expected"], case["comment"]
    assert len(suite) == 16


def test_digits_and_key_order_outlive_a_patch() -> None:
    found = _patched([{"op": "remove", "path": "/b"}], {"z": Decimal("1.00"), "b": 1, "a": 2})
    assert found == b'{"z":1.00,"a":2}'
