"""A trained model as the JSON that a server serves: the base model with other m, u and term frequencies."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from fhir_mpi.batch.training.estimating import Estimates
from fhir_mpi.batch.training.linking import TABLE
from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.model import LinkageModel
from fhir_mpi.linkage.weights import PROBABILITY_FLOOR

MOST_VALUES: Final = 50_000
"""Values of a term-frequency table; rarer ones share what is left to `other`."""
DIGITS: Final = 6


def trained_document(
    base: Json,
    *,
    name: str,
    m: Estimates,
    u: Estimates,
    tables: Mapping[str, Json],
    provenance: Sequence[str],
) -> Json:
    """The base with these; a level that wasn't estimated keeps the base's figures, and that is said."""
    kept: list[str] = []
    comparisons = [_trained(comparison, m, u, kept) for comparison in base["comparisons"]]
    said = [f"kept from {base['name']} {base['version']}, as training saw none: {each}" for each in kept]
    return {
        **base,
        "name": name,
        "version": "1",
        "provenance": [*provenance, *said],
        "comparisons": comparisons,
        **({"termFrequencies": tables} if tables else {}),
    }


def term_frequencies(connection: Any, model: LinkageModel) -> Mapping[str, Json]:
    """Each table that a level names: the share of each value among the records that have one.

    `other` is half a record's share: a value that nobody has is rarer than any that somebody has.
    """
    found: dict[str, Json] = {}
    for comparison in model.comparisons:
        for level in comparison.levels:
            if level.term_frequency is not None and level.term_frequency not in found:
                floor = model.term_frequencies[level.term_frequency].floor
                found[level.term_frequency] = _table(connection, comparison.feature, floor)
    return found


def write_model(path: Path, document: Json) -> None:
    """Each table of term frequencies is one line, everything else is indented."""
    tables = document.get("termFrequencies", {})
    text = json.dumps({**document, "termFrequencies": {}}, indent=2, ensure_ascii=False)
    if not tables:
        text = json.dumps(document, indent=2, ensure_ascii=False)
    lines = ",\n".join(
        f"    {json.dumps(name)}: {json.dumps(table, ensure_ascii=False, separators=(',', ':'))}"
        for name, table in tables.items()
    )
    whole = text.replace('"termFrequencies": {}', f'"termFrequencies": {{\n{lines}\n  }}')
    path.write_text(whole + "\n", encoding="utf-8")


def _trained(comparison: Json, m: Estimates, u: Estimates, kept: list[str]) -> Json:
    levels = []
    for level in comparison["levels"]:
        if not level.get("null"):
            key = (comparison["name"], level["label"])
            kept += [f"{kind}({' '.join(key)})" for kind, seen in (("m", m), ("u", u)) if key not in seen]
            level = {**level, "m": _share(m.get(key, level["m"])), "u": _share(u.get(key, level["u"]))}
        levels.append(level)
    return {**comparison, "levels": levels}


def _share(probability: float) -> float:
    """Never below the floor: EM takes what hardly occurs for impossible, and it would be a veto."""
    return float(f"{min(max(probability, PROBABILITY_FLOOR), 1.0):.{DIGITS}g}")


def _table(connection: Any, column: str, floor: float) -> Json:
    rows: Iterable[tuple[str, int, int]] = connection.execute(
        f"""SELECT {column}, count(*) AS n, sum(n) OVER () FROM {TABLE} WHERE {column} IS NOT NULL
            GROUP BY {column} ORDER BY n DESC, {column} LIMIT {MOST_VALUES}"""  # noqa: S608 - a feature
    ).fetchall()
    values = {value: float(f"{n / total:.{DIGITS}g}") for value, n, total in rows}
    other = max(0.5 / max((total for _, _, total in rows), default=1), floor)
    return {"floor": floor, "other": other, "values": values}
