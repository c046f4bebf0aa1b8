"""Writing: units of work, index replacement and imports, each inside one transaction."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from fhir_mpi.search.filters import IndexEntries
from fhir_mpi.storage.port import CandidateEntry, Stored, UnitOfWork, Write, WriteConflict
from fhir_mpi.storage.sqlite import candidates, claims, entries, jobs, links, marks, pending, reviews
from fhir_mpi.storage.sqlite.candidates import CandidateChange
from fhir_mpi.storage.sqlite.codes import Codes, Key, entry_keys
from fhir_mpi.storage.sqlite.entries import EntryChange
from fhir_mpi.storage.sqlite.resources import millis, versions

KEEP: Final = """
INSERT INTO history (pk, version, last_updated, method, json, type)
SELECT pk, version, last_updated, method, json, type FROM resource WHERE pk = ?
"""
CREATE: Final = """
INSERT INTO resource (version, last_updated, method, json, pk, type, id)
VALUES (?, ?, ?, CAST(? AS TEXT), ?, ?, ?)
"""
UPDATE: Final = (
    "UPDATE resource SET version = ?, last_updated = ?, method = ?, json = CAST(? AS TEXT) WHERE pk = ?"
)
EARLIER: Final = """
INSERT INTO history (version, last_updated, method, json, pk, type) VALUES (?, ?, ?, CAST(? AS TEXT), ?, ?)
"""
NOTHING_YET: Final = 0


@dataclass(frozen=True, slots=True)
class Place:
    """A write, the row it goes to, and the version that row has now: 0 for a row to be made."""

    write: Write
    type: int
    pk: int
    current: int

    @property
    def fresh(self) -> bool:
        return self.current == NOTHING_YET


def commit(
    connection: sqlite3.Connection, types: Mapping[str, int], codes: Codes, work: UnitOfWork
) -> Mapping[Key, int]:
    """Does every write and link, takes every claim and changes every job, or raises WriteConflict,
    ClaimConflict, LinkConflict, ReviewConflict, JobConflict or MarkMoved; the codes that it used, to be
    kept once committed.
    """
    marks.require(connection, work.marks)
    jobs.change(connection, work.jobs)
    claims.take(connection, work.claims)
    for version in work.standing:
        _require_current(connection, types, version)
    links.put(connection, types, work.links)
    reviews.put(connection, types, work.reviews)
    pending.settle(connection, types, work.settled)
    pending.put(connection, types, work.pending)
    places = _places(connection, types, work.writes)
    for place in places:
        if place.current != place.write.expected:
            version = place.write.version
            raise WriteConflict(version.type, version.id, place.write.expected, place.current)
    return _put(connection, codes, places)


def replace_index(
    connection: sqlite3.Connection,
    type: int,
    codes: Codes,
    changes: Mapping[str, tuple[int, IndexEntries | None, CandidateEntry | None]],
    required: Mapping[str, str],
) -> Mapping[Key, int]:
    """New entries for those that still are at the version named and not deleted."""
    marks.require(connection, required)
    kept: list[tuple[int, str, IndexEntries | None, CandidateEntry | None]] = []
    for id, (version, index, candidate) in changes.items():
        row = connection.execute(
            "SELECT pk FROM resource WHERE type = ? AND id = ? AND version = ? AND json IS NOT NULL",
            (type, id, version),
        ).fetchone()
        if row is not None:
            kept.append((row[0], id, index, candidate))
    return _index(
        connection,
        codes,
        [EntryChange(pk, type, index, False) for pk, _, index, _ in kept if index is not None],
        [CandidateChange(pk, type, id, candidate, False) for pk, id, _, candidate in kept],
    )


def import_versions(
    connection: sqlite3.Connection, types: Mapping[str, int], codes: Codes, writes: Sequence[Write]
) -> Mapping[Key, int]:
    """Versions as they are, between, below or above those that exist."""
    missing = [write for write in writes if not _exists(connection, types, write)]
    newest: list[Place] = []
    earlier: list[Place] = []
    for _, group in groupby(sorted(_places(connection, types, missing), key=_by_row), key=_row):
        *older, last = group
        earlier += older
        (newest if last.write.version.version > last.current else earlier).append(last)
    used = _put(connection, codes, newest)
    connection.executemany(
        EARLIER, [(*_facts(place.write.version), place.pk, place.type) for place in earlier]
    )
    return used


def _row(place: Place) -> int:
    return place.pk


def _by_row(place: Place) -> tuple[int, int]:
    return place.pk, place.write.version.version


def _exists(connection: sqlite3.Connection, types: Mapping[str, int], write: Write) -> bool:
    """Whether this very version is there; WriteConflict where it is there with other content."""
    version = write.version
    found = versions(
        connection, types[version.type], version.type, version.id, limit=1, below=version.version + 1
    )
    if not found or found[0].version != version.version:
        return False
    if found[0] != version:
        raise WriteConflict(version.type, version.id, write.expected, version.version)
    return True


def _require_current(connection: sqlite3.Connection, types: Mapping[str, int], version: Stored) -> None:
    row = connection.execute(
        "SELECT version FROM resource WHERE type = ? AND id = ?", (types[version.type], version.id)
    ).fetchone()
    found = row[0] if row else NOTHING_YET
    if found != version.version:
        raise WriteConflict(version.type, version.id, version.version, found)


def _places(connection: sqlite3.Connection, types: Mapping[str, int], writes: Iterable[Write]) -> list[Place]:
    """Where each write goes; those of one new resource share a row."""
    found: dict[tuple[int, str], tuple[int, int]] = {}
    free = connection.execute("SELECT coalesce(max(pk), 0) + 1 FROM resource").fetchone()[0]
    places: list[Place] = []
    for write in writes:
        key = (types[write.version.type], write.version.id)
        if key not in found:
            row = connection.execute(
                "SELECT pk, version FROM resource WHERE type = ? AND id = ?", key
            ).fetchone()
            found[key] = row or (free, NOTHING_YET)
            free += row is None
        places.append(Place(write, key[0], *found[key]))
    return places


def _put(connection: sqlite3.Connection, codes: Codes, places: Sequence[Place]) -> Mapping[Key, int]:
    """Makes each write the current version of its row, what was there before being kept."""
    old, new = [p for p in places if not p.fresh], [p for p in places if p.fresh]
    connection.executemany(KEEP, [(place.pk,) for place in old])
    connection.executemany(UPDATE, [(*_facts(p.write.version), p.pk) for p in old])
    connection.executemany(
        CREATE, [(*_facts(p.write.version), p.pk, p.type, p.write.version.id) for p in new]
    )
    return _index(
        connection,
        codes,
        [EntryChange(p.pk, p.type, _entries(p.write), p.fresh) for p in places],
        [CandidateChange(p.pk, p.type, p.write.version.id, _candidate(p.write), p.fresh) for p in places],
    )


def _index(
    connection: sqlite3.Connection,
    codes: Codes,
    changes: Sequence[EntryChange],
    candidate_changes: Sequence[CandidateChange],
) -> Mapping[Key, int]:
    keys = {key for change in changes for key in entry_keys(change.type, change.entries)}
    numbers = codes.ensure(connection, keys)
    entries.replace(connection, numbers, changes)
    candidates.replace(connection, candidate_changes)
    return numbers


def _entries(write: Write) -> IndexEntries:
    return {} if write.version.deleted else write.index


def _candidate(write: Write) -> CandidateEntry | None:
    return None if write.version.deleted else write.candidate


def _facts(version: Stored) -> tuple[int, int, str, bytes | None]:
    return version.version, millis(version.last_updated), version.method, version.json or None
