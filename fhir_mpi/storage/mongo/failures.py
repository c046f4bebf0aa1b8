"""What MongoDB and its driver raise, as the errors the port promises, without a word of theirs.

The driver's texts hold filters, documents and duplicate keys, so none of them is passed on, nor
chained: only the class and the number of the error are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bson.errors import BSONError
from pymongo.errors import ConnectionFailure, DocumentTooLarge, OperationFailure, PyMongoError

from fhir_mpi.fhir.outcome import StoreFull, StoreTimeout, TooLong, Unavailable

DUPLICATE_KEY: Final = 11000
_OUT_OF_DISK_SPACE: Final = 14031
_REFUSED_LOGIN: Final = (13, 18)  # Unauthorized, AuthenticationFailed
_SNAPSHOT_GONE: Final = (239, 246)  # SnapshotTooOld, SnapshotUnavailable: no label outside a transaction
_TRANSIENT: Final = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")


@contextmanager
def told_as_ours() -> Iterator[None]:
    """Turns every driver error inside into one of ours; other exceptions pass."""
    try:
        yield
    except (PyMongoError, BSONError) as error:
        raise translated(error) from None


def translated(error: PyMongoError | BSONError) -> Exception:
    """StoreTimeout, StoreFull, Unavailable or TooLong; RuntimeError for a fault of this program.

    >>> from pymongo.errors import AutoReconnect
    >>> translated(AutoReconnect("mongo7.example.org: refused"))
    Unavailable('the database cannot be reached')
    """
    if isinstance(error, DocumentTooLarge):
        return TooLong("the resource is larger than the database takes")
    if not isinstance(error, PyMongoError):
        return RuntimeError(f"the driver refused a document: {type(error).__name__}")
    if error.timeout:
        return StoreTimeout("the database did not answer in time")
    if isinstance(error, ConnectionFailure):
        return Unavailable("the database cannot be reached")
    return _refusal(error, error.code if isinstance(error, OperationFailure) else None)


def _refusal(error: PyMongoError, code: int | None) -> Exception:
    if code == _OUT_OF_DISK_SPACE:
        return StoreFull("the database has no space left")
    if code in _REFUSED_LOGIN:
        return Unavailable("the database refuses this user: see its credentials and its roles")
    if code in _SNAPSHOT_GONE:
        return Unavailable("the database could not read at one moment; it may be tried again")
    if any(error.has_error_label(label) for label in _TRANSIENT):
        return Unavailable("the database could not finish the transaction; it may be tried again")
    return RuntimeError(f"MongoDB error {code} ({type(error).__name__})")


def is_duplicate(error: OperationFailure) -> bool:
    """Whether an insert met a document with its key; bulk writes say so in their details."""
    if error.code == DUPLICATE_KEY:
        return True
    found = (error.details or {}).get("writeErrors", ())
    return any(one.get("code") == DUPLICATE_KEY for one in found)
