"""Whether what the store keeps beside each resource was made by the definitions that run now.

Index entries come from the search parameters, blocking keys and features from the linkage model. A
store remembers the digest of both per type; other digests mean searches and matches would miss records.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Final

from fhir_mpi.interactions.intake import Intake
from fhir_mpi.interactions.keys import MARK, Keys
from fhir_mpi.interactions.rekeying import DERIVED
from fhir_mpi.linkage.keying import KeyState, keying_of
from fhir_mpi.search.filters import EVERYTHING

BATCH: Final = 1000


class StaleIndex(Exception):
    """The store was written with other definitions; `fhir-mpi reindex` brings it up to date."""


def digests(intake: Intake, types: tuple[str, ...]) -> Mapping[str, str]:
    """What shapes the derived data of each type, as one short text per type."""
    return {
        type: f"{intake.search.digest(type)}/{intake.models[type].digest if type in intake.models else '-'}"
        for type in types
    }


async def settle(keys: Keys, intake: Intake, types: tuple[str, ...], *, rekeys: bool) -> None:
    """Marks types that have no resources yet; raises StaleIndex naming those that need a reindex.

    Where it `rekeys`, a type whose keys alone are to be others does not.
    """
    stale = []
    for type, digest in digests(intake, types).items():
        known = await keys.store.mark(DERIVED + type)
        found = await _found(keys, type, known)
        if found != digest and await keys.store.count(type, EVERYTHING) > 0:
            if not (rekeys and await can_rekey(keys, intake, type)):
                stale.append(type)
            continue
        await _settled(keys, type, digest, known, afresh=found != digest)
    if stale:
        raise StaleIndex(
            f"{', '.join(stale)}: indexed by other search parameters, another linkage model or another"
            " release; run `fhir-mpi reindex`"
        )


async def can_rekey(keys: Keys, intake: Intake, type: str) -> bool:
    """Whether all that a type lacks are the keys of its model: then it can serve with those it has.

    Not so where search parameters changed, where this program normalises or packs records otherwise, or
    where the store has never said how its keys were made.
    """
    known, view = await keys.store.mark(DERIVED + type), await keys.fresh(type)
    if known is None or view is None:
        return False
    _, state = view
    if state.settled and state.serving.digest == keys.models[type].digest:
        return False
    return _search(known) == intake.search.digest(type) and all(
        k.fits(keys.models[type]) for k in state.written
    )


async def _found(keys: Keys, type: str, known: str | None) -> str | None:
    """What the derived data of a type was made by; of its keys the store may say so itself."""
    view = await keys.fresh(type) if type in keys.models else None
    if known is None or view is None:
        return known
    return f"{_search(known)}/{view[1].serving.digest}"


async def _settled(keys: Keys, type: str, digest: str, known: str | None, *, afresh: bool) -> None:
    """Notes that everything of a type was made by what runs now; `afresh` where there was nothing."""
    if known != digest:
        await keys.store.set_mark(DERIVED + type, digest, expected=known)
    if type not in keys.models:
        return
    view = await keys.fresh(type)
    if view is None or afresh:
        ours = KeyState(keying_of(keys.models[type]))
        await keys.store.set_mark(MARK + type, ours.text(), expected=None if view is None else view[0])
        await keys.fresh(type)


def _search(derived: str) -> str:
    return derived.partition("/")[0]


async def reindex(keys: Keys, intake: Intake, type: str) -> AsyncIterator[int]:
    """Derives everything anew for one type; yields how many resources are done, batch by batch."""
    store = keys.store
    known = await store.mark(DERIVED + type)
    batch, done = {}, 0
    async for stored in store.scan(type):
        batch[stored.id] = (stored.version, *intake.derived(stored.resource))
        if len(batch) == BATCH:
            await store.replace_index(type, batch)
            done += len(batch)
            batch = {}
            yield done
    if batch:
        await store.replace_index(type, batch)
    await _settled(keys, type, digests(intake, (type,))[type], known, afresh=True)
    yield done + len(batch)
