"""Candidates in a dict of keys: the port as simply as it can be."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from fhir_mpi.linkage.blocking import stored_keys
from fhir_mpi.linkage.model import LinkageModel
from fhir_mpi.linkage.record import Record, pack
from fhir_mpi.mdm.ports import CandidateRow, CandidateSet


class KeyedRecords:
    """Records by blocking key; `population` is what it says, not what it holds."""

    def __init__(self, model: LinkageModel, records: Iterable[Record], *, population: int) -> None:
        self._rows: dict[str, CandidateRow] = {}
        self._owners: dict[int, list[str]] = defaultdict(list)
        self._population = population
        self.asked: set[str] = set()
        """The ids the last query found."""
        for record in records:
            self._rows[record.id] = CandidateRow(record.id, pack(record))
            for key in stored_keys(model, record):
                self._owners[key].append(record.id)

    async def candidates(self, type: str, keys: Collection[int], /, *, cap: int) -> CandidateSet:
        owners = {key: self._owners[key] for key in keys if key in self._owners}
        skipped = frozenset(key for key, ids in owners.items() if len(ids) > cap)
        self.asked = {id for key, ids in owners.items() if key not in skipped for id in ids}
        return CandidateSet([self._rows[id] for id in sorted(self.asked)], skipped)

    async def candidate_records(self, type: str, ids: Collection[str], /) -> list[CandidateRow]:
        return [self._rows[id] for id in ids if id in self._rows]

    async def population(self, type: str, /) -> int:
        return self._population
