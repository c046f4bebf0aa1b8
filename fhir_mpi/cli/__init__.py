"""The `fhir-mpi` command: one module per subcommand."""

import click

from fhir_mpi import __version__
from fhir_mpi.cli.compare import compare_command
from fhir_mpi.cli.dedupe import dedupe_command
from fhir_mpi.cli.demo import demo_command
from fhir_mpi.cli.evaluate import evaluate_command
from fhir_mpi.cli.explain import explain_command
from fhir_mpi.cli.exporting import export_command
from fhir_mpi.cli.failures import PlainGroup
from fhir_mpi.cli.importing import import_command
from fhir_mpi.cli.link import link_command
from fhir_mpi.cli.load import load_command
from fhir_mpi.cli.match import match_command
from fhir_mpi.cli.reindex import reindex_command
from fhir_mpi.cli.serve import serve_command
from fhir_mpi.cli.train import train_command
from fhir_mpi.cli.version import version_command

__all__ = ["main"]

COMMANDS = (
    demo_command,
    serve_command,
    load_command,
    match_command,
    explain_command,
    export_command,
    import_command,
    reindex_command,
    link_command,
    train_command,
    evaluate_command,
    compare_command,
    dedupe_command,
    version_command,
)


@click.group(
    cls=PlainGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="fhir-mpi")
def main() -> None:
    """A FHIR R5 master patient index: who is this person, across all systems that know them?

    \b
    See it work, with a thousand invented people:
      fhir-mpi demo
    \b
    Use it for real:
      fhir-mpi load patients.ndjson      # R5 or R4, NDJSON or Bundle, gzip or not
      fhir-mpi match --family Rivera --given Ana --birthdate 1980-02-29
      fhir-mpi serve                     # http://127.0.0.1:8080/fhir
    \b
    Every command works on one store, named by --store or FHIR_MPI_STORE:
      sqlite:///relative/path.db         sqlite:////absolute/path.db
      mongodb://host/database?replicaSet=rs0
    Without either, it is a file in your platform's data folder (`fhir-mpi version` shows which).

    Every other setting is an environment variable, FHIR_MPI_*, described in docs/reference/settings.md.
    Exit codes: 0 done, 2 it can't be done as asked, 3 some input was rejected, 130 stopped by Ctrl-C.
    """


for command in COMMANDS:
    main.add_command(command)
