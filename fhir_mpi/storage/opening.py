"""Which store a URL names. The one place that knows there are two."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from fhir_mpi.storage.port import Store

DEFAULT_TIMEOUT: Final = 5.0
MONGO_SCHEMES: Final = ("mongodb", "mongodb+srv")
SQLITE: Final = "sqlite:///"


async def open_store(url: str, *, types: Iterable[str], timeout: float = DEFAULT_TIMEOUT) -> Store:  # noqa: ASYNC109
    """The open store at `url` for these resource types; made where there is none.

    `sqlite:///relative/path`, `sqlite:////absolute/path`, `mongodb://host/database` or
    `mongodb+srv://host/database`. `timeout` is in seconds and bounds every query and every wait for
    the write lock. Any other URL is a ValueError, which never repeats the URL: it may hold a password.
    """
    # Imported where it is needed: nobody waits for the driver of the store they don't use.
    if url.startswith(SQLITE) and url != SQLITE:
        from fhir_mpi.storage.sqlite import SqliteStore

        return await SqliteStore.open(url.removeprefix(SQLITE), types=types, timeout=timeout)
    if urlsplit(url).scheme in MONGO_SCHEMES:
        from fhir_mpi.storage.mongo import MongoStore

        return await MongoStore.open(url, database=_database(url), types=types, timeout=timeout)
    raise ValueError("a store URL starts with sqlite:/// and a path, mongodb:// or mongodb+srv://")


def _database(url: str) -> str:
    name = urlsplit(url).path.removeprefix("/")
    if not name:
        raise ValueError("a MongoDB URL names its database: mongodb://host/database")
    return name
