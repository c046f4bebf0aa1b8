"""`fhir-mpi dedupe`: the whole population at once."""

import asyncio
import csv
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from fhir_mpi.batch.training.deduplicating import LinkedPair, clustered, linked_pairs
from fhir_mpi.batch.training.extra import Extra, extra
from fhir_mpi.cli.failures import CannotDo
from fhir_mpi.cli.models import matcher_with, model_option, type_option
from fhir_mpi.cli.progress import steps
from fhir_mpi.cli.stores import opened, settings_of, store_option
from fhir_mpi.cli.train import records_of
from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.model import MatchGrade
from fhir_mpi.linkage.record import Record
from fhir_mpi.mdm.matching import Matcher

GRADES: Final = ("certain", "probable", "possible")
COLUMNS: Final = (
    "one",
    "other",
    "grade",
    "probability",
    "weight",
    "splink_weight",
    "guards",
    "cluster",
    "model",
)


@click.command("dedupe", short_help="Find the pairs of one person in the whole index.")
@click.argument("output", type=click.Path(dir_okay=False, path_type=Path))
@store_option
@type_option
@model_option
@click.option(
    "--least",
    type=click.Choice(GRADES),
    default="possible",
    show_default=True,
    help="Least grade of a pair that is written.",
)
@click.option(
    "--cluster",
    type=click.Choice(GRADES),
    default="certain",
    show_default=True,
    help="Least grade of the pairs that connect records into one cluster.",
)
def dedupe_command(
    output: Path, store: str | None, type: str, model: Path | None, least: str, cluster: str
) -> None:
    """Link every record of the store with every other by Splink, and write the pairs to OUTPUT.

    OUTPUT is .csv, .ndjson or .parquet, a row for each pair with its grade as $match would give it.
    Nothing is written to the store.

    \b
    Examples:
      fhir-mpi dedupe pairs.csv
      fhir-mpi dedupe pairs.parquet --model north.json --least probable
    """
    if output.suffix not in WRITERS:
        raise click.UsageError(f"OUTPUT must end in {', '.join(WRITERS)}")
    found = extra()
    matcher, records = asyncio.run(_population(store, type, model))
    if matcher.model.splink is not None:
        raise CannotDo("a Splink model's own levels can't be asked for here; use a model with comparisons")
    with steps() as show:
        pairs = list(linked_pairs(found, records, matcher.model, matcher.engine, _grade(least), show))
    groups = clustered(pairs, _grade(cluster))
    rows = [_row(replace(pair, cluster=_cluster(pair, groups)), matcher.model.name) for pair in pairs]
    WRITERS[output.suffix](found, output, rows)
    counts = Counter(pair.grade for pair in pairs)
    said = ", ".join(f"{counts[grade]:,} {grade}" for grade in MatchGrade if counts[grade]) or "none"
    click.echo(f"{len(records):,} records, {len(pairs):,} pairs: {said}")
    click.echo(
        f"{len(set(groups.values())):,} clusters of {len(groups):,} records; the pairs are in {output}"
    )


async def _population(store: str | None, type: str, model: Path | None) -> tuple[Matcher, Sequence[Record]]:
    async with opened(settings_of(store)) as services:
        return matcher_with(services.matchers[type], model), await records_of(services, type)


def _cluster(pair: LinkedPair, groups: Mapping[str, str]) -> str:
    """The cluster of a pair whose records are both in one, else nothing."""
    one, other = groups.get(pair.one, ""), groups.get(pair.other, "")
    return one if one == other else ""


def _row(pair: LinkedPair, model: str) -> Json:
    return {
        "one": pair.one,
        "other": pair.other,
        "grade": str(pair.grade),
        "probability": pair.probability,
        "weight": round(pair.weight, 4),
        "splink_weight": round(pair.splink_weight, 4),
        "guards": " ".join(pair.guards),
        "cluster": pair.cluster,
        "model": model,
    }


def _grade(code: str) -> MatchGrade:
    return next(grade for grade in MatchGrade if grade.value == code)


def _csv(_: Extra, path: Path, rows: Sequence[Json]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def _ndjson(_: Extra, path: Path, rows: Sequence[Json]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _parquet(found: Extra, path: Path, rows: Sequence[Json]) -> None:
    arrow = found.arrow
    numbers = ("probability", "weight", "splink_weight")
    schema = arrow.schema(
        [(name, arrow.float64() if name in numbers else arrow.string()) for name in COLUMNS]
    )
    table = arrow.Table.from_pylist(list(rows), schema=schema)
    connection = found.duckdb.connect()
    connection.register("pairs", table)
    connection.table("pairs").write_parquet(str(path))


WRITERS: Final[Mapping[str, Callable[[Extra, Path, Sequence[Json]], Any]]] = {
    ".csv": _csv,
    ".ndjson": _ndjson,
    ".parquet": _parquet,
}
