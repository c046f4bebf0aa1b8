"""What is read before links are changed, and what is to be committed after: one resource type at a time.

A claim on each golden record keeps writers apart that change what is linked to it: its holder is read
before the links are, and must be the same at the commit.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from uuid import uuid4

from fhir_mpi.fhir.json import decode, encode
from fhir_mpi.fhir.meta import same_content
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.heads import after, head_of
from fhir_mpi.interactions.intake import deletion
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.eid import Eid, internal_eids
from fhir_mpi.mdm.golden import Making, golden_resource
from fhir_mpi.mdm.ledger import Ledger
from fhir_mpi.mdm.link import Link, MatchResult
from fhir_mpi.mdm.ports import LinkQuery
from fhir_mpi.mdm.survivorship import Member
from fhir_mpi.mdm.tags import is_blocked
from fhir_mpi.storage.port import Claim, ClaimConflict, Pending, Stored, UnitOfWork, Write

OPEN: Final = frozenset({MatchResult.MATCH, MatchResult.POSSIBLE_MATCH})
"""What a source is linked by, or may be."""


@dataclass(slots=True)
class Scene:
    """The links around some records of `type`, and the golden records they lead to.

    `sources` are records as they are from now on. `contents` is what a golden record is to be where that
    isn't up to its sources alone, `eid_holders` who held an EID before it was looked for.
    """

    services: Services
    type: str
    ledger: Ledger
    goldens: dict[str, Stored]
    holders: Mapping[str, str]
    sources: dict[str, Stored] = field(default_factory=dict)
    eid_holders: dict[str, str | None] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    contents: dict[str, Resource] = field(default_factory=dict)
    pending: list[Pending] = field(default_factory=list)
    settled: list[Pending] = field(default_factory=list)
    eid_goldens: dict[Eid, dict[str, None]] = field(default_factory=dict)

    def is_blocked(self, golden: str) -> bool:
        found = self.goldens.get(golden)
        return found is not None and is_blocked(found.resource)

    def eids(self, golden: str, *, without: str = "") -> frozenset[Eid]:
        """The EIDs that the sources of a golden record give it, leaving one of them out."""
        members = (link.source for link in self.ledger.members(golden) if link.source != without)
        rules = self.services.mdm.rules.eids
        return frozenset(
            eid for id in members if id in self.sources for eid in rules.of(self.sources[id].resource)
        )

    def with_eids(self, eids: Collection[Eid]) -> frozenset[str]:
        """The golden records that have, or had here, one of these EIDs."""
        return frozenset(golden for eid in eids for golden in self.eid_goldens.get(eid, ()))

    def note_eids(self, eids: Iterable[Eid], goldens: Collection[str]) -> None:
        """These golden records have these EIDs now."""
        for eid in eids:
            self.eid_goldens.setdefault(eid, {}).update(dict.fromkeys(goldens))


async def scene_of(
    services: Services, type: str, *, sources: Collection[str], goldens: Collection[str] = ()
) -> Scene:
    """The scene around these records. ClaimConflict where it changes while it is looked at."""
    first = await services.store.links(LinkQuery((type,), sources=sources, removed=True))
    known = {link.golden for link in first if not link.removed} | set(goldens)
    keys = [golden_key(type, golden) for golden in sorted(known)]
    holders = await services.store.holders(keys) if keys else {}
    links = {link.pair: link for link in first}
    if known:
        on_them = await services.store.links(LinkQuery((type,), goldens=known, removed=True))
        again = LinkQuery((type,), sources=known | set(sources), removed=True)
        links = {link.pair: link for link in (*on_them, *await services.store.links(again))}
    _refuse_unseen(type, links.values(), sources, known)
    stored = {s.id: s for s in await services.store.read_many(type, sorted(known))} if known else {}
    return Scene(services, type, Ledger(type, links.values(), services.clock()), stored, holders)


async def finished(scene: Scene, claims: Iterable[Claim] = ()) -> UnitOfWork:
    """What is to be committed: the links, the golden records as their sources make them now, the claims."""
    writes = await _golden_writes(scene)
    links = scene.ledger.changes()
    changed = {write.version.id for write in writes} | {link.golden for link in links}
    token = uuid4().hex
    own = [
        Claim(key, token, scene.holders.get(key))
        for golden in sorted((changed | scene.touched) & scene.goldens.keys())
        if (key := golden_key(scene.type, golden))
    ]
    eids = await _eid_claims(scene, writes)
    return UnitOfWork(writes, [*claims, *own, *eids], links, scene.pending, scene.settled)


def golden_key(type: str, golden: str) -> str:
    """The claim on what is linked to a golden record."""
    return f"mdm-golden:{type}/{golden}"


def eid_key(type: str, eid: Eid) -> str:
    """The claim on an EID, which one golden record alone may have."""
    return "mdm-eid:" + sha256(encode([type, *eid])).hexdigest()


def _refuse_unseen(
    type: str, links: Iterable[Link], sources: Collection[str], known: Collection[str]
) -> None:
    """The links of these sources must not lead to golden records whose claims weren't read."""
    for link in links:
        if not link.removed and link.source in sources and link.golden not in known:
            raise ClaimConflict(golden_key(type, link.golden))


async def _golden_writes(scene: Scene) -> list[Write]:
    """The golden records that change, each once; those that have no source any more are retired."""
    writes: dict[str, Write] = {}
    gone = [golden for golden in sorted(scene.touched) if not scene.ledger.members(golden)]
    for golden in gone:
        for retired in await _retired(scene, golden):
            writes[retired.id] = _deletion(scene, retired)
    left = [golden for golden in sorted(scene.touched) if golden not in gone]
    await _read_members(scene, left)
    for golden in left:
        if (write := _remade(scene, golden)) is not None:
            writes[golden] = write
    await _resubmit(scene)
    for golden, content in scene.contents.items():
        if golden not in scene.touched:
            writes[golden] = _written(scene, golden, content)
    return list(writes.values())


async def _retired(scene: Scene, golden: str) -> Sequence[Stored]:
    """The golden record and those merged into it, all of whose links go."""
    if golden in scene.contents or golden not in scene.goldens:
        return ()
    merged = [link.source for link in scene.ledger.on_golden(golden) if link.result is MatchResult.REDIRECT]
    for link in (*scene.ledger.on_golden(golden), *scene.ledger.of_source(golden)):
        if link.result is MatchResult.POSSIBLE_MATCH:
            scene.pending.append(Pending(scene.type, link.source, 0))
        scene.ledger.remove(link)
    others = await scene.services.store.read_many(scene.type, merged) if merged else ()
    return [scene.goldens[golden], *others]


async def _resubmit(scene: Scene) -> None:
    """Sources that lost what they were proposed for, and have nothing else, are to be linked anew."""
    lost = {each.id for each in scene.pending if not each.version}
    if not lost:
        return
    asked = LinkQuery((scene.type,), sources=lost, results=OPEN)
    stored = await scene.services.store.links(asked)
    kept = {link.source for link in stored if not scene.ledger.is_removed(link)}
    kept |= {id for id in lost if any(link.result in OPEN for link in scene.ledger.of_source(id))}
    heads = await scene.services.store.heads(scene.type, lost - kept)
    scene.pending[:] = [each for each in scene.pending if each.version]
    scene.pending += [Pending(scene.type, id, head.version) for id, head in heads.items() if not head.deleted]


async def _read_members(scene: Scene, goldens: Iterable[str]) -> None:
    await read_sources(scene, {link.source for golden in goldens for link in scene.ledger.members(golden)})


async def read_sources(scene: Scene, ids: Collection[str]) -> None:
    """Reads those of these records that aren't known yet."""
    missing = sorted(set(ids) - scene.sources.keys())
    if missing:
        found = await scene.services.store.read_many(scene.type, missing)
        scene.sources |= {stored.id: stored for stored in found}


def _remade(scene: Scene, golden: str) -> Write | None:
    """The golden record as its sources make it now; None where that is what it is."""
    mdm, stored = scene.services.mdm, scene.goldens.get(golden)
    before = scene.contents.get(golden) or (decode(stored.json) if stored else None)
    members = [_member(scene, link) for link in scene.ledger.members(golden) if link.source in scene.sources]
    making = Making(mdm.rules, lambda: mdm.scheme(uuid4().int), mdm.survive)
    blocked = any(mdm.rules.blocklist.blocks(member.resource) for member in members)
    content = golden_resource(making, scene.type, members, before, blocked=blocked)
    if stored is not None and same_content(decode(stored.json), {**content, "id": golden}):
        return None
    return _written(scene, golden, content)


def _member(scene: Scene, link: Link) -> Member:
    stored = scene.sources[link.source]
    trust = scene.services.mdm.rules.trust_of(stored.resource)
    return Member(stored.id, decode(stored.json), stored.last_updated, link.created, trust)


def _written(scene: Scene, golden: str, content: Resource) -> Write:
    head = head_of(scene.goldens.get(golden))
    now = after(scene.services.clock(), head)
    expected, method = (head.version, "PUT") if head else (0, "POST")
    return scene.services.intake.write(content, id=golden, expected=expected, now=now, method=method)


def _deletion(scene: Scene, stored: Stored) -> Write:
    now = after(scene.services.clock(), head_of(stored))
    return deletion(scene.type, stored.id, expected=stored.version, now=now)


async def _eid_claims(scene: Scene, writes: Iterable[Write]) -> list[Claim]:
    """Every EID that a golden record gets is its own from now on."""
    wanted: dict[str, str] = {}
    for write in writes:
        if not write.version.deleted:
            keys = (eid_key(scene.type, eid) for eid in _new_eids(scene, write))
            wanted |= dict.fromkeys(keys, f"{scene.type}/{write.version.id}")
    unknown = [key for key in wanted if key not in scene.eid_holders]
    read = await scene.services.store.holders(unknown) if unknown else {}
    holders = {**read, **scene.eid_holders}
    return [Claim(key, own, holders.get(key)) for key, own in wanted.items() if holders.get(key) != own]


def _new_eids(scene: Scene, write: Write) -> frozenset[Eid]:
    """The EIDs that a golden record has after a write and not before."""
    before = scene.goldens.get(write.version.id)
    had = _all_eids(scene, before.resource) if before else frozenset()
    return _all_eids(scene, write.version.resource) - had


def _all_eids(scene: Scene, golden: Resource) -> frozenset[Eid]:
    return scene.services.mdm.rules.eids.of(golden) | internal_eids(golden)
