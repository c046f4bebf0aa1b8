"""The documentation says what is there: every name has its place, every example runs."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click
import pytest
from pydantic_core import PydanticUndefined

from fhir_mpi.cli import main
from fhir_mpi.definitions import load_definitions
from fhir_mpi.fhir.outcome import FhirError, InvalidResource
from fhir_mpi.fhir.resource_types import RESOURCE_TYPES
from fhir_mpi.linkage.model import default_model
from fhir_mpi.plugins import PROJECT, Hooks
from fhir_mpi.search.parameter import COMPOSITE
from fhir_mpi.search.types import TYPES as SEARCH_TYPES
from fhir_mpi.search.types import composite_type
from fhir_mpi.settings import Settings
from tests.conformance.console import ROOT, blocks, run_page

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
RUNNING = [path for path in PAGES if any(block.runs for block in blocks(path.read_text()))]
ENDS = {"demo": ".venv/bin/fhir-mpi demo", "tests": ".venv/bin/python -m pytest"}
ADR = re.compile(r"(\d{4})-[a-z0-9-]+\.md")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _sections(page: str, level: str) -> dict[str, str]:
    """Heading -> what stands below it, of one level."""
    parts = re.split(rf"^{level} (.+)$", (DOCS / page).read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_setting_has_its_heading_with_its_default() -> None:
    sections = _sections("reference/settings.md", "###")
    fields = {f"FHIR_MPI_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert sections.keys() == fields.keys()
    for name, field in fields.items():
        assert "Default: " in sections[name], name
        if field.default not in (None, PydanticUndefined, frozenset(), ()):
            plain = str(field.default).lower() if isinstance(field.default, bool) else f"{field.default}"
            assert f"Default: `{plain.removesuffix('.0')}`" in sections[name], name


def test_every_command_has_its_heading_with_its_arguments_and_options() -> None:
    sections = _sections("reference/cli.md", "##")
    assert sections.keys() == {f"fhir-mpi {name}" for name in main.commands}
    for name, command in main.commands.items():
        section = sections[f"fhir-mpi {name}"]
        said = set(re.findall(r"`(--[a-z-]+)", section))
        assert said == {o for p in command.params if isinstance(p, click.Option) for o in p.opts}, name


def test_every_operation_has_its_heading() -> None:
    assert _sections("reference/operations.md", "##").keys() == load_definitions().operations.keys()


def test_every_hook_has_its_heading() -> None:
    hooks = {name for name, function in vars(Hooks).items() if hasattr(function, f"{PROJECT}_spec")}
    assert hooks
    assert _sections("reference/plugins.md", "##").keys() == hooks


def test_every_error_has_its_row_with_status_and_issue_code() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|", (DOCS / "reference/errors.md").read_text(), re.M
    )
    said = {name: (status, code) for name, status, code in rows}
    known = {error.__name__: (str(error.status), error.code) for error in _errors(FhirError)}
    known[InvalidResource.__name__] = ("400 or 422", "of each issue")
    assert said == known


def _errors(family: type[FhirError]) -> Iterator[type[FhirError]]:
    for error in family.__subclasses__():
        if error.__module__ == FhirError.__module__:
            yield error
        yield from _errors(error)


def test_the_modifiers_of_every_search_type_are_said() -> None:
    rows = re.findall(
        r"^\| (\w+) \| (`.+) \|$", _sections("reference/fhir-api.md", "##")["Search"], re.MULTILINE
    )
    said = {name: set(re.findall(r"`([a-z-]+)`", cell)) for name, cell in rows}
    types = {**SEARCH_TYPES, COMPOSITE: composite_type(())}
    assert said == {name: set(search.modifiers - RESOURCE_TYPES) for name, search in types.items()}


def test_every_resource_type_is_said() -> None:
    section = _sections("reference/fhir-api.md", "##")["Resource types"]
    said = re.findall(r"[A-Z]\w+", section.partition(".")[0])
    interactions = load_definitions().interactions
    assert [name for name in said if name != "and"] == list(interactions)
    assert {frozenset(codes) for codes in interactions.values()} == {
        frozenset(re.findall(r"`([a-z-]+)`", section.split(".")[1]))
    }


def test_every_guard_and_threshold_of_the_default_model_is_said() -> None:
    section = _sections("explanation/probability.md", "##")["Grades"]
    model = default_model("Patient")
    guards = re.findall(r"^\| `([a-z-]+)`[^|]+\| (certain|probable|possible) \|$", section, re.MULTILINE)
    assert guards == [(cap.guard, str(cap.at_most)) for cap in model.caps]
    floors = dict(re.findall(r"^\| `([a-z]+)` \| at least ([\d.]+) \|$", section, re.MULTILINE))
    assert {grade: float(floor) for grade, floor in floors.items()} == asdict(model.thresholds)


def test_every_decision_has_a_number_and_its_four_parts() -> None:
    files = sorted((DOCS / "decisions").iterdir())
    numbers = [int(found[1]) for file in files if (found := ADR.fullmatch(file.name))]
    assert len(numbers) == len(files) == len(set(numbers))
    for number, file in zip(numbers, files, strict=True):
        text = file.read_text()
        assert text.startswith(f"# {number}. ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
            "Status",
        ]


@pytest.mark.parametrize("purpose", ENDS)
def test_the_readme_gives_one_line_for_each_purpose(purpose: str) -> None:
    found = re.findall(
        rf"^<!-- command: {purpose} -->\n```bash\n(.+)\n```$", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert len(found) == 1
    assert found[0].startswith("python3 -m venv .venv && ")
    assert found[0].split("&&")[-1].strip().startswith(ENDS[purpose])


def test_ci_takes_its_test_command_from_the_readme_and_has_no_other() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert "/^<!-- command: tests -->$/" in script
    assert "pytest" not in script


def test_every_picture_and_page_can_be_shown_without_the_network() -> None:
    """No font, script or picture of somebody else's server."""
    assert "font: false" in (ROOT / "mkdocs.yml").read_text()
    for path in PAGES:
        assert not re.search(r"!\[[^\]]*\]\(https?://|<(?:img|script|link)\b", path.read_text()), path


@pytest.mark.parametrize("path", RUNNING, ids=_name)
def test_the_examples_of_a_page_do_what_it_says(path: Path, tmp_path: Path) -> None:
    if not (shutil.which("curl") and shutil.which("bash")):
        pytest.skip("THE EXAMPLES ARE NOT RUN: they need bash and curl")
    assert run_page(path.read_text(), tmp_path) > 0


def test_there_are_examples_that_run() -> None:
    assert {_name(path) for path in RUNNING} >= {"docs/tutorial/first-match.md", "docs/how-to/load-data.md"}
