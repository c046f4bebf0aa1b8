"""Fixtures of the HTTP tests, from `serving`."""

from tests.integration.http.serving import (
    client,
    logged,
    mongo_uri,
    new_store_url,
    serve,
    shared_app,
    store_kind,
    store_url,
)

__all__ = ["client", "logged", "mongo_uri", "new_store_url", "serve", "shared_app", "store_kind", "store_url"]
