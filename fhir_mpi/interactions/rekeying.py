"""Re-keying: the keys of another model for every record, while the store serves with those it has.

One mark per type says where it stands (`linkage.keying`), another one how far (`rekeying:`). Each step is
safe to do twice and by several processes: a batch is written only while the first mark stands as it was
read, and whoever finds the second one changed by another leaves the work to that one. So it may be
killed at any moment, and whoever comes next goes on.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import orjson

from fhir_mpi.interactions.keys import MARK, Keys
from fhir_mpi.linkage.keying import KeyState, keying_of, keys_by
from fhir_mpi.linkage.record import pack
from fhir_mpi.search.filters import EVERYTHING
from fhir_mpi.storage.port import CandidateEntry, MarkMoved, Stored

PROGRESS: Final = "rekeying:"
DERIVED: Final = "derived:"
BATCH: Final = 500
PATIENCE: Final = 5.0
"""Seconds after which work that does not move is nobody's."""
LOOK_UPS: Final = 15.0
"""Seconds after which no look-up goes by what was read before: a second, and the longest query."""
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one pass over a type is: `adding` the coming keys, or `removing` those that no longer serve.

    `about` is the state that it belongs to, `after` the last resource that is done, `by` who did it.
    """

    phase: str
    done: int
    total: int
    about: str
    after: str | None
    by: str

    def text(self) -> str:
        return orjson.dumps(asdict(self)).decode()


class Overtaken(Exception):
    """Another process does the same work."""


async def progress(keys: Keys) -> Mapping[str, Mapping[str, object]]:
    """How far each type is that is being re-keyed."""
    found = {}
    for type in keys.models:
        view = await keys.view(type)
        if view is None or view[1].settled:
            continue
        reached = await _reached(keys, type, *view)
        found[type] = {"phase": reached.phase, "done": reached.done, "total": reached.total}
    return found


async def rekey(keys: Keys, type: str, by: str, *, sleep: Sleep = asyncio.sleep) -> AsyncIterator[Progress]:
    """Brings a type's keys to what its model asks; yields after each batch.

    `by` is a name that no other process has. Where another one does it, it waits, and takes over when
    that one has stopped.
    """
    await announce(keys, type)
    while (view := await keys.fresh(type)) is not None and not view[1].settled:
        try:
            async for reached in _pass(keys, type, *view, by, sleep):
                yield reached
            await _advance(keys, type, *view)
        except MarkMoved:
            continue
        except Overtaken:
            await sleep(PATIENCE)


async def announce(keys: Keys, type: str) -> None:
    """From here on every writer gives its records the keys of this process's model too."""
    ours = keying_of(keys.models[type])
    while (view := await keys.fresh(type)) is not None:
        text, state = view
        if ours.digest == (state.coming or state.serving).digest:
            return
        if ours.digest == state.serving.digest:  # on the way to others, which are taken away again
            wanted = KeyState(state.serving, leaving=True)
        else:
            wanted = KeyState(state.serving, coming=ours)
        if await keys.store.set_mark(MARK + type, wanted.text(), expected=text):
            return


async def _pass(
    keys: Keys, type: str, text: str, state: KeyState, by: str, sleep: Sleep
) -> AsyncIterator[Progress]:
    if not (await _reached(keys, type, text, state)).by:  # whoever began has waited
        await sleep(LOOK_UPS if state.leaving else keys.store.longest_write)
    reached = await _taken_over(keys, type, text, state, by, sleep)
    batch: list[Stored] = []
    async for stored in keys.store.scan(type, after=reached.after):
        batch.append(stored)
        if len(batch) == BATCH:
            reached = await _put(keys, type, text, state, reached, batch)
            batch = []
            yield reached
    yield await _put(keys, type, text, state, reached, batch)


async def _put(
    keys: Keys, type: str, text: str, state: KeyState, reached: Progress, batch: Sequence[Stored]
) -> Progress:
    """One batch under its keys, and the progress after it."""
    model, entries = keys.models[type], {}
    for stored in batch:
        record = model.record(stored.resource)
        candidate = CandidateEntry(keys_by(state.written, model, record), pack(record))
        entries[stored.id] = (stored.version, None, candidate)
    if entries:
        await keys.store.replace_index(type, entries, marks={MARK + type: text})
    after = batch[-1].id if batch else reached.after
    return await _move(keys, type, reached, done=reached.done + len(batch), after=after)


async def _move(keys: Keys, type: str, reached: Progress, *, done: int, after: str | None) -> Progress:
    total = max(reached.total, done)
    moved = Progress(reached.phase, done, total, reached.about, after, reached.by)
    if not await keys.store.set_mark(PROGRESS + type, moved.text(), expected=reached.text()):
        raise Overtaken
    return moved


async def _taken_over(keys: Keys, type: str, text: str, state: KeyState, by: str, sleep: Sleep) -> Progress:
    """Where this pass is, from now on in our hands; Overtaken where another one moves it on."""
    found = await keys.store.mark(PROGRESS + type)
    reached = await _reached(keys, type, text, state)
    if found is not None and reached.text() == found and reached.by != by:
        await sleep(PATIENCE)
        if await keys.store.mark(PROGRESS + type) != found:
            raise Overtaken
    ours = Progress(reached.phase, reached.done, reached.total, reached.about, reached.after, by)
    if ours.text() != found and not await keys.store.set_mark(PROGRESS + type, ours.text(), expected=found):
        raise Overtaken
    return ours


async def _reached(keys: Keys, type: str, text: str, state: KeyState) -> Progress:
    """The progress in this state; none yet where what is noted belongs to another one."""
    about = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    found = await keys.store.mark(PROGRESS + type)
    if found is not None and (noted := Progress(**orjson.loads(found))).about == about:
        return noted
    phase = "removing" if state.leaving else "adding"
    return Progress(phase, 0, await keys.store.count(type, EVERYTHING), about, None, "")


async def _advance(keys: Keys, type: str, text: str, state: KeyState) -> None:
    """The next state, every record being where this one wants it."""
    following = KeyState(state.serving) if state.coming is None else KeyState(state.coming, leaving=True)
    if not await keys.store.set_mark(MARK + type, following.text(), expected=text):
        return  # another one was first
    if state.coming is not None and (derived := await keys.store.mark(DERIVED + type)) is not None:
        search = derived.partition("/")[0]
        await keys.store.set_mark(DERIVED + type, f"{search}/{state.coming.digest}", expected=derived)
