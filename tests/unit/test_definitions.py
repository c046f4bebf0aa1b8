"""Loading of the three JSON folders."""

import json
from pathlib import Path
from typing import Any

import pytest

from fhir_mpi import definitions
from fhir_mpi.definitions import DefinitionError, check_partners, load_definitions


def lay(root: Path, **changes: Any) -> Path:
    """The least set of definitions below `root`; a change replaces a file, None leaves it out."""
    entry = {"type": "Patient", "interaction": [{"code": "read"}, {"code": "create"}]}
    files = {
        "capability/statement.json": {
            "resourceType": "CapabilityStatement",
            "id": "s",
            "url": "urn:s",
            "rest": [{"resource": [entry]}],
        },
        "capability/operations/a.json": {"resourceType": "OperationDefinition", "id": "a", "url": "urn:a"},
        "profiles/p.json": {"resourceType": "StructureDefinition", "id": "p", "url": "urn:p"},
        "search_params/b.json": {"resourceType": "SearchParameter", "id": "b", "url": "urn:b"},
        **changes,
    }
    for path, content in files.items():
        if content is not None:
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return root


def test_what_stands_in_the_folders_is_what_is_found(tmp_path: Path) -> None:
    found = load_definitions(lay(tmp_path))
    assert found.types == ("Patient",)
    assert found.interactions == {"Patient": frozenset({"read", "create"})}
    assert set(found.operations) == {"a"}
    assert [one["id"] for one in (*found.profiles, *found.search_parameters)] == ["p", "b"]
    assert found.statement["id"] == "s"


@pytest.mark.parametrize(
    ("path", "content", "named"),
    [
        ("profiles/p.json", None, "no StructureDefinition JSON in .*profiles"),
        ("search_params/b.json", None, "no SearchParameter JSON in .*search_params"),
        ("capability/operations/a.json", None, "no OperationDefinition JSON in .*operations"),
        ("capability/statement.json", None, r"statement\.json"),
        ("search_params/b.json", "{", r"b\.json"),
        ("search_params/b.json", "[]", r"b\.json: not a SearchParameter"),
        ("search_params/b.json", '{"resourceType":"SearchParameter","id":"b"}', r"b\.json: no url"),
        ("search_params/b.json", '{"resourceType":"SearchParameter"}', r"b\.json: no id and no url"),
        (
            "search_params/c.json",
            '{"resourceType":"SearchParameter","id":"c","url":"urn:b"}',
            r"c\.json: url urn:b stands in b\.json already",
        ),
        (
            "search_params/c.json",
            '{"resourceType":"SearchParameter","id":"b","url":"urn:c"}',
            r"c\.json: id b stands in b\.json already",
        ),
    ],
)
def test_a_fault_is_named(tmp_path: Path, path: str, content: str | None, named: str) -> None:
    with pytest.raises(DefinitionError, match=named):
        load_definitions(lay(tmp_path, **{path: content}))


@pytest.mark.parametrize(
    ("entries", "named"),
    [
        ([{"type": "Patient", "interaction": [{"code": "guess"}]}], "Patient can't .*guess"),
        ([{"type": "Patient", "interaction": []}] * 2, "Patient is listed twice"),
    ],
)
def test_a_statement_that_cannot_be_kept_is_named(tmp_path: Path, entries: Any, named: str) -> None:
    statement = {
        "resourceType": "CapabilityStatement",
        "id": "s",
        "url": "urn:s",
        "rest": [{"resource": entries}],
    }
    with pytest.raises(DefinitionError, match=named):
        load_definitions(lay(tmp_path, **{"capability/statement.json": statement}))


def test_those_of_the_wheel_go_before_those_of_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Patient" in load_definitions().types
    entry = {"type": "Basic", "interaction": []}
    statement = {
        "resourceType": "CapabilityStatement",
        "id": "s",
        "url": "urn:s",
        "rest": [{"resource": [entry]}],
    }
    packaged = lay(tmp_path / "_definitions", **{"capability/statement.json": statement})
    monkeypatch.setattr(definitions, "PACKAGED", packaged)
    assert load_definitions().types == ("Basic",)


def test_partners_that_agree_pass_and_others_are_named() -> None:
    check_partners("operation", ["a", "b"], ["b", "a"])
    with pytest.raises(DefinitionError, match="operation without a function: a, b"):
        check_partners("operation", ["b", "a"], [])
    with pytest.raises(DefinitionError, match="operation without a definition: c"):
        check_partners("operation", [], ["c"])
