"""Every operation of this server, one line each.

The keys are OperationDefinition ids; at start they and capability/operations/*.json must agree.
"""

from collections.abc import Mapping
from typing import Final

from fhir_mpi.operations.call import Handler
from fhir_mpi.operations.diff import diff, diff_of_two
from fhir_mpi.operations.everything import everything
from fhir_mpi.operations.match import match
from fhir_mpi.operations.meta import meta, meta_add, meta_delete
from fhir_mpi.operations.validate import validate

OPERATIONS: Final[Mapping[str, Handler]] = {
    "Patient-match": match,
    "Organization-match": match,
    "Patient-everything": everything,
    "Resource-diff": diff,
    "System-diff": diff_of_two,
    "Resource-meta": meta,
    "Resource-meta-add": meta_add,
    "Resource-meta-delete": meta_delete,
    "Resource-validate": validate,
}
