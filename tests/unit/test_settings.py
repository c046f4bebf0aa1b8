"""Settings: read once, refused where they make no sense."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fhir_mpi.definitions import load_definitions
from fhir_mpi.matchers import linkage_models
from fhir_mpi.settings import Settings


def test_the_defaults_are_those_of_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data-home")
    found = Settings()
    assert found.store.startswith("sqlite:///")
    assert found.store.endswith("fhir_mpi.db")
    assert (found.base_path, found.engine, found.log_level) == ("/fhir", "fellegi-sunter", "info")
    assert (found.max_body, found.max_match_body, found.max_bundle_body) == (1 << 20, 1 << 18, 10 << 20)


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {"STORE": "sqlite:///x", "PAGE_SIZE": "7", "DEFINITIONS": str(tmp_path)}.items():
        monkeypatch.setenv(f"FHIR_MPI_{name}", value)
    found = Settings()
    assert (found.store, found.page_size, found.definitions) == ("sqlite:///x", 7, tmp_path)


def test_a_setting_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FHIR_MPI_TEST_MONGO_URI", "mongodb://localhost")
    Settings()
    monkeypatch.setenv("FHIR_MPI_PAGESIZE", "7")
    with pytest.raises(ValidationError, match="no such setting: FHIR_MPI_PAGESIZE"):
        Settings()


def test_a_secret_is_never_shown() -> None:
    found = Settings(secret="do-not-show")  # type: ignore[arg-type]
    assert "do-not-show" not in repr(found) + str(found)


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_path": "fhir"},
        {"base_path": "/fhir/"},
        {"base_path": "/a b"},
        {"base_url": "mpi.example"},
        {"page_size": 0},
        {"store_timeout": 0},
        {"body_timeout": -1},
        {"log_level": "loud"},
        {"match_count": "many"},
        {"phone_region": "de"},
        {"phone_region": "XX"},
        {"unknown": 1},
    ],
)
def test_what_makes_no_sense_stops_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)


def test_the_region_of_phones_is_the_settings_or_else_the_models() -> None:
    definitions = load_definitions()
    for said, region in ((None, ""), ("DE", "DE")):
        models = linkage_models(definitions, Settings(phone_region=said))
        assert {model.conventions.region for model in models.values()} == {region}


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().page_size = 3
