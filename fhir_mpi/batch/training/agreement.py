"""Which level a comparison of two records reaches, as functions that SQL can call.

Splink's levels are conditions in SQL. Here each of them asks one function for the level's number, so that
training counts what the server's own comparators say: nicknames, swapped names and identifiers among
them, and several values of one feature.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from fhir_mpi.linkage.fellegi_sunter import compiled
from fhir_mpi.linkage.model import LinkageModel
from fhir_mpi.linkage.record import Record, unpack
from fhir_mpi.linkage.weights import Comparison

_REMEMBERED: Final = 200_000


def level_functions(model: LinkageModel) -> Mapping[str, Callable[[str, str], int]]:
    """Name in SQL -> a function of two packed records: the number of the level, 0 for the null level.

    >>> from fhir_mpi.linkage.model import default_model
    >>> from fhir_mpi.linkage.record import pack
    >>> ana, nobody = pack(Record("1", given=("ana",))), pack(Record("2"))
    >>> level_of_given = level_functions(default_model("Patient"))["level_of_given"]
    >>> level_of_given(ana, nobody), level_of_given(ana, ana)
    (0, 1)
    """
    return {function_name(c): _level_function(c, model) for c in model.comparisons}


def function_name(comparison: Comparison) -> str:
    return f"level_of_{column_name(comparison)}"


def column_name(comparison: Comparison) -> str:
    """The comparison's name as SQL and Splink take it."""
    return "".join(c if c.isalnum() else "_" for c in comparison.name)


def conditions(comparison: Comparison) -> Sequence[str]:
    """The SQL condition of each level.

    The column of the feature is named too: Splink sees by it what a session that blocks on it can't tell.
    """
    reached = f"{function_name(comparison)}(record_l, record_r)"
    found = [f"{reached} = {n}" for n in range(len(comparison.levels) - 1)]
    # Not in the first: DuckDB calls the function once for all levels where the first one always asks.
    column = comparison.feature
    found[-1] += f" AND ({column}_l IS NULL OR {column}_r IS NULL OR TRUE)"
    return [*found, "ELSE"]


def _level_function(comparison: Comparison, model: LinkageModel) -> Callable[[str, str], int]:
    compare = compiled(comparison, model)
    numbers = {level.label: n for n, level in enumerate(comparison.levels)}

    def level(left: str, right: str) -> int:
        return numbers[compare(_record(left), _record(right)).level]

    return level


@lru_cache(maxsize=_REMEMBERED)
def _record(packed: str) -> Record:
    return unpack("", packed)
