"""The conformance JSON that drives the server: profiles/, capability/ and search_params/.

A definition that is unreadable, doubled or of the wrong kind stops the start and is named.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fhir_mpi.fhir.types import Resource

PACKAGED = Path(__file__).parent / "_definitions"
CHECKOUT = Path(__file__).parent.parent
INTERACTIONS = frozenset(
    {
        "read",
        "vread",
        "update",
        "patch",
        "delete",
        "history-instance",
        "history-type",
        "create",
        "search-type",
    }
)


class DefinitionError(ValueError):
    """A definition can't be used; the text names the file or canonical URL at fault."""


@dataclass(frozen=True, slots=True)
class Definitions:
    """Everything the JSON folders say; `interactions` maps each served type to its interaction codes."""

    statement: Resource
    profiles: tuple[Resource, ...]
    operations: Mapping[str, Resource]
    search_parameters: tuple[Resource, ...]
    interactions: Mapping[str, frozenset[str]]

    @property
    def types(self) -> tuple[str, ...]:
        """The served resource types, in the order of capability/statement.json."""
        return tuple(self.interactions)


def load_definitions(root: Path | None = None) -> Definitions:
    """Reads the three folders below `root`; without it, those of the wheel or else of the checkout.

    Raises DefinitionError where a folder has no files, or a definition can't be used.
    """
    folder = root or (PACKAGED if PACKAGED.is_dir() else CHECKOUT)
    statement = _definition(folder / "capability" / "statement.json", "CapabilityStatement")
    return Definitions(
        statement,
        tuple(_definitions(folder / "profiles", "StructureDefinition")),
        {d["id"]: d for d in _definitions(folder / "capability" / "operations", "OperationDefinition")},
        tuple(_definitions(folder / "search_params", "SearchParameter")),
        _interactions(statement),
    )


def check_partners(kind: str, defined: Iterable[str], implemented: Iterable[str]) -> None:
    """Raises DefinitionError naming what has a definition but no function, or the other way round.

    >>> check_partners("operation", ["Patient-match"], [])
    Traceback (most recent call last):
    fhir_mpi.definitions.DefinitionError: operation without a function: Patient-match
    """
    ours, theirs = set(defined), set(implemented)
    if ours - theirs:
        raise DefinitionError(f"{kind} without a function: {', '.join(sorted(ours - theirs))}")
    if theirs - ours:
        raise DefinitionError(f"{kind} without a definition: {', '.join(sorted(theirs - ours))}")


def _definitions(folder: Path, kind: str) -> list[Resource]:
    files = sorted(folder.glob("*.json"))
    if not files:
        raise DefinitionError(f"no {kind} JSON in {folder}")
    found = [_definition(file, kind) for file in files]
    for key in ("url", "id"):
        _refuse_doubles(files, [d[key] for d in found], key)
    return found


def _definition(file: Path, kind: str) -> Resource:
    try:
        found: Resource = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DefinitionError(f"{file}: {error}") from error
    if not isinstance(found, dict) or found.get("resourceType") != kind:
        raise DefinitionError(f"{file}: not a {kind}")
    if lacking := [key for key in ("id", "url") if not found.get(key)]:
        raise DefinitionError(f"{file}: no {' and no '.join(lacking)}")
    return found


def _refuse_doubles(files: list[Path], values: list[str], key: str) -> None:
    seen: dict[str, Path] = {}
    for file, value in zip(files, values, strict=True):
        if value in seen:
            raise DefinitionError(f"{file}: {key} {value} stands in {seen[value].name} already")
        seen[value] = file


def _interactions(statement: Resource) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for entry in statement["rest"][0]["resource"]:
        codes = frozenset(i["code"] for i in entry["interaction"])
        if unknown := codes - INTERACTIONS:
            raise DefinitionError(f"capability/statement.json: {entry['type']} can't {sorted(unknown)}")
        if entry["type"] in found:
            raise DefinitionError(f"capability/statement.json: {entry['type']} is listed twice")
        found[entry["type"]] = codes
    return found
