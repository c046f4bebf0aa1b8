"""The store on MongoDB: production, one machine to many."""

from fhir_mpi.storage.mongo.store import MongoStore

__all__ = ["MongoStore"]
