"""fhir-mpi train, on the store and on files."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import Result

from fhir_mpi.demo.corruption import probe
from fhir_mpi.demo.name_shares import demo_names
from fhir_mpi.demo.population import people
from fhir_mpi.fhir.types import Resource
from fhir_mpi.linkage.model import LinkageModel, default_model, read_model
from tests.integration.cli.command import run, written

FEW = ("--pairs", 4000)


def _twice(count: int) -> Iterator[Resource]:
    """People, half of them registered a second time."""
    names, rng = demo_names(), Random(3)
    for person in people(count, seed=4, names=names):
        yield person.patient()
        if rng.random() < 0.5:
            yield {**probe(person, rng, names).patient(), "id": f"{person.id}-again"}


@pytest.fixture(scope="module")
def people_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("train") / "people.ndjson", _twice(400))


@pytest.fixture(scope="module")
def labels_file(people_file: Path) -> Path:
    ids = [json.loads(line)["id"] for line in people_file.read_text().splitlines()]
    path = people_file.with_name("labels.csv")
    path.write_text("id,person\n" + "".join(f"{id},{id.removesuffix('-again')}\n" for id in ids))
    return path


def _weights(model: LinkageModel, comparison: str) -> list[float]:
    [found] = [c for c in model.comparisons if c.name == comparison]
    return [found.weight(level) for level in found.levels]


def test_a_model_trained_by_em_can_tell_people_apart(people_file: Path, tmp_path: Path) -> None:
    output, report = tmp_path / "model.json", tmp_path / "report.html"
    result = run("train", people_file, *FEW, "--output", output, "--report", report, "--name", "north")
    assert result.exit_code == 0, result.output
    model = read_model(output)
    assert model.name == "north"
    assert model.digest == default_model("Patient").digest  # no reindex is needed
    for comparison in ("given", "family", "birth-date", "phone"):
        assert _weights(model, comparison)[1] > 3 > 0 > _weights(model, comparison)[-1]
    assert any("EM among pairs of the same given and birth_date" in line for line in model.provenance)
    assert "Unlinkable records" in report.read_text()


def test_a_model_trained_by_labels_on_the_store_is_served(
    loaded: Callable[..., Result], people_file: Path, labels_file: Path, store_url: str, tmp_path: Path
) -> None:
    assert loaded(people_file).exit_code == 0
    output = tmp_path / "north.json"
    result = run("train", *FEW, "--labels", labels_file, "--store", store_url, "--output", output)
    assert result.exit_code == 0, result.output
    model = read_model(output)
    assert model.name == "north"
    assert any("counted with Laplace's rule over" in line for line in model.provenance)
    [given] = [c for c in model.comparisons if c.name == "given"]
    assert sum(level.m for level in given.levels if not level.null) == pytest.approx(1.0, abs=1e-4)
    assert 0 < model.term_frequencies["family"].share("nobody is called so") < 0.001  # type: ignore[operator]
    # what nobody of them has is kept, and said
    assert any("m(generation exact)" in line for line in model.provenance)
    assert output.with_suffix(".html").exists()
    name = json.loads(people_file.read_text().splitlines()[0])["name"][0]
    env = {"FHIR_MPI_PATIENT_MODEL": str(output)}
    asked = ("--family", name["family"], "--given", name["given"][0])
    assert "p0" in run("match", *asked, "--store", store_url, env=env).output


def test_the_same_data_and_seed_give_the_same_model(
    people_file: Path, labels_file: Path, tmp_path: Path
) -> None:
    files = [tmp_path / "one" / "m.json", tmp_path / "two" / "m.json"]
    for file in files:
        file.parent.mkdir()
        run("train", people_file, *FEW, "--labels", labels_file, "--output", file)
    one, other = [json.loads(file.read_text()) for file in files]
    assert one["comparisons"] == other["comparisons"]


def test_what_cannot_be_learnt_from_is_refused(people_file: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("id_l,id_r\np0,p1\n")
    few = run("train", people_file, *FEW, "--labels", labels, "--output", tmp_path / "m.json")
    assert (few.exit_code, "1 labelled pairs of one person" in few.output) == (2, True)
    lonely = tmp_path / "one.csv"
    lonely.write_text("id,family\n1,Doe\n")
    one = run("train", lonely, "--output", tmp_path / "m.json")
    assert (one.exit_code, "1 records are too few" in one.output) == (2, True)
    strangers = tmp_path / "two.csv"
    strangers.write_text("id,family\n1,Doe\n2,Roe\n")
    none = run("train", strangers, "--output", tmp_path / "m.json")
    assert (none.exit_code, "nothing to learn from; give --labels" in none.output) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--session", "surname"], "unknown feature 'surname'"),
        (["--type", "Organization", "--base", "MODEL"], "a model for Patient, not for Organization"),
        (["--base", "SPLINK"], "can't be trained here"),
        (["--base", "BROKEN"], "not JSON"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(
    people_file: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    model = _with_splink(tmp_path)
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    names = {"MODEL": str(model[0]), "SPLINK": str(model[1]), "BROKEN": str(broken)}
    result = run("train", people_file, *[names.get(each, each) for each in arguments])
    assert result.exit_code == 2
    assert said in result.output or (said == "not JSON" and "broken.json" in result.output)


def _with_splink(folder: Path) -> tuple[Path, Path]:
    plain = Path(__file__).parents[3] / "fhir_mpi" / "models" / "patient.json"
    document = json.loads(plain.read_text())
    del document["household"]
    levels = [
        {"sql_condition": '"g_l" IS NULL OR "g_r" IS NULL', "is_null_level": True},
        {"sql_condition": "ELSE", "m_probability": 0.5, "u_probability": 0.5},
    ]
    document["splink"] = {
        "model": {"comparisons": [{"output_column_name": "g", "comparison_levels": levels}]},
        "columns": {"g": "gender"},
    }
    splink = folder / "splink-model.json"
    splink.write_text(json.dumps(document))
    return plain, splink


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, people_file: Path
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr("fhir_mpi.batch.training.extra.import_module", missing)
    result = run("train", people_file)
    assert (result.exit_code, "pip install 'fhir-mpi[train]'" in result.output) == (2, True)


def test_a_version_of_splink_that_is_not_known_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splink.__version__", "3.9.0")
    result = run("train", "nothing.csv")
    assert (result.exit_code, "splink 3.9.0 is not known here" in result.output) == (2, True)
