"""`fhir-mpi compare`: what would change if one model replaced another?"""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table as Printed

from fhir_mpi.batch.judging.comparing import Change, Comparison, compared, comparison_json, ranked, sampled
from fhir_mpi.batch.reports.charts import waterfall
from fhir_mpi.batch.reports.page import Section, Table, write_page
from fhir_mpi.cli.models import matcher_with, type_option
from fhir_mpi.cli.progress import progress
from fhir_mpi.cli.stores import opened, settings_of, store_option
from fhir_mpi.mdm.matching import Match

MODEL = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("compare", short_help="What another model would change on this index.")
@click.argument("before", metavar="A", type=MODEL)
@click.argument("after", metavar="[B]", type=MODEL, required=False)
@store_option
@type_option
@click.option(
    "--sample",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Records of the store that are matched by both.",
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("comparison.json"),
    show_default=True,
    help="The figures; the report beside it has the same name and .html.",
)
def compare_command(
    before: Path, after: Path | None, store: str | None, type: str, sample: int, seed: int, output: Path
) -> None:
    """Count the pairs whose grade would change if model B replaced A; A alone would replace the served one.

    Both judge the candidates that the index has keys for, so a change of blocking rules doesn't show here.
    Nothing is written to the store.

    \b
    Examples:
      fhir-mpi compare north.json
      fhir-mpi compare north-1.json north-2.json --sample 10000
    """
    models = (None, before) if after is None else (before, after)
    names, found = asyncio.run(_compared(models, store, type, sample, seed))
    output.write_text(json.dumps(comparison_json(found, *names), indent=2) + "\n", encoding="utf-8")
    page = output.with_suffix(".html")
    write_page(page, f"{names[0]} and {names[1]}", _sections(found))
    _print(found)
    click.echo(f"all of it is in {output} and {page}")


async def _compared(
    models: tuple[Path | None, Path], store: str | None, type: str, sample: int, seed: int
) -> tuple[tuple[str, str], Comparison]:
    async with opened(settings_of(store)) as services:
        before, after = [matcher_with(services.matchers[type], model) for model in models]
        total = min(sample, await services.store.population(type))
        with progress("records", total) as show:
            found = await compared(before, after, sampled(services.store, type, sample, seed), show)
        return (before.model.name, after.model.name), found


def _print(found: Comparison) -> None:
    click.echo(f"{found.probes:,} records matched: {found.pairs:,} pairs, {found.changed:,} of another grade")
    table = Printed()
    for heading in ("before", "after", "pairs"):
        table.add_column(heading, justify="right" if heading == "pairs" else "left")
    for was, now in ranked(found):
        table.add_row(str(was), str(now), f"{found.transitions[was, now]:,}")
    Console(highlight=False).print(table)


def _sections(found: Comparison) -> Sequence[Section]:
    rows = [(was, now, found.transitions[was, now]) for was, now in ranked(found)]
    return [
        Section(
            "Grades before and after",
            f"{found.probes} records matched, {found.pairs} pairs, {found.changed} of another grade.",
            table=Table(("before", "after", "pairs"), rows),
        ),
        *[
            _sample(f"{was} became {now}", change)
            for was, now in ranked(found)
            for change in found.samples.get((was, now), ())
        ],
    ]


def _sample(title: str, change: Change) -> Section:
    return Section(
        f"{change.one} and {change.other}: {title}",
        f"{change.before.weight:+.2f} bits before, {change.after.weight:+.2f} after",
        [_waterfall(change.before), _waterfall(change.after)],
    )


def _waterfall(match: Match) -> str:
    return waterfall([(f"{o.comparison}: {o.level}", o.weight) for o in match.outcomes])
