"""`fhir-mpi match`: who is this?"""

import asyncio
import sys
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from fhir_mpi.batch.reading import STDIN
from fhir_mpi.cli.failures import CannotDo
from fhir_mpi.cli.stores import opened, settings_of, store_option
from fhir_mpi.cli.waterfall import print_matches
from fhir_mpi.fhir.json import decode, encode
from fhir_mpi.fhir.r4 import to_r5
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.services import Services
from fhir_mpi.operations.call import Call
from fhir_mpi.operations.match import match

LOCAL: Final = "http://localhost/fhir"
"""What a $match Bundle printed here calls the server: there is none."""


@click.command("match", short_help="Find a person, and see how the answer came about.")
@click.argument("source", metavar="[FILE|-]", required=False)
@store_option
@click.option("--family", help="Family name.")
@click.option("--given", multiple=True, help="Given name; may be repeated.")
@click.option("--birthdate", help="YYYY-MM-DD, YYYY-MM or YYYY.")
@click.option("--gender", type=click.Choice(["male", "female", "other", "unknown"]))
@click.option("--identifier", multiple=True, metavar="SYSTEM|VALUE", help="May be repeated.")
@click.option("--phone", multiple=True, help="May be repeated.")
@click.option("--email", multiple=True, help="May be repeated.")
@click.option("--address-line", multiple=True, help="Street and number; may be repeated.")
@click.option("--city")
@click.option("--postal-code")
@click.option("--count", type=click.IntRange(1), default=10, show_default=True, help="Most matches shown.")
@click.option("--all", "explain_all", is_flag=True, help="Explain every match, not only the best.")
@click.option("--json", "as_json", is_flag=True, help="Print the Bundle that $match would answer.")
def match_command(
    source: str | None, store: str | None, count: int, explain_all: bool, as_json: bool, **known: Any
) -> None:
    """Find the records of one person, given by options or as a Patient or Organization in a FILE.

    For the best match it shows how the answer came about: every comparison adds its weight in bits to
    the odds against a random record, and the sum is the probability.

    \b
    Examples:
      fhir-mpi match --family Rivera --given Ana --birthdate 1980-02-29
      fhir-mpi match --identifier 'https://hospital-1.demo.invalid/mrn|12345678'
      fhir-mpi match patient.json --json
    """
    given = any(known.values())
    if (source is None) is not given:
        raise click.UsageError("give a FILE or say what is known, such as --family and --birthdate")
    person = _read(source) if source else patient(**known)
    asyncio.run(_match(person, store, count, explain_all, as_json))


def patient(
    *,
    family: str | None = None,
    given: tuple[str, ...] = (),
    birthdate: str | None = None,
    gender: str | None = None,
    identifier: tuple[str, ...] = (),
    phone: tuple[str, ...] = (),
    email: tuple[str, ...] = (),
    address_line: tuple[str, ...] = (),
    city: str | None = None,
    postal_code: str | None = None,
) -> Resource:
    """The Patient of whom this is known.

    >>> patient(family="Rivera", identifier=("urn:x|1",))["identifier"]
    [{'system': 'urn:x', 'value': '1'}]
    """
    telecom = [("phone", number) for number in phone] + [("email", place) for place in email]
    return {
        "resourceType": "Patient",
        **_known(
            identifier=[_identifier(text) for text in identifier],
            name=_one(family=family, given=list(given)),
            telecom=[{"system": system, "value": value} for system, value in telecom],
            gender=gender,
            birthDate=birthdate,
            address=_one(line=list(address_line), city=city, postalCode=postal_code),
        ),
    }


def _identifier(text: str) -> Json:
    system, bar, value = text.rpartition("|")
    if not value or (bar and not system):
        raise click.UsageError("--identifier is SYSTEM|VALUE, such as 'https://hospital.example/mrn|123'")
    return _known(system=system, value=value)


def _known(**elements: Any) -> Json:
    return {key: value for key, value in elements.items() if value}


def _one(**elements: Any) -> list[Json]:
    found = _known(**elements)
    return [found] if found else []


def _read(source: str) -> Resource:
    body = sys.stdin.buffer.read() if source == STDIN else Path(source).read_bytes()
    return to_r5(decode(body))


async def _match(person: Resource, store: str | None, count: int, explain_all: bool, as_json: bool) -> None:
    async with opened(settings_of(store)) as services:
        type = person.get("resourceType")
        if type not in services.matchers:
            raise CannotDo(f"only {' and '.join(services.matchers)} can be matched")
        if as_json:
            bundle = await match(services, Call({"resource": person, "count": count}, LOCAL, type))
            click.echo(encode(bundle))
        else:
            await _print(services, person, count, explain_all)


async def _print(services: Services, person: Resource, count: int, explain_all: bool) -> None:
    services.intake.check(person)
    type = person["resourceType"]
    found = await services.matchers[type].matches(person)
    best = found.matches[:count]
    stored = {s.id: s.resource for s in await services.store.read_many(type, [m.id for m in best])}
    shown = [(match, stored[match.id]) for match in best if match.id in stored]
    console = Console(highlight=False)
    print_matches(console, shown, explained=len(shown) if explain_all else 1)
    if left_out := len(found.matches) - len(best):
        console.print(f"{left_out} more were found; see them with --count")
    if found.skipped:
        console.print(
            f"{found.skipped} of {found.keys} blocking keys were left out as too many records share them;"
            " say more of what is known"
        )
