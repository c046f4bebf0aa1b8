"""`fhir-mpi load`: many resources into the index."""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import click

from fhir_mpi.batch.loading import Tally, load
from fhir_mpi.batch.preparing import Rejected
from fhir_mpi.batch.reading import REJECTS, STDIN, chunks, inputs
from fhir_mpi.batch.workers import workers
from fhir_mpi.cli.failures import SOME_REJECTED
from fhir_mpi.cli.progress import progress, rate
from fhir_mpi.cli.stores import make_intake, opened, settings_of, store_option
from fhir_mpi.fhir.json import encode
from fhir_mpi.fhir.types import Json
from fhir_mpi.interactions.waiting import drain


@click.command("load", short_help="Load NDJSON, Bundles or folders of them, R5 or R4.")
@click.argument("source", metavar="FILE|DIR|-")
@store_option
@click.option("--workers", "count", type=click.IntRange(1), help="Processes that prepare; one per core.")
@click.option(
    "--batch", type=click.IntRange(1), help="Resources per commit; without it, what suits the store."
)
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to list what was rejected; <input>.rejects.ndjson without it.",
)
@click.option("--rejects-with-content", is_flag=True, help="List the rejected resources too: personal data.")
@click.option(
    "--skip-other-types", is_flag=True, help="Count resources of types that aren't served; don't reject them."
)
def load_command(
    source: str,
    store: str | None,
    count: int | None,
    batch: int | None,
    rejects: Path | None,
    rejects_with_content: bool,
    skip_other_types: bool,
) -> None:
    """Load resources from NDJSON, a Bundle, a single resource, a folder of these, or standard input.

    Files may be gzip. R4 is converted: an Organization's telecom and address move to contact. A resource
    keeps its id; one without gets an id made of its content. A load that was stopped is finished by
    running it again: what is stored already is left as it is, what differs becomes a new version.

    What is not valid is rejected, and listed with its file, line and reasons in the rejects file; the
    exit code is then 3. A Bundle is read as a whole, NDJSON line by line: use that for what is large.

    \b
    Examples:
      fhir-mpi load patients.ndjson.gz
      fhir-mpi load synthea/fhir/ --skip-other-types
      zcat *.ndjson.gz | fhir-mpi load - --store mongodb://host/mpi
    """
    listed = RejectsFile(rejects or _beside(source), rejects_with_content)
    started = time.monotonic()
    with listed:
        tally = asyncio.run(
            _load(source, store, count or os.cpu_count() or 1, batch, skip_other_types, listed)
        )
    _summarise(tally, time.monotonic() - started)
    if tally.rejected:
        click.echo(f"the reasons are in {listed.path}", err=True)
        raise SystemExit(SOME_REJECTED)


async def _load(
    source: str, store: str | None, count: int, batch: int | None, leave_out: bool, listed: "RejectsFile"
) -> Tally:
    found = inputs(source)
    settings = settings_of(store)
    async with opened(settings) as services:
        with workers(count, make_intake(settings)) as pool, progress("resources") as show:
            tally = await load(
                services,
                pool,
                chunks(found),
                batch=batch,
                ahead=2 * count,
                leave_out=leave_out,
                on_rejected=listed.add,
                on_progress=lambda tally: show(tally.read),
            )
        if services.mdm.linked_types:
            await drain(services)
        return tally


class RejectsFile:
    """One JSON line per reject: source, line, entry, type and issues; made with the first of them."""

    def __init__(self, path: Path, with_content: bool) -> None:
        self.path = path
        self._with_content = with_content
        self._file: IO[bytes] | None = None

    def __enter__(self) -> None:
        self.path.unlink(missing_ok=True)  # what an earlier run rejected

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def add(self, rejected: Sequence[Rejected]) -> None:
        if self._file is None:
            self._file = open(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")  # noqa: SIM115
        for one in rejected:
            self._file.write(encode(self._listed(one)) + b"\n")

    def _listed(self, one: Rejected) -> Json:
        found: Json = {"source": one.source, "line": one.line}
        if one.entry is not None:
            found["entry"] = one.entry
        if one.type is not None:
            found["type"] = one.type
        found["issues"] = [_issue(i.code, i.text, i.expression) for i in one.issues]
        if self._with_content:
            found["content"] = one.content.decode(errors="replace").rstrip("\r\n")
        return found


def _issue(code: str, text: str, expression: str | None) -> Json:
    found: Json = {"code": code, "text": text}
    return found if expression is None else {**found, "expression": expression}


def _beside(source: str) -> Path:
    return Path("rejects.ndjson" if source == STDIN else source.rstrip("/") + REJECTS)


def _summarise(tally: Tally, seconds: float) -> None:
    click.echo(
        f"{tally.read:,} read: {tally.created:,} created, {tally.updated:,} updated,"
        f" {tally.unchanged:,} unchanged, {tally.rejected:,} rejected"
        f" in {seconds:,.1f} s ({rate(tally.read, seconds)})"
    )
    if tally.left_out:
        types = ", ".join(f"{type} {number:,}" for type, number in sorted(tally.left_out.items()))
        click.echo(f"left out, as their types are not served: {types}")
