"""Sources that were written, or are to be linked anew: what is decided of each, in their order.

Of writers that bring the same person at the same time one has to find the other. Whatever two records
could meet by, a blocking key or an EID, is claimed: its holder is read before the look-up, and must be
the same at the commit. Blocking keys share 65,536 claims, so that there are never more.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import uuid4

from fhir_mpi.fhir.json import encode
from fhir_mpi.fhir.outcome import MissingParameter, TooCostly
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.scene import Scene, eid_key, finished, read_sources, scene_of
from fhir_mpi.interactions.services import Services
from fhir_mpi.linkage.blocking import stored_keys
from fhir_mpi.linkage.model import LinkageModel
from fhir_mpi.linkage.record import Record, pack
from fhir_mpi.mdm.eid import Eid, contradict
from fhir_mpi.mdm.link import LinkSource, MatchResult
from fhir_mpi.mdm.linking import NEW, Compared, Decision, Found, Proposal, decide, result_of
from fhir_mpi.mdm.matching import Match
from fhir_mpi.mdm.ports import CandidateRow
from fhir_mpi.mdm.tags import GOLDEN, is_excluded, is_golden
from fhir_mpi.search.filters import And, Equals, Or, Query
from fhir_mpi.storage.port import Claim, Pending, Stored, UnitOfWork

Change: TypeAlias = Callable[[Scene], None]
"""What a person decides, before anything is decided of what arrives."""
BUCKETS: Final = 65_536
MOST_GOLDENS: Final = 100
"""Golden records with the EIDs of one source that are looked at."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A source record as it is from now on, deleted or not; `rematch` where it is to be compared anew."""

    stored: Stored
    rematch: bool = True

    @property
    def id(self) -> str:
        return self.stored.id


@dataclass(frozen=True, slots=True)
class Probe:
    """What a source is looked for by: by nothing where it has no keys, or is kept from matching."""

    record: Record
    keys: frozenset[int]
    own_keys: frozenset[int]
    eids: frozenset[Eid]
    blocked: bool


@dataclass(frozen=True, slots=True)
class Meeting:
    """What was found for a source; `matches` is None where there was too much to look at it now."""

    probe: Probe
    matches: Sequence[Match] | None


async def linked(
    services: Services,
    type: str,
    arrivals: Sequence[Arrival],
    *,
    most: int | None = None,
    goldens: Collection[str] = (),
    change: Change | None = None,
) -> UnitOfWork:
    """What links these sources. One that has more than `most` candidates is left for the queue.

    `change` comes before, on a scene in which these `goldens` are. ClaimConflict where what is looked at
    changes meanwhile.
    """
    blocking = await services.matchers[type].blocking()
    probes = {a.id: _probe(services, blocking, a.stored.resource) for a in arrivals if _is_compared(a)}
    buckets = _buckets(type, probes.values())
    holders = await services.store.holders(buckets) if buckets else {}
    meetings = await _meetings(services, blocking, probes, most)
    return await arranged(services, type, arrivals, meetings, holders, goldens=goldens, change=change)


async def arranged(
    services: Services,
    type: str,
    arrivals: Sequence[Arrival],
    meetings: Mapping[str, Meeting],
    holders: Mapping[str, str],
    *,
    goldens: Collection[str] = (),
    change: Change | None = None,
) -> UnitOfWork:
    """What links these sources, of which is known whom they met. `holders` are those of the buckets of
    their keys, from before they were looked up.
    """
    probes = [meeting.probe for meeting in meetings.values()]
    eid_keys = {eid_key(type, eid): eid for probe in probes for eid in probe.eids}
    eid_holders = await services.store.holders([*eid_keys]) if eid_keys else {}
    known = {*goldens, *await _with_eids(services, type, eid_keys.values())}
    matched = {match.id for meeting in meetings.values() for match in meeting.matches or ()}
    scene = await scene_of(services, type, sources={*matched, *(a.id for a in arrivals)}, goldens=known)
    scene.eid_holders = {key: eid_holders.get(key) for key in eid_keys}
    scene.sources = {a.id: a.stored for a in arrivals if not a.stored.deleted}
    if eid_keys or services.mdm.rules.eids.systems:
        await _read_all_members(scene)
    if change is not None:
        change(scene)
    for arrival in arrivals:
        _arrive(scene, arrival, meetings.get(arrival.id))
    token = uuid4().hex
    return await finished(scene, [Claim(key, token, holders.get(key)) for key in _buckets(type, probes)])


async def met(
    services: Services, type: str, resources: Iterable[Resource], known: Mapping[str, Sequence[Match]] | None
) -> Mapping[str, Meeting]:
    """Whom each of these sources meets, which are all stored; `known` says so in place of a look-up.

    One that its sender keeps from being compared isn't among them.
    """
    matcher = services.matchers[type]
    blocking, found = await matcher.blocking(), dict[str, Meeting]()
    for resource in resources:
        if is_excluded(resource):
            continue
        probe, id = _probe(services, blocking, resource), resource["id"]
        if known is not None or not probe.keys or probe.blocked:
            found[id] = Meeting(probe, () if known is None or probe.blocked else known.get(id, ()))
            continue
        stored = await services.store.candidates(type, probe.keys, cap=blocking.cap)
        rows = [row for row in stored.rows if row.id != id]
        found[id] = Meeting(probe, await matcher.judged(probe.record, rows))
    return found


def bucket(type: str, key: int) -> str:
    """The claim that those share who can meet by a blocking key."""
    return f"mdm:{type}:{key % BUCKETS}"


def _buckets(type: str, probes: Iterable[Probe]) -> Sequence[str]:
    return sorted({bucket(type, key) for probe in probes for key in probe.keys | probe.own_keys})


def _is_compared(arrival: Arrival) -> bool:
    return arrival.rematch and not arrival.stored.deleted and not is_excluded(arrival.stored.resource)


def _probe(services: Services, blocking: LinkageModel, resource: Resource) -> Probe:
    cleaned = services.mdm.cleaned(resource)
    matcher = services.matchers[resource["resourceType"]]
    record = blocking.record(cleaned)._replace(id=resource["id"])
    eids = services.mdm.rules.eids.of(cleaned)
    blocked = services.mdm.rules.blocklist.blocks(cleaned)
    try:
        keys = matcher.keys(blocking, record)
    except (MissingParameter, TooCostly):  # nothing, or far too much, to compare by
        return Probe(record, frozenset(), frozenset(), eids, blocked)
    return Probe(record, keys, stored_keys(blocking, record), eids, blocked)


async def _with_eids(services: Services, type: str, eids: Iterable[Eid]) -> set[str]:
    """The golden records that have one of these."""
    entries = tuple(Equals("identifier", f"{system}|{value}") for system, value in sorted(eids))
    if not entries:
        return set()
    golden = Equals("_tag", f"{GOLDEN['system']}|{GOLDEN['code']}")
    query = Query(type, And((Or(entries), golden)), MOST_GOLDENS * len(entries))
    page = await services.store.search(query)
    return {stored.id for stored in page.resources if is_golden(stored.resource)}


async def _meetings(
    services: Services, blocking: LinkageModel, probes: Mapping[str, Probe], most: int | None
) -> Mapping[str, Meeting]:
    """The matches of each source, those that arrive with it among them."""
    type, found = blocking.resource_type, dict[str, Meeting]()
    matcher = services.matchers[type]
    for id, probe in probes.items():
        if not probe.keys or probe.blocked:
            found[id] = Meeting(probe, ())
            continue
        stored = await services.store.candidates(type, probe.keys, cap=blocking.cap)
        rows = [row for row in stored.rows if row.id not in probes]
        rows += [
            CandidateRow(other, pack(beside.record))
            for other, beside in probes.items()
            if other != id and beside.own_keys & probe.keys
        ]
        few = most is None or len(rows) <= most
        found[id] = Meeting(probe, await matcher.judged(probe.record, rows) if few else None)
    return found


async def _read_all_members(scene: Scene) -> None:
    """Who is matched to these golden records: they give them their EIDs."""
    await read_sources(
        scene, {link.source for golden in scene.goldens for link in scene.ledger.members(golden)}
    )
    for golden in scene.goldens:
        scene.note_eids(scene.eids(golden), [golden])


def _arrive(scene: Scene, arrival: Arrival, meeting: Meeting | None) -> None:
    ledger, id = scene.ledger, arrival.id
    scene.touched |= _matched(scene, id)
    waits = meeting is not None and meeting.matches is None
    done = Pending(scene.type, id, arrival.stored.version)
    (scene.pending if waits else scene.settled).append(done)
    if arrival.stored.deleted:
        for link in ledger.of_source(id):
            ledger.remove(link)
    elif meeting is not None and meeting.matches is not None:
        _link(scene, id, meeting)
    elif arrival.rematch and meeting is None:
        ledger.apply(id, decide(_alone(scene, id)))
    scene.touched |= _matched(scene, id)
    if meeting is not None and meeting.probe.eids:
        scene.note_eids(meeting.probe.eids, _matched(scene, id))


def _link(scene: Scene, id: str, meeting: Meeting) -> None:
    decision = decide(_found(scene, id, meeting))
    made = decision.match is not None and decision.match.golden == NEW
    if made:
        decision = _with_id(decision, scene.services.new_id())
    scene.ledger.apply(id, decision)
    if made and decision.match is not None:
        scene.ledger.put(decision.match.golden, id, MatchResult.MATCH, LinkSource.AUTO, made_golden=True)


def _with_id(decision: Decision, golden: str) -> Decision:
    """The decision with a golden record in place of NEW."""
    duplicates = tuple((golden if first == NEW else first, other) for first, other in decision.duplicates)
    return Decision(Proposal(golden), decision.reviews, duplicates, decision.eid_match)


def _matched(scene: Scene, source: str) -> set[str]:
    link = scene.ledger.matched_to(source)
    return set() if link is None else {link.golden}


def _alone(scene: Scene, id: str) -> Found:
    """What is known of a source that isn't compared."""
    match = scene.ledger.matched_to(id)
    manual = match is not None and match.link_source is LinkSource.MANUAL
    return Found(manual=manual, excluded=is_excluded(scene.sources[id].resource))


def _found(scene: Scene, id: str, meeting: Meeting) -> Found:
    ledger, match = scene.ledger, scene.ledger.matched_to(id)
    current = match.golden if match else None
    refused = {link.golden for link in ledger.of_source(id) if link.result is MatchResult.NO_MATCH}
    compared = [_compared(scene, each) for each in meeting.matches or ()]
    own = meeting.probe.eids
    by_eid = scene.with_eids(own)
    around = {current, *by_eid, *(each.golden for each in compared)} - {None} if own else set()
    eids = {str(golden): scene.eids(str(golden), without=id) for golden in around}
    several = not scene.services.mdm.rules.eids.prevent_multiple
    return Found(
        current=current,
        alone=current is not None and len(ledger.members(current)) == 1,
        manual=match is not None and match.link_source is LinkSource.MANUAL,
        blocked=meeting.probe.blocked,
        matchable=bool(meeting.probe.keys or own),
        refused=frozenset(refused),
        by_eid=tuple(sorted(golden for golden, theirs in eids.items() if theirs & own)),
        contradicted=frozenset(
            golden
            for golden, theirs in eids.items()
            if contradict(theirs, own) and not (several and golden == current)
        ),
        compared=tuple(each for each in compared if not scene.is_blocked(str(each.golden))),
    )


def _compared(scene: Scene, match: Match) -> Compared:
    link = scene.ledger.matched_to(match.id)
    explained = [[o.comparison, o.level, round(o.weight, 3)] for o in match.outcomes]
    return Compared(
        match.id,
        link.golden if link else None,
        result_of(match.grade),
        round(match.score, 6),
        encode({"source": match.id, "grade": str(match.grade), "comparisons": explained}).decode(),
    )
