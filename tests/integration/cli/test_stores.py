"""What every command says about its store, and `reindex` and `version`."""

import os
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from click.testing import Result

from fhir_mpi import __version__
from fhir_mpi.cli import main
from tests.integration.cli.command import patient, run, set_mark, written

Load = Callable[..., Result]


@pytest.mark.parametrize("name", sorted(main.commands))
def test_the_help_of_every_command_has_an_example_or_is_one_sentence(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.output or name == "version"


def test_the_version_names_the_store_without_its_password() -> None:
    result = run("version", "--store", "mongodb://mpi:secret@db.invalid/mpi?replicaSet=rs0")
    assert result.output.splitlines()[0].startswith(f"fhir-mpi {__version__} ")
    assert result.output.splitlines()[1] == "store mongodb://db.invalid/mpi"


def test_the_store_can_be_named_by_the_environment() -> None:
    result = run("version", env={"FHIR_MPI_STORE": "sqlite:///elsewhere.db"})
    assert "store sqlite:///elsewhere.db" in result.output


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("postgres://u:secret@db.invalid/x", "a store URL starts with"),
        ("mongodb://u:secret@db.invalid", "names its database"),
        ("sqlite:////proc/none/index.db", "/proc/none"),
    ],
)
def test_a_store_that_cannot_be_opened_is_one_line_without_the_password(store: str, said: str) -> None:
    result = run("reindex", "--store", store)
    assert result.exit_code == 2
    assert said in result.output
    assert "secret" not in result.output
    assert len(result.output.splitlines()) == 1


def test_a_file_that_is_no_store_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database" * 99)
    result = run("reindex", "--store", f"sqlite:///{tmp_path / 'notes.txt'}")
    assert (result.exit_code, len(result.output.splitlines())) == (2, 1)


def test_an_unusable_setting_is_named(tmp_path: Path) -> None:
    result = run("reindex", "--store", f"sqlite:///{tmp_path / 'x.db'}", env={"FHIR_MPI_PAGE_SIZE": "many"})
    assert (result.exit_code, "FHIR_MPI_PAGE_SIZE: " in result.output) == (2, True)


def test_a_folder_without_definitions_is_named(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'x.db'}"
    result = run("reindex", "--store", store, env={"FHIR_MPI_DEFINITIONS": str(tmp_path)})
    assert (result.exit_code, str(tmp_path) in result.output) == (2, True)


def test_an_index_made_by_other_definitions_is_refused_until_it_is_made_anew(
    loaded: Load, store_url: str, tmp_path: Path
) -> None:
    file = written(tmp_path / "people.ndjson", [patient("a"), patient("b")])
    loaded(file)
    set_mark(store_url, "derived:Patient", "made by another release")
    refused = loaded(file)
    assert (refused.exit_code, "fhir-mpi reindex" in refused.output) == (2, True)
    assert run("serve", "--store", store_url).exit_code == 2
    result = run("reindex", "Patient", "--store", store_url)
    assert result.output == "Patient: 2 resources indexed\n"
    assert "2 unchanged" in loaded(file).output


def test_every_type_is_indexed_where_none_is_named(tmp_path: Path) -> None:
    result = run("reindex", "--store", f"sqlite:///{tmp_path / 'x.db'}")
    assert result.output.splitlines()[:2] == [
        "Patient: 0 resources indexed",
        "Organization: 0 resources indexed",
    ]


def test_an_unknown_type_is_refused(tmp_path: Path) -> None:
    result = run("reindex", "Starship", "--store", f"sqlite:///{tmp_path / 'x.db'}")
    assert (result.exit_code, "Starship is not served" in result.output) == (2, True)


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves this process's logging as it is."""
    monkeypatch.setattr("fhir_mpi.cli.serve.configure_logging", lambda _: None)
    monkeypatch.setattr("fhir_mpi.cli.demo.configure_logging", lambda _: None)


@pytest.mark.usefixtures("quiet")
def test_the_server_processes_learn_of_the_store_and_give_nothing_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, object] = {}
    monkeypatch.setattr("fhir_mpi.cli.serve.uvicorn.run", lambda app, **options: asked.update(options))
    monkeypatch.setenv("FHIR_MPI_STORE", "sqlite:///elsewhere.db")
    url = f"sqlite:///{tmp_path / 'x.db'}"
    result = run("serve", "--host", "::", "--port", 0, "--workers", 3, "--store", url)
    assert result.exit_code == 0, result.output
    assert os.environ["FHIR_MPI_STORE"] == url
    assert "NO AUTHENTICATION" in result.output
    assert f"http://[::]:{asked['port']}/fhir/metadata" in result.output
    assert (asked["host"], asked["workers"]) == ("::", 3)
    assert (asked["access_log"], asked["server_header"]) == (False, False)


@pytest.mark.usefixtures("quiet")
def test_the_demo_runs_in_one_process_too(tmp_path: Path) -> None:
    result = run("demo", "--exit", "--port", 0)
    assert result.exit_code == 0, result.output
    assert "1. Who is this?" in result.output
    again = run("demo", "--exit", "--port", 0, "--store", f"sqlite:///{tmp_path / 'kept.db'}")
    assert [line for line in again.output.splitlines() if "-again" in line]
    refused = run("demo", "--exit", "--store", f"sqlite:///{tmp_path / 'kept.db'}")
    assert (refused.exit_code, "holds data" in refused.output) == (2, True)


@pytest.mark.usefixtures("quiet")
def test_the_demo_does_not_touch_the_store_of_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "mine.db"
    result = run("demo", "--exit", "--port", 0, env={"FHIR_MPI_STORE": f"sqlite:///{file}"})
    assert (result.exit_code, file.exists()) == (0, False)


def test_ctrl_c_is_no_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fhir_mpi.cli.version.settings_of", interrupted)
    result = run("version")
    assert (result.exit_code, "stopped" in result.output) == (130, True)


def test_a_worker_that_died_is_one_line(
    in_threads: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def died(*_: object) -> None:
        raise BrokenProcessPool

    monkeypatch.setattr("fhir_mpi.batch.preparing.Preparer.__call__", died)
    file = written(tmp_path / "people.ndjson", [patient("a")])
    result = run("load", file, "--store", f"sqlite:///{tmp_path / 'x.db'}")
    assert (result.exit_code, "a worker process ended" in result.output) == (2, True)
