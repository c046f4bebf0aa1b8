"""The command as a test calls it, and what it left in the store."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, TypeVar

from click.testing import CliRunner, Result

from fhir_mpi.cli import main
from fhir_mpi.definitions import load_definitions
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.mdm.link import Link
from fhir_mpi.storage.opening import open_store
from fhir_mpi.storage.port import Store, Stored, UnitOfWork, Write

T = TypeVar("T")


def run(*arguments: object, input: bytes | None = None, env: dict[str, str] | None = None) -> Result:
    """The result; an exception that is no exit is a failure of the test."""
    result = CliRunner().invoke(main, [str(a) for a in arguments], input=input, env=env)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def patient(id: str | None, family: str = "Rivera", **elements: Any) -> Resource:
    found: Json = {"resourceType": "Patient", "id": id, "name": [{"family": family}], **elements}
    return {key: value for key, value in found.items() if value is not None}


def ndjson(resources: Iterable[object]) -> bytes:
    return b"".join(json.dumps(r).encode() + b"\n" for r in resources)


def written(path: Path, resources: Iterable[object]) -> Path:
    path.write_bytes(ndjson(resources))
    return path


def versions(url: str, type: str = "Patient") -> list[Stored]:
    """Every version in the store, by id and number."""

    async def read(store: Store) -> list[Stored]:
        found = [stored async for stored in store.scan(type, history=True)]
        return sorted(found, key=lambda s: (s.id, s.version))

    return with_store(url, read)


def ids(url: str, type: str = "Patient") -> list[tuple[str, int]]:
    return [(stored.id, stored.version) for stored in versions(url, type)]


def links(url: str, type: str = "Patient") -> list[Link]:
    """Every version of every link in the store."""

    async def read(store: Store) -> list[Link]:
        return [link async for link in store.scan_links(type, history=True)]

    return with_store(url, read)


def commit(url: str, write: Write) -> None:
    with_store(url, lambda store: store.commit(UnitOfWork([write])))


def set_mark(url: str, name: str, value: str) -> None:
    """As another release, with other definitions, would have left it."""

    async def change(store: Store) -> bool:
        return await store.set_mark(name, value, expected=await store.mark(name))

    assert with_store(url, change)


def with_store(url: str, act: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
    async def opened() -> T:
        store = await open_store(url, types=load_definitions().types)
        try:
            return await act(store)
        finally:
            await store.close()

    return asyncio.run(opened())
