"""The Provenance of a merge, its undoing or a split: what was changed, from which version to which.

As HAPI FHIR writes it: the versions that came of it are its targets, the survivor first, then the one
that retired, then all else; the parameters and the outcome are contained. Every version but a first one
has changed the version before it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from fhir_mpi.fhir.dates import instant
from fhir_mpi.fhir.outcome import MethodNotAllowed
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.referring import LIFECYCLE, PROVENANCE
from fhir_mpi.interactions.services import Services
from fhir_mpi.storage.port import Write

REASONS: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
SOFTWARE: Final[Json] = {"type": "Device", "display": "fhir_mpi"}
INPUT, OUTCOME = "input", "outcome"


def require_provenance(services: Services) -> None:
    """MethodNotAllowed where what is done could not be recorded, and never be undone."""
    if PROVENANCE not in services.definitions.types:
        raise MethodNotAllowed("this server keeps no Provenance, and so can't merge")


def plan_record(
    services: Services,
    activity: str,
    writes: Sequence[Write],
    *,
    began: datetime,
    given: Resource,
    outcome: Resource,
    of: str | None = None,
) -> Write:
    """The Provenance of these writes, the survivor's first.

    `of` is the reference of the Provenance of what is undone.
    """
    now = services.clock()
    kind = "PATADMIN" if writes[0].version.type == "Patient" else "RECORDMGT"
    record: Resource = {
        "resourceType": PROVENANCE,
        "contained": [{**_first(given), "id": INPUT}, {**_first(outcome), "id": OUTCOME}],
        "target": [{"reference": _version(write)} for write in writes],
        "occurredPeriod": {"start": instant(began), "end": instant(now)},
        "recorded": instant(now),
        "authorization": [{"concept": {"coding": [{"system": REASONS, "code": kind}]}}],
        "activity": {"coding": [{"system": LIFECYCLE, "code": activity}]},
        "agent": [{"who": SOFTWARE}],
        "entity": [
            {"role": "source", "what": {"reference": f"#{INPUT}"}},
            {"role": "quotation", "what": {"reference": f"#{OUTCOME}"}},
            *([] if of is None else [{"role": "removal", "what": {"reference": of}}]),
            *_before(writes[:2]),
        ],
    }
    # not checked as what a client sends is: it may have more targets than any resource may have elements
    return services.intake.write(
        record, id=services.new_id(), expected=0, now=services.clock(), method="POST"
    )


def _first(resource: Resource) -> Resource:
    return {"resourceType": resource["resourceType"], **resource}


def _before(writes: Sequence[Write]) -> Sequence[Json]:
    """The versions that the two records had, where they had one."""
    known = [write for write in writes if write.expected]
    return [{"role": "revision", "what": {"reference": _version(w, w.expected)}} for w in known]


def _version(write: Write, version: int | None = None) -> str:
    found = write.version
    return f"{found.type}/{found.id}/_history/{version or found.version}"
