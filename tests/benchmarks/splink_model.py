"""The packaged model of Patient with levels that Splink's library writes in the place of its weights."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

import splink.comparison_library as cl

from fhir_mpi.linkage.model import LinkageModel, load_model

COLUMNS: Final[Mapping[str, Any]] = {
    **{name: name for name in ("given", "family", "birth_date", "gender", "postal_code", "email")},
    "phones": {"feature": "phone", "list": True},
}
COMPARISONS: Final[Sequence[Any]] = (
    cl.NameComparison("given"),
    cl.NameComparison("family"),
    cl.DateOfBirthComparison("birth_date", input_is_string=True),
    cl.ExactMatch("gender"),
    cl.PostcodeComparison("postal_code"),
    cl.EmailComparison("email"),
    cl.ArrayIntersectAtSizes("phones", [1]),
)


def splink_model() -> LinkageModel:
    """Seven comparisons; what a level weighs does not matter for how long it takes."""
    document = json.loads(files("fhir_mpi").joinpath("models", "patient.json").read_text(encoding="utf-8"))
    document.pop("household", None)
    tables = {name: table["values"] for name, table in document.pop("termFrequencies", {}).items()}
    for comparison in document["comparisons"]:
        for level in comparison["levels"]:
            level.pop("termFrequency", None)
    made = [comparison.get_comparison("duckdb").as_dict() for comparison in COMPARISONS]
    for comparison in made:
        for level in comparison["comparison_levels"]:
            if not level.get("is_null_level"):
                level |= {"m_probability": 0.2, "u_probability": 0.1}
    shares = {name: tables.get(name, {}) for name in COLUMNS if name != "phones"}
    source = {"model": {"comparisons": made}, "columns": COLUMNS, "termFrequencies": shares}
    return load_model({**document, "splink": source})
