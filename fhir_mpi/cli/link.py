"""`fhir-mpi link`: every record that is not linked yet."""

import asyncio
import csv
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import click
import orjson

from fhir_mpi.batch.linking import Pairs, Tally, link_all
from fhir_mpi.batch.workers import workers
from fhir_mpi.cli.failures import CannotDo
from fhir_mpi.cli.models import TYPES
from fhir_mpi.cli.progress import progress, rate
from fhir_mpi.cli.stores import make_bench, opened, settings_of, store_option
from fhir_mpi.fhir.types import Json
from fhir_mpi.interactions.services import Services
from fhir_mpi.linkage.model import MatchGrade
from fhir_mpi.mdm.matching import Match

READ: Final = (".csv", ".ndjson")


@click.command("link", short_help="Link every record to golden records.")
@click.option("--all", "every", is_flag=True, help="Records of every type that is linked.")
@click.option("--type", "type", type=click.Choice(TYPES), help="Records of this type.")
@store_option
@click.option(
    "--pairs",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Link by these pairs, as dedupe wrote them, and look nothing up.",
)
@click.option(
    "--match",
    "match",
    type=click.FloatRange(0, 1),
    default=0.99,
    show_default=True,
    help="Least probability of a pair that is a MATCH.",
)
@click.option(
    "--possible",
    type=click.FloatRange(0, 1),
    default=0.9,
    show_default=True,
    help="Least probability of a pair that is a POSSIBLE_MATCH, for a person to decide.",
)
@click.option("--workers", "count", type=click.IntRange(1), help="Processes that compare; one per core.")
@click.option("--batch", type=click.IntRange(1), help="Records per commit; without it, what suits the store.")
def link_command(
    every: bool,
    type: str | None,
    store: str | None,
    pairs: Path | None,
    match: float,
    possible: float,
    count: int | None,
    batch: int | None,
) -> None:
    """Link every record that has no link yet, as if it were written now, one after the other.

    For what was loaded before FHIR_MPI_MDM was match-and-link. A run that was stopped is finished by
    running it again. Servers may go on serving meanwhile.

    With --pairs, records are linked by a file of pairs instead, .csv or .ndjson with the columns one,
    other and probability; pairs below --possible are left out.

    \b
    Examples:
      FHIR_MPI_MDM=match-and-link fhir-mpi link --all
      fhir-mpi link --type Patient --pairs pairs.csv --possible 0.95 --match 0.999
    """
    if every == (type is not None):
        raise click.UsageError("say --all or --type")
    if possible > match:
        raise click.UsageError("--possible is at most --match")
    if pairs is not None and type is None:
        raise click.UsageError("--pairs are of one --type")
    known = None if pairs is None else read_pairs(pairs, possible, match)
    started = time.monotonic()
    tallies = asyncio.run(_link(type, store, known, count or os.cpu_count() or 1, batch))
    seconds = time.monotonic() - started
    for name, tally in tallies.items():
        click.echo(
            f"{name}: {tally.linked:,} linked, {tally.before:,} had links before"
            f" in {seconds:,.1f} s ({rate(tally.seen, seconds)})"
        )


def read_pairs(path: Path, possible: float, match: float) -> Pairs:
    """Of each record the others that it matches, by the pairs of a file. CannotDo where that is none."""
    if path.suffix not in READ:
        raise CannotDo(f"{path}: pairs are read from {' or '.join(READ)}")
    found: dict[str, list[Match]] = {}
    try:
        for one, other, probability in _rows(path):
            if probability >= possible:
                grade = MatchGrade.CERTAIN if probability >= match else MatchGrade.PROBABLE
                found.setdefault(one, []).append(_match(other, grade, probability))
                found.setdefault(other, []).append(_match(one, grade, probability))
    except (KeyError, TypeError, ValueError) as error:
        raise CannotDo(f"{path}: each pair needs one, other and probability") from error
    return found


def _rows(path: Path) -> Iterator[tuple[str, str, float]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows: Iterable[Json] = csv.DictReader(file) if path.suffix == ".csv" else map(orjson.loads, file)
        for row in rows:
            yield str(row["one"]), str(row["other"]), float(row["probability"])


def _match(id: str, grade: MatchGrade, probability: float) -> Match:
    return Match(id, grade, probability, probability, 0.0, ())


async def _link(
    type: str | None, store: str | None, pairs: Pairs | None, count: int, batch: int | None
) -> dict[str, Tally]:
    settings = settings_of(store)
    async with opened(settings) as services:
        types = _types(services, type)
        with workers(count, make_bench(settings)) as pool:
            found = {}
            for each in types:
                total = await services.store.population(each)
                with progress(f"{each} records", total) as show:
                    found[each] = await link_all(
                        services, pool, each, batch=batch, pairs=pairs, on_progress=lambda t: show(t.seen)
                    )
            return found


def _types(services: Services, type: str | None) -> tuple[str, ...]:
    linked = services.mdm.linked_types
    if not linked or (type is not None and type not in linked):
        raise CannotDo(f"FHIR_MPI_MDM is not match-and-link for {type or 'any type'}")
    return linked if type is None else (type,)
