"""What was replaced by a merge gets no new references (R5 patient-operation-merge.html).

Those that a resource has already may stay: nobody could update it else. A `link` says who is who, and may
name anybody. It is looked at before the commit: a reference that is written in the very moment of the merge
is not seen.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from fhir_mpi.fhir.outcome import Unprocessable
from fhir_mpi.fhir.references import local_reference, written_references
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.merging import REPLACED_BY, links
from fhir_mpi.search.registry import REFERENCES
from fhir_mpi.storage.port import Stored, Write


class Replaced(Unprocessable):
    """`places` are the resources that can't be written as they are."""

    def __init__(self, write: Write, old: str, new: str) -> None:
        version = write.version
        super().__init__(f"{old} was replaced by {new}: refer to that", expression=version.type)
        self.places = frozenset({(version.type, version.id)})


async def refuse_replaced(services: Services, writes: Sequence[Write]) -> None:
    """Replaced where one of these brings a reference to a record that another one took the place of."""
    referring = [write for write in writes if write.index.get(REFERENCES)]
    survivors = await _survivors(services, referring)
    for write in referring if survivors else ():
        kept = set(written_references((await _before(services, write)).resource)) if write.expected else set()
        for text in _brought(write):
            if text in survivors and text not in kept:
                raise Replaced(write, text, survivors[text])


def _brought(write: Write) -> Iterable[str]:
    resource = write.version.resource
    return written_references({name: value for name, value in resource.items() if name != "link"})


async def _survivors(services: Services, writes: Iterable[Write]) -> Mapping[str, str]:
    """Who took the place of whom, among those that are referred to; both as they are written."""
    named: dict[str, set[str]] = {}
    for write in writes:
        for text in _texts(write):
            place = local_reference(text, "")
            if place is not None and place[0] in services.definitions.types:
                named.setdefault(place[0], set()).add(place[1])
    found: dict[str, str] = {}
    for type, ids in named.items():
        for stored in await services.store.read_many(type, sorted(ids)):
            if by := links(stored.resource, REPLACED_BY):
                found[f"{type}/{stored.id}"] = by[0]
    return found


def _texts(write: Write) -> Collection[str]:
    return [text for text in write.index[REFERENCES] if isinstance(text, str)]


async def _before(services: Services, write: Write) -> Stored:
    """The version that the write stands on, or itself where that is a deletion, or gone."""
    version = write.version
    found = await services.store.read_version(version.type, version.id, write.expected)
    return version if found is None or found.deleted else found
