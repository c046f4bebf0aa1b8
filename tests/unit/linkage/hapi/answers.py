"""What HAPI answered; see recorded/README.md."""

import json
from pathlib import Path
from typing import Any

from fhir_mpi.definitions import load_definitions


def recorded(name: str) -> Any:
    return json.loads((Path(__file__).parent / "recorded" / f"{name}.json").read_text(encoding="utf-8"))


def knows(type: str, code: str) -> bool:
    """Whether the definitions have a search parameter of a type."""
    return any(type in d["base"] and d["code"] == code for d in load_definitions().search_parameters)
