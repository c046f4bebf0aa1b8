"""Linkage models that a command names: as JSON to train from, or as a matcher on a store."""

from importlib.resources import files
from pathlib import Path
from typing import Final

import click
import orjson

from fhir_mpi.cli.failures import CannotDo
from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter
from fhir_mpi.linkage.model import InvalidModel, LinkageModel, load_model, read_model
from fhir_mpi.mdm.matching import Matcher
from fhir_mpi.settings import Settings

TYPES: Final = ("Patient", "Organization")

type_option = click.option(
    "--type", type=click.Choice(TYPES), default="Patient", show_default=True, help="Resource type."
)
model_option = click.option(
    "--model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Linkage model; the one that is served where it isn't given.",
)


def base_document(settings: Settings, type: str, path: Path | None) -> Json:
    """The JSON of the model to begin with: this file's, or the served one's. CannotDo where it can't be."""
    configured = settings.patient_model if type == "Patient" else settings.organization_model
    chosen = path or configured
    packaged = files("fhir_mpi").joinpath("models", f"{type.lower()}.json")
    try:
        document: Json = orjson.loads((chosen or packaged).read_bytes())
        model = load_model(document)
    except (OSError, orjson.JSONDecodeError, InvalidModel) as error:
        raise CannotDo(f"{chosen}: {error}") from error
    if model.splink is not None:
        raise CannotDo(f"{chosen}: a Splink model's own levels can't be trained here; train it with Splink")
    if model.resource_type != type:
        raise CannotDo(f"{chosen}: a model for {model.resource_type}, not for {type}")
    return document


def model_of(path: Path, type: str) -> LinkageModel:
    """The model of a file. CannotDo where it can't be used for the type."""
    try:
        model = read_model(path)
    except (OSError, InvalidModel) as error:
        raise CannotDo(f"{path}: {error}") from error
    if model.resource_type != type:
        raise CannotDo(f"{path}: a model for {model.resource_type}, not for {type}")
    return model


def matcher_with(served: Matcher, path: Path | None) -> Matcher:
    """The served matcher, or Fellegi-Sunter by another model on the candidates that the index has keys of."""
    if path is None:
        return served
    model = model_of(path, served.model.resource_type)
    return Matcher(model, FellegiSunter(model), served.candidates, served.blocking)
