"""`fhir-mpi explain`: why are these two the same person, or not?"""

import asyncio
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from fhir_mpi.cli.failures import CannotDo
from fhir_mpi.cli.stores import opened, settings_of, store_option
from fhir_mpi.cli.waterfall import verdict, waterfall
from fhir_mpi.fhir.json import encode
from fhir_mpi.fhir.types import Resource
from fhir_mpi.mdm.explanation import Explanation, explanation
from fhir_mpi.operations.explain_match import explanation_parameters, stored
from fhir_mpi.operations.explained.page import page
from fhir_mpi.operations.match import matcher_named

PATIENT = "Patient"


@click.command("explain", short_help="Why are these two records the same person, or not?")
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
@store_option
@click.option("--engine", help="An alternative that is configured, in place of the engine that serves.")
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to this file instead."
)
@click.option("--json", "as_json", is_flag=True, help="Print the Parameters that $explain-match answers.")
def explain_command(
    one: str, other: str, store: str | None, engine: str | None, html: Path | None, as_json: bool
) -> None:
    """Explain how two stored records compare: Patient/1 Patient/2, or their ids where they are Patients.

    Every comparison with its weight in bits, the guards that lowered the grade, the normalised values,
    and the blocking keys by which `$match` finds the second with the first. It works for any pair.
    The page that --html writes needs nothing but itself; it holds what both records say.

    \b
    Examples:
      fhir-mpi explain 1 2
      fhir-mpi explain Organization/1 Organization/2 --html why.html
    """
    found, ours, theirs = asyncio.run(_explained(_named(one), _named(other), store, engine))
    if html is not None:
        html.write_text(page(found, ours, theirs), encoding="utf-8")
        click.echo(f"{html}: {found.match.grade}, {found.match.weight:+.2f} bits")
    elif as_json:
        click.echo(encode(explanation_parameters(found)))
    else:
        _print(found, theirs)


def _named(reference: str) -> tuple[str, str]:
    type, slash, id = reference.rpartition("/")
    return (type, id) if slash else (PATIENT, id)


async def _explained(
    one: tuple[str, str], other: tuple[str, str], store: str | None, engine: str | None
) -> tuple[Explanation, Resource, Resource]:
    async with opened(settings_of(store)) as services:
        type = one[0]
        if other[0] != type or type not in services.matchers:
            raise CannotDo(f"give two records of one type, {' or '.join(services.matchers)}")
        ours, theirs = await stored(services, *one), await stored(services, *other)
        return await explanation(matcher_named(services, type, engine), ours, theirs), ours, theirs


def _print(found: Explanation, theirs: Resource) -> None:
    console = Console(highlight=False)
    console.print(waterfall(found.match, theirs))
    console.print(verdict(found.match))
    for cap in found.caps:
        console.print(f"guard {cap.guard}: at most {cap.at_most}")
    for shared in found.keys:
        skipped = " (passed over: too many records share it)" if shared.key in found.skipped else ""
        console.print(escape(f"key {shared.rule}: {', '.join(shared.values)}{skipped}"))
    if not found.found:
        console.print("no blocking key leads from the first to the second: $match would not find it")
