"""The tree keeps its shape: what lies on top, how long a file may be, names, nothing done on import."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "fhir_mpi").rglob("*.py"))
SOURCES = [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))]
TOP = {
    *("fhir_mpi", "profiles", "capability", "search_params", "tests", "docs", "pyproject.toml", "Dockerfile"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "changes", "mkdocs.yml"),
    *(".ci", ".gitignore", ".dockerignore"),
}
LONGEST_FILE = 400
LONGEST_FUNCTION = 40
BANNED = {"utils", "util", "helpers", "helper", "manager", "service", "impl", "base", "common", "misc"}

# Importing every module while these are refused: files made or changed, connections, processes.
IMPORT_ALL = """
import pkgutil, sys, threading
sys.dont_write_bytecode = True
def refuse(event, arguments):
    if event in ("sqlite3.connect", "socket.connect", "socket.bind", "subprocess.Popen", "os.mkdir"):
        raise SystemExit(f"{event} {arguments}")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise SystemExit(f"{event} {arguments}")
import fhir_mpi
sys.addaudithook(refuse)
for module in pkgutil.walk_packages(fhir_mpi.__path__, "fhir_mpi."):
    if not module.name.endswith("__main__"):
        __import__(module.name)
print(len(sys.modules), threading.active_count())
"""


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length of every function, decorators and docstring left out."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            spoken = ast.get_docstring(node) is not None
            documented = (first.end_lineno or 0) - first.lineno + 1 if spoken else 0
            yield node.name, (node.end_lineno or 0) - node.lineno + 1 - documented


def test_the_top_level_holds_what_the_design_names() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("NOT CHECKED: this is no git working tree, so what lies here can't be told from caches")
    found = {line.partition("/")[0].strip('"') for line in listed.stdout.splitlines()}
    assert found == TOP


def test_a_file_is_short_enough_to_be_read_in_one_sitting() -> None:
    lengths = {_name(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert len(lengths) > 50
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_a_function_is_short_enough_to_be_seen_at_once() -> None:
    functions = [(_name(path), *function) for path in MODULES for function in _functions(path)]
    assert len(functions) > 500
    assert [found for found in functions if found[2] > LONGEST_FUNCTION] == []


def test_every_file_and_folder_is_named_for_what_it_holds() -> None:
    names = {part for path in MODULES for part in path.relative_to(ROOT).with_suffix("").parts}
    assert names & BANNED == set()


def test_a_module_only_defines_and_never_acts() -> None:
    """A call on its own at module level registers, configures or prints: nothing happens on import."""
    acting = [
        f"{_name(path)}:{statement.lineno}"
        for path in MODULES
        if path.name != "__main__.py"
        for statement in ast.parse(path.read_text()).body
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    ]
    assert acting == []


def test_importing_everything_opens_nothing_and_starts_no_thread() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORT_ALL],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    modules, threads = done.stdout.split()
    assert int(modules) > len(MODULES)
    assert threads == "1"
