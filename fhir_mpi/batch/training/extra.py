"""What training needs and serving doesn't: Splink, DuckDB and Arrow, the package's extra `train`."""

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final

SERVED_BY: Final = ("4", "5")
"""Splink's major versions that this works with."""


class MissingExtra(Exception):
    """A package isn't installed; the text says which extra has it."""


@dataclass(frozen=True, slots=True)
class Extra:
    """The modules, which have no types, and their versions."""

    splink: Any
    duckdb: Any
    arrow: Any
    versions: str

    @property
    def is_splink_5(self) -> bool:
        return bool(self.splink.__version__.startswith("5"))


def extra() -> Extra:
    """Splink, DuckDB and Arrow. MissingExtra where one isn't there, or is of an unknown version."""
    splink, duckdb, arrow = (_module(name) for name in ("splink", "duckdb", "pyarrow"))
    if splink.__version__.split(".")[0] not in SERVED_BY:
        raise MissingExtra(f"splink {splink.__version__} is not known here; versions 4 and 5 are")
    versions = ", ".join(f"{name} {version(name)}" for name in ("splink", "duckdb"))
    return Extra(splink, duckdb, arrow, versions)


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtra(
            f"{name} is not installed; this command needs the extra `train`: pip install 'fhir-mpi[train]'"
        ) from error
