"""`fhir-mpi load`: what is stored, what is rejected, and what a second run changes."""

import gzip
import json
import stat
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result

from fhir_mpi.fhir.types import Json
from fhir_mpi.interactions.intake import deletion
from fhir_mpi.storage.port import Head
from fhir_mpi.storage.sqlite import SqliteStore
from tests.integration.cli.command import commit, ids, ndjson, patient, run, versions, written

Load = Callable[..., Result]
PHONE: Json = {"system": "phone", "value": "555 0100"}


def test_a_second_run_leaves_what_is_the_same_and_updates_what_differs(
    loaded: Load, store_url: str, tmp_path: Path
) -> None:
    file = written(tmp_path / "people.ndjson", [patient("a"), patient("b"), patient("c")])
    first = loaded(file)
    assert (first.exit_code, first.output[:53]) == (
        0,
        "3 read: 3 created, 0 updated, 0 unchanged, 0 rejected",
    )
    written(file, [patient("a"), patient("b", "Santos"), patient("c"), patient("d")])
    second = loaded(file)
    assert second.output.startswith("4 read: 1 created, 1 updated, 2 unchanged, 0 rejected")
    assert ids(store_url) == [("a", 1), ("b", 1), ("b", 2), ("c", 1), ("d", 1)]


def test_versions_of_one_resource_are_stored_in_their_order(
    loaded: Load, store_url: str, tmp_path: Path
) -> None:
    names = ["One", "Two", "Three"]
    file = written(tmp_path / "people.ndjson", [patient("a", name) for name in names])
    assert "1 created, 2 updated" in loaded(file).output
    assert [s.resource["name"][0]["family"] for s in versions(store_url)] == names


def test_what_an_export_of_another_server_says_of_versions_is_not_taken_over(
    loaded: Load, store_url: str, tmp_path: Path
) -> None:
    meta = {"versionId": "77", "lastUpdated": "1999-01-01T00:00:00Z", "source": "urn:other"}
    file = written(tmp_path / "people.ndjson", [patient("a", meta=meta)])
    loaded(file)
    (stored,) = versions(store_url)
    assert stored.resource["meta"]["versionId"] == "1"
    assert stored.resource["meta"]["source"] == "urn:other"
    assert "1 unchanged" in loaded(file).output


def test_a_deleted_resource_that_is_loaded_again_is_back(
    loaded: Load, store_url: str, tmp_path: Path
) -> None:
    file = written(tmp_path / "people.ndjson", [patient("a")])
    loaded(file)
    commit(store_url, deletion("Patient", "a", expected=1, now=datetime.now(UTC)))
    assert "1 updated" in loaded(file).output
    assert [(s.version, s.deleted) for s in versions(store_url)] == [(1, False), (2, True), (3, False)]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_batch_is_planned_again_where_somebody_else_was_first(
    loaded: Load, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(written(tmp_path / "first.ndjson", [patient("a", "First")]))
    heads = SqliteStore.heads
    blind = [True, True]

    async def late(store: SqliteStore, type: str, ids: Collection[str]) -> Mapping[str, Head]:
        return {} if blind and blind.pop() else await heads(store, type, ids)

    monkeypatch.setattr(SqliteStore, "heads", late)
    result = loaded(written(tmp_path / "second.ndjson", [patient("a", "Second"), patient("b")]))
    assert "1 created, 1 updated" in result.output
    assert ids(store_url) == [("a", 1), ("a", 2), ("b", 1)]
    blind[:] = [True] * 99
    assert loaded(tmp_path / "first.ndjson").exit_code == 2


def test_r4_organizations_are_converted(loaded: Load, store_url: str, tmp_path: Path) -> None:
    clinic = {"resourceType": "Organization", "id": "o", "name": "Arden Clinic", "telecom": [PHONE]}
    assert loaded(written(tmp_path / "clinics.ndjson", [clinic])).exit_code == 0
    (stored,) = versions(store_url, "Organization")
    assert stored.resource["contact"] == [{"telecom": [PHONE]}]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
class TestInput:
    """What is read, and how: one store is enough."""

    def test_gzip_is_known_by_its_content(self, loaded: Load, store_url: str, tmp_path: Path) -> None:
        (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(ndjson([patient("a")])))
        (tmp_path / "b.ndjson").write_bytes(gzip.compress(ndjson([patient("b")])))
        assert loaded(tmp_path).exit_code == 0
        assert ids(store_url) == [("a", 1), ("b", 1)]

    def test_standard_input_is_read(self, loaded: Load, store_url: str) -> None:
        assert loaded("-", input=ndjson([patient("a"), patient("b")])).exit_code == 0
        assert loaded("-", input=gzip.compress(ndjson([patient("c")]))).exit_code == 0
        assert [id for id, _ in ids(store_url)] == ["a", "b", "c"]

    def test_one_resource_over_several_lines_is_read(
        self, loaded: Load, store_url: str, tmp_path: Path
    ) -> None:
        (tmp_path / "a.json").write_text(json.dumps(patient("a"), indent=2))
        assert loaded(tmp_path / "a.json").exit_code == 0
        assert ids(store_url) == [("a", 1)]

    def test_a_bundle_s_references_follow_its_full_urls(
        self, loaded: Load, store_url: str, tmp_path: Path
    ) -> None:
        clinic = {"resourceType": "Organization", "name": "Arden Clinic", "telecom": [PHONE]}
        person = patient("a", managingOrganization={"reference": "urn:uuid:1"})
        entries = [
            {"fullUrl": "urn:uuid:1", "resource": clinic},
            {"fullUrl": "urn:uuid:2", "resource": person},
        ]
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
        (tmp_path / "bundle.json").write_text(json.dumps(bundle, indent=1))
        assert loaded(tmp_path / "bundle.json").output.startswith("2 read: 2 created")
        (organization,) = versions(store_url, "Organization")
        (stored,) = versions(store_url)
        assert stored.resource["managingOrganization"]["reference"] == f"Organization/{organization.id}"
        assert loaded(tmp_path / "bundle.json").output.startswith("2 read: 0 created, 0 updated, 2 unchanged")

    def test_what_has_no_id_gets_the_same_one_every_time(
        self, loaded: Load, store_url: str, tmp_path: Path
    ) -> None:
        file = written(tmp_path / "people.ndjson", [patient(None, "One"), patient(None, "Two")])
        loaded(file)
        before = ids(store_url)
        assert "2 unchanged" in loaded(file).output
        assert len(before) == 2
        assert ids(store_url) == before

    def test_an_empty_file_is_nothing(self, loaded: Load, tmp_path: Path) -> None:
        (tmp_path / "none.ndjson").write_bytes(b"\n \n")
        assert loaded(tmp_path / "none.ndjson").output.startswith("0 read")

    def test_many_chunks_make_several_commits(self, loaded: Load, store_url: str, tmp_path: Path) -> None:
        file = written(tmp_path / "people.ndjson", (patient(f"p{n}") for n in range(600)))
        assert loaded(file, "--batch", 250, "--workers", 2).output.startswith("600 read: 600 created")
        assert len(ids(store_url)) == 600

    @pytest.mark.parametrize(
        ("name", "content", "said"),
        [
            ("none.ndjson", None, "no such file"),
            (
                "cut.ndjson.gz",
                gzip.compress(ndjson([patient("a")] * 99), mtime=0)[:60],
                "gzip data is damaged",
            ),
        ],
        ids=["absent", "cut off"],
    )
    def test_an_input_that_cannot_be_read_is_named(
        self, loaded: Load, tmp_path: Path, name: str, content: bytes | None, said: str
    ) -> None:
        if content is not None:
            (tmp_path / name).write_bytes(content)
        result = loaded(tmp_path / name)
        assert result.exit_code == 2
        assert name in result.output
        assert said in result.output

    def test_a_folder_without_input_is_said_to_be_empty(self, loaded: Load, tmp_path: Path) -> None:
        (tmp_path / "read.me").write_text("nothing")
        (tmp_path / "old.rejects.ndjson").write_text("{}")
        result = loaded(tmp_path)
        assert (result.exit_code, "no .ndjson" in result.output) == (2, True)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
class TestRejects:
    """What is not taken is listed with its reasons and without its content."""

    def lines(self, path: Path) -> list[Json]:
        return [json.loads(line) for line in path.read_bytes().splitlines()]

    def test_a_reject_names_its_line_and_reasons_but_not_the_person(
        self, loaded: Load, store_url: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "people.ndjson"
        bad = patient("b", "Unmistakable", birthDate="1980-02-30", gender="m")
        observation = {"resourceType": "Observation", "id": "o"}
        file.write_bytes(ndjson([patient("a"), bad]) + b'{"resourceType": \n' + ndjson([[1], observation]))
        result = loaded(file)
        assert result.exit_code == 3
        assert "1 created, 0 updated, 0 unchanged, 4 rejected" in result.output
        listed = self.lines(tmp_path / "people.ndjson.rejects.ndjson")
        assert [one["line"] for one in listed] == [2, 3, 4, 5]
        assert {one["source"] for one in listed} == {str(file)}
        assert {i["expression"] for i in listed[0]["issues"]} == {"Patient.birthDate", "Patient.gender"}
        assert [one["issues"][0]["code"] for one in listed[1:]] == ["structure", "structure", "not-supported"]
        assert [one.get("type") for one in listed] == ["Patient", None, None, "Observation"]
        text = (tmp_path / "people.ndjson.rejects.ndjson").read_text()
        assert not [word for word in ("Unmistakable", "1980-02-30") if word in text]
        assert stat.S_IMODE((tmp_path / "people.ndjson.rejects.ndjson").stat().st_mode) == 0o600
        assert ids(store_url) == [("a", 1)]

    def test_the_content_is_listed_where_it_is_asked_for(self, loaded: Load, tmp_path: Path) -> None:
        bad = patient("b", birthDate="soon")
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": bad}, {}, 7]}
        file = written(tmp_path / "in.ndjson", [bad, bundle])
        rejects = tmp_path / "why.ndjson"
        assert loaded(file, "--rejects", rejects, "--rejects-with-content").exit_code == 3
        listed = self.lines(rejects)
        assert [json.loads(one["content"]) for one in listed] == [bad, bad, None, None]
        assert [(one["line"], one.get("entry")) for one in listed] == [(1, None), (2, 0), (2, 1), (2, 2)]

    def test_a_mended_input_leaves_no_rejects_file(self, loaded: Load, tmp_path: Path) -> None:
        file = written(tmp_path / "in.ndjson", [patient("a", birthDate="soon")])
        assert loaded(file).exit_code == 3
        assert loaded(written(file, [patient("a")])).exit_code == 0
        assert not (tmp_path / "in.ndjson.rejects.ndjson").exists()

    def test_other_types_are_counted_where_that_is_asked_for(self, loaded: Load, tmp_path: Path) -> None:
        others = [
            {"resourceType": "Observation"},
            {"resourceType": "Encounter"},
            {"resourceType": "Observation"},
        ]
        result = loaded(written(tmp_path / "in.ndjson", [patient("a"), *others]), "--skip-other-types")
        assert result.exit_code == 0
        assert "left out, as their types are not served: Encounter 1, Observation 2" in result.output

    def test_a_fault_of_ours_rejects_one_resource_and_not_the_file(
        self, loaded: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def faulty(resource: Json) -> Json:
            if resource["id"] == "b":
                raise ZeroDivisionError("Rivera")
            return resource

        monkeypatch.setattr("fhir_mpi.batch.preparing.to_r5", faulty)
        result = loaded(written(tmp_path / "in.ndjson", [patient("a"), patient("b"), patient("c")]))
        assert (result.exit_code, "2 created" in result.output) == (3, True)
        (listed,) = self.lines(tmp_path / "in.ndjson.rejects.ndjson")
        assert listed["issues"] == [
            {"code": "exception", "text": "could not be processed: ZeroDivisionError"}
        ]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_real_worker_processes_do_the_same(store_url: str, tmp_path: Path) -> None:
    file = written(tmp_path / "people.ndjson", [*(patient(f"p{n:03}") for n in range(300)), patient("!")])
    result = run("load", file, "--workers", 2, "--store", store_url)
    assert result.exit_code == 3, result.output
    assert "301 read: 300 created" in result.output
    assert [id for id, _ in ids(store_url)] == [f"p{n:03}" for n in range(300)]


def test_a_resource_whose_unique_identifier_another_has_is_rejected(
    loaded: Load, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FHIR_MPI_UNIQUE_IDENTIFIERS", "urn:mrn")
    numbers = {"a": "1", "b": "2", "c": "1"}
    people = [patient(id, identifier=[{"system": "urn:mrn", "value": n}]) for id, n in numbers.items()]
    first = loaded(written(tmp_path / "first.ndjson", people))
    assert first.exit_code == 3
    assert first.output.startswith("3 read: 2 created, 0 updated, 0 unchanged, 1 rejected")
    (rejected,) = map(json.loads, (tmp_path / "first.ndjson.rejects.ndjson").read_text().splitlines())
    assert (rejected["line"], rejected["type"]) == (3, "Patient")
    assert rejected["issues"][0]["code"] == "duplicate"
    more = [patient("d", identifier=people[1]["identifier"]), patient("e")]
    second = loaded(written(tmp_path / "second.ndjson", [*more, *people[:2]]))
    assert second.output.startswith("4 read: 1 created, 0 updated, 2 unchanged, 1 rejected")
    assert ids(store_url) == [("a", 1), ("b", 1), ("e", 1)]
