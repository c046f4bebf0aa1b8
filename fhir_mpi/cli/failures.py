"""Expected failures as one clear line and an exit code, not a traceback."""

from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Final

import click

from fhir_mpi.batch.carrying import DamagedExport
from fhir_mpi.batch.reading import UnreadableInput
from fhir_mpi.batch.training.extra import MissingExtra
from fhir_mpi.definitions import DefinitionError
from fhir_mpi.fhir.outcome import FhirError
from fhir_mpi.interactions.freshness import StaleIndex
from fhir_mpi.plugins import PluginError
from fhir_mpi.storage.port import WriteConflict

NOT_AS_ASKED: Final = 2
SOME_REJECTED: Final = 3
STOPPED: Final = 130


class CannotDo(click.ClickException):
    """It can't be done as asked."""

    exit_code = NOT_AS_ASKED


class PlainGroup(click.Group):
    """A group whose commands fail in plain words."""

    def invoke(self, ctx: click.Context) -> Any:
        with told_plainly():
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:
                click.echo("\nstopped", err=True)
                ctx.exit(STOPPED)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turns what an operator can mend into CannotDo; a fault of this program passes."""
    try:
        yield
    except FhirError as error:
        raise CannotDo("; ".join(_issue(i.text, i.expression) for i in error.issues)) from error
    except (StaleIndex, DefinitionError, PluginError, UnreadableInput, DamagedExport, MissingExtra) as error:
        raise CannotDo(str(error)) from error
    except WriteConflict as error:
        raise CannotDo(f"the store has another {error.type} under the id and version of this one") from error
    except BrokenProcessPool as error:
        raise CannotDo("a worker process ended; is there enough memory for --workers?") from error
    except BrokenPipeError:
        raise  # whoever read the output has seen enough: click ends quietly
    except OSError as error:
        raise CannotDo(f"{error.filename or 'input or output'}: {error.strerror or error}") from error


def _issue(text: str, expression: str | None) -> str:
    return f"{expression}: {text}" if expression else text
