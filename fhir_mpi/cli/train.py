"""`fhir-mpi train`: a linkage model of one's own."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from fhir_mpi.batch.labels import read_labels
from fhir_mpi.batch.people import filed_records, stored_records
from fhir_mpi.batch.reports.page import write_page
from fhir_mpi.batch.training.document import write_model
from fhir_mpi.batch.training.extra import Extra, extra
from fhir_mpi.batch.training.report import training_sections
from fhir_mpi.batch.training.training import Plan, Trained, sessions_of, train
from fhir_mpi.cli.failures import CannotDo
from fhir_mpi.cli.models import base_document, type_option
from fhir_mpi.cli.progress import progress, steps
from fhir_mpi.cli.stores import opened, settings_of, store_option
from fhir_mpi.interactions.services import Services
from fhir_mpi.linkage.record import Record


@click.command("train", short_help="Train a linkage model on the index, or on a file.")
@click.argument("source", metavar="[FILE|DIR]", required=False)
@store_option
@type_option
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), default=Path("model.json"), show_default=True
)
@click.option("--name", help="The model's name; the output's without its suffix where it isn't given.")
@click.option(
    "--base",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Model whose levels, blocking and guards are kept; the one that is served where it isn't given.",
)
@click.option(
    "--labels",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV of pairs (id_l,id_r,match) or people (id,person): m is counted over them instead of by EM.",
)
@click.option(
    "--pairs", type=click.IntRange(1000), default=400_000, show_default=True, help="Random pairs for u."
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--session",
    "sessions",
    multiple=True,
    metavar="FEATURE,...",
    help="Features that pairs of one EM session agree on; may be repeated.",
)
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="<output>.html without it.")
def train_command(
    source: str | None,
    store: str | None,
    type: str,
    output: Path,
    name: str | None,
    base: Path | None,
    labels: Path | None,
    pairs: int,
    seed: int,
    sessions: tuple[str, ...],
    report: Path | None,
) -> None:
    """Train a linkage model with Splink, on the resources of the store or on those of a file.

    A file is NDJSON or JSON as `load` reads it, CSV or Parquet. Splink and DuckDB come with the extra
    `train`; a server needs neither.

    \b
    Examples:
      fhir-mpi train --output north.json
      fhir-mpi train people.csv --labels pairs.csv --output north.json
      FHIR_MPI_PATIENT_MODEL=north.json fhir-mpi serve
    """
    found = extra()
    settings = settings_of(store)
    document = base_document(settings, type, base)
    plan = Plan(
        base=document,
        name=name or output.stem,
        pairs=pairs,
        seed=seed,
        labels=read_labels(labels) if labels else None,
        sessions=_sessions(sessions) or sessions_of(type),
        now=datetime.now(UTC),
    )
    records = _filed(found, source, type) if source else asyncio.run(_stored(store, type))
    with steps() as show:
        trained = train(found, records, plan, show)
    write_model(output, trained.document)
    page = report or output.with_suffix(".html")
    write_page(page, f"Training of {plan.name}", training_sections(trained))
    _summarise(trained, output, page)


async def _stored(store: str | None, type: str) -> list[Record]:
    async with opened(settings_of(store)) as services:
        return await records_of(services, type)


async def records_of(services: Services, type: str) -> list[Record]:
    """Every record of a type in the store."""
    found: list[Record] = []
    with progress("records", await services.store.population(type)) as show:
        async for record in stored_records(services.store, type):
            found.append(record)
            show(len(found))
    return found


def _filed(found: Extra, source: str, type: str) -> list[Record]:
    records: list[Record] = []
    with progress("records") as show:
        for record in filed_records(found, source, type):
            records.append(record)
            show(len(records))
    return records


def _sessions(named: tuple[str, ...]) -> list[tuple[str, ...]]:
    sessions = [tuple(part.strip() for part in session.split(",")) for session in named]
    for feature in {feature for session in sessions for feature in session}:
        if feature not in Record._fields[1:]:
            raise CannotDo(
                f"--session: unknown feature {feature!r}; {', '.join(Record._fields[1:])} are known"
            )
    return sessions


def _summarise(trained: Trained, output: Path, page: Path) -> None:
    for warning in trained.warnings:
        click.echo(warning, err=True)
    model = trained.model
    size = len(orjson.dumps(trained.document))
    click.echo(f"{model.name}: trained on {trained.records:,} records; {output} has {size:,} bytes")
    click.echo(f"the report is {page}")
