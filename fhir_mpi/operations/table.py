"""Every operation of this server, one line each.

The keys are OperationDefinition ids; at start they and capability/operations/*.json must agree.
"""

from collections.abc import Mapping
from typing import Final

from fhir_mpi.operations.call import Handler
from fhir_mpi.operations.match import match

OPERATIONS: Final[Mapping[str, Handler]] = {
    "Patient-match": match,
    "Organization-match": match,
}
