"""`fhir-mpi version`: what runs here, and on which store."""

import platform

import click

from fhir_mpi import __version__
from fhir_mpi.cli.stores import settings_of, shown, store_option


@click.command("version", short_help="Say which release and which store this is.")
@store_option
def version_command(store: str | None) -> None:
    """Say which release this is and which store it would use."""
    click.echo(f"fhir-mpi {__version__} (FHIR 5.0.0, Python {platform.python_version()})")
    click.echo(f"store {shown(settings_of(store).store)}")
