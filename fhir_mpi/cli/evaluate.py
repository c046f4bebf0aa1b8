"""`fhir-mpi evaluate`: how good is a model, by those who know?"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from fhir_mpi.batch.judging.judging import Verdict, stored_probes, verdicts
from fhir_mpi.batch.judging.metrics import GRADES, at_grade, best, curve
from fhir_mpi.batch.judging.report import MOST_ERRORS, evaluation_json, evaluation_sections
from fhir_mpi.batch.labels import Labels, read_labels
from fhir_mpi.batch.people import filed_resources
from fhir_mpi.batch.reading import UnreadableInput
from fhir_mpi.batch.reports.page import write_page
from fhir_mpi.cli.models import matcher_with, model_option, type_option
from fhir_mpi.cli.progress import progress
from fhir_mpi.cli.stores import opened, settings_of, store_option
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.services import Services


@click.command("evaluate", short_help="Precision and recall of a model, on labelled pairs.")
@click.argument("labels", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@store_option
@type_option
@model_option
@click.option(
    "--probes",
    metavar="FILE|DIR",
    help="Records to ask about that aren't in the store, as `load` reads them.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("evaluation.json"),
    show_default=True,
    help="Every figure; the report beside it has the same name and .html.",
)
@click.option(
    "--errors", type=click.IntRange(0), default=MOST_ERRORS, show_default=True, help="Most errors of a kind."
)
def evaluate_command(
    labels: Path,
    store: str | None,
    type: str,
    model: Path | None,
    probes: str | None,
    output: Path,
    errors: int,
) -> None:
    """Match every labelled record as $match would, and compare the answers with the LABELS.

    LABELS is CSV: pairs (id_l,id_r,match) or people (id,person). A pair of one person that no blocking key
    brings together counts as missed.

    \b
    Examples:
      fhir-mpi evaluate labels.csv
      fhir-mpi evaluate labels.csv --model north.json --output north-evaluation.json
    """
    known = read_labels(labels)
    name, found = asyncio.run(_verdicts(known, store, type, model, probes))
    output.write_text(json.dumps(evaluation_json(found, name, errors), indent=2) + "\n", encoding="utf-8")
    page = output.with_suffix(".html")
    write_page(page, f"Evaluation of {name}", evaluation_sections(found, errors))
    _summarise(found)
    click.echo(f"all of it is in {output} and {page}")


async def _verdicts(
    labels: Labels, store: str | None, type: str, model: Path | None, probes: str | None
) -> tuple[str, Sequence[Verdict]]:
    async with opened(settings_of(store)) as services:
        matcher = matcher_with(services.matchers[type], model)
        asked = await _probes(services, labels, type, probes)
        with progress("records", len(asked)) as show:
            found = await verdicts(matcher, asked, labels, show)
    if not found:
        raise UnreadableInput("none of the labelled records is there")
    return matcher.model.name, found


async def _probes(
    services: Services, labels: Labels, type: str, probes: str | None
) -> Mapping[str, Resource]:
    if probes is None:
        return await stored_probes(services.store, type, labels)
    found = {str(resource.get("id")): resource for resource in filed_resources(probes, type)}
    return {id: resource for id, resource in found.items() if id in labels.ids}


def _summarise(found: Sequence[Verdict]) -> None:
    same = sum(v.same for v in found)
    missed = sum(v.same and not v.compared for v in found)
    click.echo(f"{same:,} pairs of one person, {missed:,} of them brought together by no blocking key")
    for grade in GRADES:
        q = at_grade(found, grade)
        click.echo(
            f"{f'{grade} or better':22} precision {q.precision:.4f}, recall {q.recall:.4f}, F1 {q.f1:.4f}"
        )
    top = best(curve(found))
    if top is not None:
        click.echo(f"{'best F1 by weight':22} {top.quality.f1:.4f}, from {top.weight:.1f} bits on")
