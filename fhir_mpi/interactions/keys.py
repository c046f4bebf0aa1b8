"""The blocking keys that the store has now, as this process sees them, and writes that keep to them.

The store says in a mark per type which keys serve and which are coming (`linkage.keying`). What is looked
up goes by what was read at most a second ago. What is written names what it went by, and is made again
where the store has moved on since: no record ever misses keys that somebody counts on.
"""

from collections.abc import Mapping
from dataclasses import replace
from time import monotonic
from typing import Final

from fhir_mpi.fhir.outcome import Conflict
from fhir_mpi.linkage.keying import KeyState, key_state, keys_by
from fhir_mpi.linkage.model import LinkageModel
from fhir_mpi.linkage.record import unpack
from fhir_mpi.storage.port import CandidateEntry, MarkMoved, Store, UnitOfWork, Write

MARK: Final = "keys:"
SECONDS: Final = 1.0
"""How old what a look-up goes by may be."""
ATTEMPTS: Final = 5
View = tuple[str, KeyState] | None
"""The mark's text and what it says; None where the store has never said."""


class Keys:
    """One for each process and store."""

    def __init__(self, store: Store, models: Mapping[str, LinkageModel]) -> None:
        self.store, self.models = store, models
        self._seen: dict[str, tuple[View, float]] = {}

    def through(self, store: Store) -> "Keys":
        """The same, which commits to a store that stands before the one it knows."""
        found = Keys(store, self.models)
        found._seen = self._seen
        return found

    async def view(self, type: str) -> View:
        """What the store says, as of a second ago at most."""
        found, until = self._seen.get(type, (None, 0.0))
        return found if monotonic() < until else await self.fresh(type)

    async def fresh(self, type: str) -> View:
        """What the store says now."""
        text = await self.store.mark(MARK + type)
        found = None if text is None else (text, key_state(text))
        self._seen[type] = found, monotonic() + SECONDS
        return found

    async def serving(self, type: str) -> LinkageModel:
        """The type's model, with the blocking that the keys in the store are complete by."""
        found = await self.view(type)
        model = self.models[type]
        return model if found is None else found[1].serving.of(model)

    async def commit(self, work: UnitOfWork) -> None:
        """`Store.commit`, each candidate record under all the keys that its type has at that moment."""
        types = {write.version.type for write in work.writes if write.candidate is not None}
        for _ in range(ATTEMPTS):
            views = {type: found for type in types if (found := await self.view(type)) is not None}
            marks = {MARK + type: text for type, (text, _) in views.items()}
            writes = [self._keyed(write, views.get(write.version.type)) for write in work.writes]
            try:
                return await self.store.commit(replace(work, writes=writes, marks=marks))
            except MarkMoved:
                self._seen.clear()
        raise Conflict("the blocking keys keep changing; try again")

    def _keyed(self, write: Write, view: View) -> Write:
        if view is None or write.candidate is None:
            return write
        model, state = self.models[write.version.type], view[1]
        if [keying.digest for keying in state.written] == [model.digest]:
            return write
        packed = write.candidate.packed
        keys = keys_by(state.written, model, unpack(write.version.id, packed))
        return replace(write, candidate=CandidateEntry(keys, packed))
