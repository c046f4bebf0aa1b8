"""A retired record is answered by the record that replaced it: once, with the better score of the two.

Patient.link of type replaced-by: "the patient resource containing this link must no longer be used" (R5).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fhir_mpi.linkage.record import Record, unpack
from fhir_mpi.mdm.ports import Candidates

MOST_STEPS: Final = 16
"""How often in a row a survivor may itself have been replaced."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The records to score, and of each retired one among them the id of its survivor."""

    records: Sequence[Record]
    survivor_of: Mapping[str, str]


async def standing(type: str, found: Sequence[Record], candidates: Candidates) -> Standing:
    """The records found, and the survivors of retired ones beside them.

    A record that was replaced by none that is there stands for itself; so does one of a circle.
    """
    if not any(record.replaced_by for record in found):
        return Standing(found, {})
    known = {record.id: record for record in found}
    for _ in range(MOST_STEPS):
        wanted = _named(known.values()) - known.keys()
        rows = await candidates.candidate_records(type, sorted(wanted)) if wanted else []
        if not rows:
            break
        known |= {row.id: unpack(row.id, row.packed) for row in rows}
    survivors = {id: _survivor(record, known).id for id, record in known.items() if record.replaced_by}
    survivor_of = {id: survivor for id, survivor in survivors.items() if survivor != id}
    # that it is out of use is no reason to doubt who it was: another record answers for it
    records = [r._replace(inactive=()) if r.id in survivor_of else r for r in known.values()]
    return Standing(records, survivor_of)


def _named(records: Iterable[Record]) -> set[str]:
    return {id for record in records for id in record.replaced_by}


def _survivor(record: Record, known: Mapping[str, Record]) -> Record:
    """The end of the chain that begins at `record`; the record itself where the chain is a circle."""
    current, seen = record, {record.id}
    while following := next((known[id] for id in current.replaced_by if id in known), None):
        if following.id in seen:
            return record
        seen.add(following.id)
        current = following
    return current
