"""Running servers for the conformance tests, as the HTTP tests have them, and one on a real socket."""

import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from fhir_mpi.app import create_app
from fhir_mpi.settings import Settings
from tests.integration.http.serving import (
    NewStoreUrl,
    client,
    mongo_uri,
    new_store_url,
    serve,
    shared_app,
    store_kind,
)

__all__ = ["client", "mongo_uri", "new_store_url", "serve", "shared_app", "store_kind"]


@pytest.fixture(scope="session")
def base_url(new_store_url: NewStoreUrl) -> Iterator[str]:
    """The FHIR base of a server that listens on a free port of this machine."""
    app = create_app(Settings(store=new_store_url()))
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/fhir"
    server.should_exit = True
    thread.join()
