"""The embedded store: one file, no server."""

from fhir_mpi.storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
