"""Records to train on: out of the store, out of FHIR files, or out of a table of people."""

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from fhir_mpi.batch.reading import UnreadableInput, chunks, inputs
from fhir_mpi.batch.training.extra import Extra
from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.r4 import to_r5
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.linkage.record import Record, record_of
from fhir_mpi.mdm.tags import is_managed
from fhir_mpi.storage.port import Store

TABLES: Final = {".csv": "read_csv", ".parquet": "read_parquet"}
COLUMNS: Final = (
    "id",
    "family",
    "given",
    "birth_date",
    "gender",
    "phone",
    "email",
    "address_line",
    "city",
    "postal_code",
    "identifier",
)
"""What a table of people may have; an identifier is `system|value`."""
_ROWS: Final = 5_000


async def stored_records(store: Store, type: str) -> AsyncIterator[Record]:
    """Every resource of a type as matching compares it; golden records are no sources, and left out."""
    async for stored in store.scan(type):
        if not is_managed(resource := stored.resource):
            yield record_of(resource)


def filed_records(found: Extra, path: str, type: str) -> Iterator[Record]:
    """The people of a file: CSV or Parquet with the columns above, or else FHIR as `load` reads it.

    UnreadableInput where there is nothing of the type, or a column or an id can't be used.
    """
    kind = Path(path).suffix.lower()
    resources = _rows(found, path, TABLES[kind]) if kind in TABLES else filed_resources(path, type)
    known: set[str] = set()
    for resource in resources:
        if resource.get("resourceType") != type:
            continue
        record = record_of(resource)
        if not record.id or record.id in known:
            raise UnreadableInput(
                f"{path}: {f'the id {record.id!r} stands there twice' if record.id else 'somebody has no id'}"
            )
        known.add(record.id)
        yield record


def filed_resources(path: str, type: str) -> Iterator[Resource]:
    """The resources of a type in FHIR files, as `load` reads them; R4 is converted."""
    for chunk in chunks(inputs(path)):
        for _, document in chunk.documents:
            found = decode(document)
            entries = (
                found.get("entry", ()) if found.get("resourceType") == "Bundle" else ({"resource": found},)
            )
            for entry in entries:
                if entry.get("resource", {}).get("resourceType") == type:
                    yield to_r5(entry["resource"])


def person(row: Mapping[str, Any]) -> Resource:
    """A row of a table as a Patient; empty cells are left out.

    >>> person({"id": 7, "family": "Doe", "given": None, "identifier": "urn:x|1"})["identifier"]
    [{'system': 'urn:x', 'value': '1'}]
    """
    cells = {name: str(value).strip() for name, value in row.items() if value is not None}
    known = {name: cell for name, cell in cells.items() if cell}
    system, _, value = known.get("identifier", "").rpartition("|")
    return _given(
        resourceType="Patient",
        id=known.get("id"),
        name=_listed(_given(family=known.get("family"), given=_listed(known.get("given")))),
        gender=known.get("gender", "").lower(),
        birthDate=known.get("birth_date"),
        telecom=[{"system": s, "value": known[s]} for s in ("phone", "email") if s in known],
        address=_listed(
            _given(
                line=_listed(known.get("address_line")),
                city=known.get("city"),
                postalCode=known.get("postal_code"),
            )
        ),
        identifier=_listed(_given(system=system, value=value)),
    )


def _given(**elements: Any) -> Json:
    return {name: value for name, value in elements.items() if value}


def _listed(value: Any) -> list[Any]:
    return [value] if value else []


def _rows(found: Extra, path: str, reader: str) -> Iterator[Resource]:
    """All columns as text: 01234 is a postal code and no number."""
    options = ", all_varchar = true" if reader == "read_csv" else ""
    connection = found.duckdb.connect()
    try:
        connection.execute(f"SELECT * FROM {reader}(?{options})", [path])  # noqa: S608 - one of two
    except found.duckdb.Error as error:
        raise UnreadableInput(f"{path}: {str(error).splitlines()[0]}") from error
    names = [column[0] for column in connection.description]
    if unknown := sorted(set(names) - set(COLUMNS)):
        raise UnreadableInput(
            f"{path}: unknown column {', '.join(unknown)}; there may be {', '.join(COLUMNS)}"
        )
    while rows := connection.fetchmany(_ROWS):
        yield from (person(dict(zip(names, row, strict=True))) for row in rows)
