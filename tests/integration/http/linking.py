"""Links made by the store's own contract, for servers whose linking is not what is tested."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from httpx import AsyncClient

from fhir_mpi.mdm.link import Link, LinkSource, MatchResult
from fhir_mpi.storage.opening import open_store
from fhir_mpi.storage.port import Store, UnitOfWork
from tests.integration.http.exchanges import TYPES, Json, create, patient
from tests.integration.http.serving import NewStoreUrl, Serve

MATCH, POSSIBLE, NO_MATCH = MatchResult.MATCH, MatchResult.POSSIBLE_MATCH, MatchResult.NO_MATCH
DUPLICATE, REDIRECT = MatchResult.POSSIBLE_DUPLICATE, MatchResult.REDIRECT
AUTO, MANUAL = LinkSource.AUTO, LinkSource.MANUAL
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
STATUS = "http://hapifhir.io/fhir/NamingSystem/mdm-record-status"
GOLDEN = {"tag": [{"system": STATUS, "code": "GOLDEN_RECORD"}]}


def link(golden: str, source: str, result: MatchResult = MATCH, **more: Any) -> Link:
    """The first version of a link between two Patients, automatic unless told otherwise."""
    known: dict[str, Any] = {
        "type": "Patient",
        "link_source": AUTO,
        "version": 1,
        "created": NOW,
        "updated": NOW,
    }
    return Link(**{**known, "golden": golden, "source": source, "result": result, **more})


@dataclass(frozen=True, slots=True)
class Linked:
    """A server, and the store that it has open too."""

    client: AsyncClient
    store: Store

    async def link(self, *links: Link) -> None:
        await self.store.commit(UnitOfWork((), links=links))

    async def person(self, *sources: str, **elements: Any) -> str:
        """A golden record with these sources, all of them made; its id, which is that of the first with
        a `g` before it.
        """
        golden = f"g{sources[0]}"
        await self.put(golden, meta=GOLDEN, **elements)
        for source in sources:
            await self.put(source, **elements)
        await self.link(*(link(golden, source) for source in sources))
        return golden

    async def put(self, id: str, **elements: Any) -> Json:
        response = await self.client.put(f"/Patient/{id}", json=patient(id=id, **elements))
        assert response.status_code in (200, 201), response.text
        found: Json = response.json()
        return found

    async def create(self, type: str, **elements: Any) -> str:
        """`Type/id` of a new resource."""
        found = await create(self.client, {"resourceType": type, **elements})
        return f"{type}/{found['id']}"

    async def found(self, path: str, **query: Any) -> Sequence[str]:
        """The ids that a search finds, in order."""
        response = await self.client.get(path, params=query or None)
        assert response.status_code == 200, response.text
        return sorted(entry["resource"]["id"] for entry in response.json().get("entry", ()))


@asynccontextmanager
async def linked_server(serve: Serve, new_store_url: NewStoreUrl, **settings: Any) -> AsyncIterator[Linked]:
    url = new_store_url()
    async with serve(store=url, **settings) as client:
        store = await open_store(url, types=TYPES)
        try:
            yield Linked(client, store)
        finally:
            await store.close()
