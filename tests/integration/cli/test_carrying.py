"""`export` and `import`: a whole index carried over, and what is refused as damaged."""

import gzip
import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result

from fhir_mpi.fhir.types import Json
from fhir_mpi.interactions.intake import deletion
from tests.integration.cli.command import commit, ids, links, patient, run, versions, written

Load = Callable[..., Result]


@pytest.fixture
def filled(in_threads: None, tmp_path: Path) -> str:
    """A SQLite store with histories, a deletion, an Organization and an exact decimal."""
    url = f"sqlite:///{tmp_path / 'filled.db'}"
    weight = [{"url": "urn:weight", "valueDecimal": 0.0}]
    people = [patient("a", "One", extension=weight), patient("b"), patient("a", "Two"), patient("gone")]
    clinic = {"resourceType": "Organization", "id": "o", "name": "Arden Clinic"}
    file = written(tmp_path / "people.ndjson", [*people, clinic])
    file.write_bytes(file.read_bytes().replace(b"0.0}", b"1.00}"))
    run("load", file, "--store", url)
    commit(url, deletion("Patient", "gone", expected=1, now=datetime.now(UTC)))
    return url


@pytest.fixture
def backup(filled: str, tmp_path: Path) -> Path:
    file = tmp_path / "backup.ndjson"
    result = run("export", file, "--store", filled)
    assert "Patient: 5 versions, digest " in result.output
    return file


def test_an_index_is_carried_to_another_store_and_back(
    filled: str, backup: Path, store_url: str, tmp_path: Path
) -> None:
    result = run("import", backup, "--store", store_url)
    assert result.exit_code == 0, result.output
    assert "Patient: 5 versions, digest " in result.output
    assert "Organization: 1 versions" in result.output
    assert ids(store_url) == [("a", 1), ("a", 2), ("b", 1), ("gone", 1), ("gone", 2)]
    assert "1.00" in versions(store_url)[0].json.decode()
    returned = f"sqlite:///{tmp_path / 'returned.db'}"
    run("export", tmp_path / "again.ndjson.gz", "--store", store_url)
    assert run("import", tmp_path / "again.ndjson.gz", "--store", returned).exit_code == 0
    assert versions(returned) == versions(filled)


def test_links_are_carried_with_their_history(
    in_threads: None, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = f"sqlite:///{tmp_path / 'source.db'}"
    monkeypatch.setenv("FHIR_MPI_MDM", "match-and-link")
    known: Json = {"name": [{"family": "Rivera", "given": ["Ana"]}], "birthDate": "1980-02-29"}
    file = written(tmp_path / "p.ndjson", [patient(id, **known) for id in "ab"])
    assert run("load", file, "--store", source).exit_code == 0
    told = links(source)
    assert {link.source for link in told} == {"a", "b"}
    export = run("export", tmp_path / "backup.ndjson", "--store", source)
    assert f"links: {len(told)} versions, digest " in export.output
    assert run("import", tmp_path / "backup.ndjson", "--store", store_url).exit_code == 0
    assert links(store_url) == told
    lines = (tmp_path / "backup.ndjson").read_bytes().splitlines(keepends=True)
    broken = [line.replace(b'"MATCH"', b'"NONE"') for line in lines]
    (tmp_path / "broken.ndjson").write_bytes(b"".join(broken))
    refused = run("import", tmp_path / "broken.ndjson", "--store", f"sqlite:///{tmp_path / 'b.db'}")
    assert (refused.exit_code, "not a version of a link" in refused.output) == (2, True)
    (tmp_path / "lost.ndjson").write_bytes(b"".join(line for line in lines if b'"link"' not in line))
    lost = run("import", tmp_path / "lost.ndjson", "--store", f"sqlite:///{tmp_path / 'l.db'}")
    assert (lost.exit_code, "changed" in lost.output) == (2, True)


def test_what_was_imported_can_be_found(in_threads: None, store_url: str, tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path / 'source.db'}"
    known: Json = {"birthDate": "1980-02-29", "identifier": [{"system": "urn:mrn", "value": "48151623"}]}
    run(
        "load",
        written(tmp_path / "p.ndjson", [patient("a", "Old"), patient("a", **known)]),
        "--store",
        source,
    )
    run("export", tmp_path / "backup.ndjson", "--store", source)
    assert run("import", tmp_path / "backup.ndjson", "--store", store_url).exit_code == 0
    answer = run(
        "match", "--identifier", "urn:mrn|48151623", "--birthdate", "1980-02-29", "--store", store_url
    )
    assert "Rivera" in answer.output
    assert "Old" not in answer.output


def test_only_its_owner_can_read_an_export(backup: Path, filled: str, tmp_path: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    folder = tmp_path / "folder"
    folder.mkdir()
    run("export", folder, "--store", filled)
    (packed,) = folder.iterdir()
    assert packed.name == "fhir-mpi-export.ndjson.gz"
    assert stat.S_IMODE(packed.stat().st_mode) == 0o600
    assert len(gzip.decompress(packed.read_bytes()).splitlines()) == 8


def test_an_export_goes_through_a_pipe(filled: str, tmp_path: Path) -> None:
    sent = run("export", "-", "--store", filled)
    url = f"sqlite:///{tmp_path / 'piped.db'}"
    assert run("import", "-", "--store", url, input=sent.stdout_bytes).exit_code == 0
    assert versions(url) == versions(filled)


def test_a_stopped_import_is_finished_with_resume(backup: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    lines = backup.read_bytes().splitlines(keepends=True)
    (tmp_path / "part.ndjson").write_bytes(b"".join(lines[:3]))
    stopped = run("import", tmp_path / "part.ndjson", "--store", url)
    assert (stopped.exit_code, "breaks off" in stopped.output) == (2, True)
    refused = run("import", backup, "--store", url)
    assert (refused.exit_code, "--resume" in refused.output) == (2, True)
    assert run("import", backup, "--store", url, "--resume").exit_code == 0
    assert len(ids(url)) == 5


def test_a_store_with_other_data_is_found_out(backup: Path, in_threads: None, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'other.db'}"
    run("load", written(tmp_path / "more.ndjson", [patient("more")]), "--store", url)
    result = run("import", backup, "--store", url, "--resume")
    assert (result.exit_code, "Patient: the store holds 6 versions" in result.output) == (2, True)


def test_another_content_under_the_same_version_is_refused(
    backup: Path, in_threads: None, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'other.db'}"
    run("load", written(tmp_path / "other.ndjson", [patient("b", "Other")]), "--store", url)
    result = run("import", backup, "--store", url, "--resume")
    assert (result.exit_code, "another Patient" in result.output) == (2, True)
    assert ids(url) == [("b", 1)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[1:], "no header"),
        (lambda lines: [lines[0].replace(b'"version":1', b'"version":2'), *lines[1:]], "another release"),
        (lambda lines: [lines[0], *lines[2:]], "changed"),
        (lambda lines: [lines[0], lines[1].replace(b"One", b"Won"), *lines[2:]], "changed"),
        (lambda lines: [*lines, lines[1]], "after the footer"),
        (lambda lines: [lines[0], b'{"type": "Patient"}\n', *lines[1:]], "line 2"),
        (lambda lines: [lines[0], b"{\n", *lines[1:]], "line 2"),
        (lambda lines: [lines[0], lines[0], *lines[1:]], "not the header"),
        (lambda lines: [lines[0].replace(b'"Patient"', b'"Starship"'), *lines[1:]], "Starship"),
        (lambda lines: [lines[0].replace(b'"Patient",', b""), *lines[1:]], "does not name Patient"),
    ],
)
def test_a_damaged_export_is_refused(
    backup: Path, tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], said: str
) -> None:
    damaged = tmp_path / "damaged.ndjson"
    damaged.write_bytes(b"".join(change(backup.read_bytes().splitlines(keepends=True))))
    result = run("import", damaged, "--store", f"sqlite:///{tmp_path / 'new.db'}")
    assert result.exit_code == 2
    assert said in result.output


def test_an_export_ends_with_what_it_holds(backup: Path) -> None:
    header, *_, footer = [json.loads(line) for line in backup.read_bytes().splitlines()]
    assert (header["format"], header["version"]) == ("fhir-mpi-export", 1)
    assert footer["content"]["Patient"]["versions"] == 5
    assert len(footer["content"]["Patient"]["digest"]) == 64


def test_a_failed_export_leaves_no_file(filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fhir_mpi.cli.exporting.os.fsync", fails)
    result = run("export", tmp_path / "backup.ndjson", "--store", filled)
    assert (result.exit_code, "No space left" in result.output) == (2, True)
    assert not list(tmp_path.glob("backup*"))
