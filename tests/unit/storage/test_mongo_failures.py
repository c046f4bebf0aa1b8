"""Driver errors become ours, and none of their words with them."""

import bson
import pytest
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DocumentTooLarge,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from fhir_mpi.fhir.outcome import InvalidValue, StoreFull, StoreTimeout, TooLong, Unavailable
from fhir_mpi.search.filters import EVERYTHING, Query, Sort
from fhir_mpi.storage.mongo.failures import is_duplicate, told_as_ours
from fhir_mpi.storage.mongo.sorting import behind

CANARY = "canary-7391"
TRANSIENT = {"errorLabels": ["TransientTransactionError"]}


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (ExecutionTimeout(CANARY, 50), StoreTimeout),
        (NetworkTimeout(CANARY), StoreTimeout),
        (ServerSelectionTimeoutError(CANARY), StoreTimeout),
        (AutoReconnect(CANARY), Unavailable),
        (OperationFailure(CANARY, 14031), StoreFull),
        (OperationFailure(CANARY, 112, TRANSIENT), Unavailable),
        (OperationFailure(CANARY, 18), Unavailable),
        (OperationFailure(CANARY, 246), Unavailable),
        (OperationFailure(CANARY, 2), RuntimeError),
        (DuplicateKeyError(CANARY, 11000), RuntimeError),
        (PyMongoError(CANARY), RuntimeError),
        (DocumentTooLarge(CANARY), TooLong),
        (bson.errors.InvalidDocument(CANARY), RuntimeError),
    ],
)
def test_a_driver_error_is_told_as_one_of_ours(error: Exception, ours: type[Exception]) -> None:
    with pytest.raises(ours) as raised, told_as_ours():
        raise error
    assert type(raised.value) is ours
    assert CANARY not in repr(raised.value)
    assert raised.value.__suppress_context__


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), told_as_ours():
        raise KeyError


@pytest.mark.parametrize(
    ("error", "duplicate"),
    [
        (DuplicateKeyError(CANARY, 11000), True),
        (BulkWriteError({"writeErrors": [{"code": 11000}]}), True),
        (BulkWriteError({"writeErrors": [{"code": 121}]}), False),
        (OperationFailure(CANARY, 112), False),
    ],
)
def test_a_duplicate_is_known_by_its_number(error: OperationFailure, duplicate: bool) -> None:
    assert is_duplicate(error) is duplicate


@pytest.mark.parametrize("after", ["", "x", "{}", "[]", '["a"]', '["a", 1]', '[[1, 2, 3], "a"]'])
def test_a_position_that_was_never_handed_out_is_refused(after: str) -> None:
    with pytest.raises(InvalidValue):
        behind(Query("Patient", EVERYTHING, 1, (Sort("family"),), after))
