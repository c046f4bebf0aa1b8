"""Every operation of this server, one line each.

The keys are OperationDefinition ids; at start they and capability/operations/*.json must agree.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Final

from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.services import Limits
from fhir_mpi.operations.call import Handler
from fhir_mpi.operations.diff import diff, diff_of_two
from fhir_mpi.operations.everything import everything
from fhir_mpi.operations.explain_match import explain_match
from fhir_mpi.operations.expunge import expunge
from fhir_mpi.operations.ihe_pix import ihe_pix
from fhir_mpi.operations.lookup_eid import lookup_eid
from fhir_mpi.operations.match import match, mdm_match
from fhir_mpi.operations.mdm_clear import clear
from fhir_mpi.operations.mdm_decisions import create_link, merge_goldens, not_duplicate, update_link
from fhir_mpi.operations.mdm_links import duplicate_goldens, link_history, query_links
from fhir_mpi.operations.mdm_submit import submit
from fhir_mpi.operations.merging.merge import merge, merge_any
from fhir_mpi.operations.merging.replace_references import replace_references
from fhir_mpi.operations.merging.split import split
from fhir_mpi.operations.merging.undo import undo_merge
from fhir_mpi.operations.meta import meta, meta_add, meta_delete
from fhir_mpi.operations.reviewing.acting import claim, history, note, release
from fhir_mpi.operations.reviewing.deciding import decide, undo
from fhir_mpi.operations.reviewing.queue import queue
from fhir_mpi.operations.validate import validate

LINKING: Final[Mapping[str, Handler]] = {
    "System-mdm-query-links": query_links,
    "System-mdm-link-history": link_history,
    "System-mdm-duplicate-golden-resources": duplicate_goldens,
    "System-mdm-create-link": create_link,
    "System-mdm-update-link": update_link,
    "System-mdm-not-duplicate": not_duplicate,
    "System-mdm-merge-golden-resources": merge_goldens,
    "System-mdm-clear": clear,
    "Resource-mdm-submit": submit,
    "System-mdm-review-queue": queue,
    "System-mdm-review-claim": claim,
    "System-mdm-review-release": release,
    "System-mdm-review-note": note,
    "System-mdm-review-decide": decide,
    "System-mdm-review-undo": undo,
    "System-mdm-review-history": history,
}
"""Those that are there where records of any type are linked."""
OPERATIONS: Final[Mapping[str, Handler]] = {
    "Patient-match": match,
    "Organization-match": match,
    "Patient-explain-match": explain_match,
    "Organization-explain-match": explain_match,
    "Patient-everything": everything,
    "Patient-ihe-pix": ihe_pix,
    "Resource-lookup-eid": lookup_eid,
    "Resource-diff": diff,
    "System-diff": diff_of_two,
    "Resource-meta": meta,
    "Resource-meta-add": meta_add,
    "Resource-meta-delete": meta_delete,
    "Resource-validate": validate,
    "Resource-expunge": expunge,
    "Patient-merge": merge,
    "Resource-hapi-fhir-merge": merge_any,
    "Resource-hapi-fhir-undo-merge": undo_merge,
    "System-hapi-fhir-replace-references": replace_references,
    "Resource-split": split,
    "System-mdm-match": mdm_match,
    **LINKING,
}
AS_PAGE: Final = frozenset({"Patient-explain-match", "Organization-explain-match"})
"""Operations that answer people too, as HTML."""
SWITCHED: Final[Mapping[str, Callable[[Limits], bool]]] = {
    "Resource-expunge": attrgetter("expunge"),
    "Patient-match": lambda limits: "Patient" not in limits.unmatched,
    "Organization-match": lambda limits: "Organization" not in limits.unmatched,
    **dict.fromkeys(LINKING, lambda limits: bool(limits.linked)),
}
"""Operations that a setting turns on, and what says so."""


def is_offered(id: str, limits: Limits) -> bool:
    """Whether the settings let an operation be called."""
    return id not in SWITCHED or SWITCHED[id](limits)


def offered(definitions: Iterable[Resource], limits: Limits) -> list[Resource]:
    """Those of the operations that may be called."""
    return [definition for definition in definitions if is_offered(definition["id"], limits)]
