"""The tables of the embedded store, and the check that a file has these and no others."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final

from fhir_mpi.fhir.outcome import Unavailable
from fhir_mpi.storage.port import SCHEMA_VERSION

SCHEMA_MARK: Final = "schema"

# `resource` holds current versions and deletions (json NULL), `history` only the earlier versions, so
# that each body is stored once. Where a resource is expunged, its pk may be given out again: of what
# outlives a transaction only the position of a page holds one, and a page begun before needs no newer row.
# The index tables are clustered by pk, which tests one resource against a filter with a single seek and
# makes old entries easy to find; the indexes beside them find resources by value.
TABLES: Final = """
CREATE TABLE mark (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE type (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, population INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE code (
    id INTEGER PRIMARY KEY, type INTEGER NOT NULL REFERENCES type, kind TEXT NOT NULL, name TEXT NOT NULL,
    UNIQUE (type, kind, name)
) STRICT;
CREATE TABLE resource (
    pk INTEGER PRIMARY KEY, type INTEGER NOT NULL REFERENCES type, id TEXT NOT NULL,
    version INTEGER NOT NULL, last_updated INTEGER NOT NULL, method TEXT NOT NULL, json TEXT,
    UNIQUE (type, id)
) STRICT;
CREATE INDEX resource_current ON resource (type) WHERE json IS NOT NULL;
CREATE TABLE history (
    pk INTEGER NOT NULL REFERENCES resource, version INTEGER NOT NULL,
    last_updated INTEGER NOT NULL, method TEXT NOT NULL, json TEXT, type INTEGER REFERENCES type,
    UNIQUE (pk, version)
) STRICT;
CREATE TABLE ix_text (
    pk INTEGER NOT NULL, code INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (pk, code, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX ix_text_by_value ON ix_text (code, value, pk);
CREATE TABLE ix_range (
    pk INTEGER NOT NULL, code INTEGER NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
    PRIMARY KEY (pk, code, low, high)
) STRICT, WITHOUT ROWID;
CREATE INDEX ix_range_by_low ON ix_range (code, low, high, pk);
CREATE INDEX ix_range_by_high ON ix_range (code, high, low, pk);
CREATE TABLE candidate (
    pk INTEGER PRIMARY KEY REFERENCES resource, id TEXT NOT NULL, packed TEXT NOT NULL, keys BLOB NOT NULL
) STRICT;
CREATE TABLE candidate_key (
    type INTEGER NOT NULL, key INTEGER NOT NULL, pk INTEGER NOT NULL, PRIMARY KEY (type, key, pk)
) STRICT, WITHOUT ROWID;
"""

# Made in a file of an earlier release too: an older program on the same file only does without it.
CLAIMS = """
CREATE TABLE IF NOT EXISTS claim (key TEXT PRIMARY KEY, holder TEXT NOT NULL) STRICT, WITHOUT ROWID
"""

# What stewards did: every version. Links that can be sampled have a bucket; those that are indexed by it
# are as many as a setting can ask for.
REVIEWS: Final = """
CREATE TABLE IF NOT EXISTS review (
    type INTEGER NOT NULL REFERENCES type, golden TEXT NOT NULL, source TEXT NOT NULL,
    version INTEGER NOT NULL, state TEXT NOT NULL, assignee TEXT, at INTEGER NOT NULL, body TEXT NOT NULL,
    current INTEGER NOT NULL, PRIMARY KEY (type, golden, source, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS review_current ON review (type, state, at) WHERE current;
CREATE INDEX IF NOT EXISTS review_by_source ON review (type, source);
CREATE INDEX IF NOT EXISTS link_by_bucket ON link (type, bucket) WHERE bucket < 100000
"""
JOBS: Final = """
CREATE TABLE IF NOT EXISTS job (
    id TEXT PRIMARY KEY, revision INTEGER NOT NULL, due INTEGER NOT NULL, kind TEXT NOT NULL,
    parameters TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, owner TEXT,
    attempts INTEGER NOT NULL, progress TEXT NOT NULL, checkpoint TEXT, result TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS job_due ON job (due)
"""

# Files of an earlier release have a history without types, and an index that passes over deletions.
BY_TIME: Final = """
UPDATE history SET type = (SELECT type FROM resource WHERE resource.pk = history.pk) WHERE type IS NULL;
DROP INDEX IF EXISTS resource_by_time;
CREATE INDEX IF NOT EXISTS resource_changed ON resource (type, last_updated)
"""
HISTORY_BY_TIME: Final = (
    "CREATE INDEX IF NOT EXISTS history_changed ON history (type, last_updated, pk, version)"
)


# What is expunged is found, and its claims, without a look at all the others.
FOR_EXPUNGING: Final = """
CREATE INDEX IF NOT EXISTS resource_deleted ON resource (type) WHERE json IS NULL;
CREATE INDEX IF NOT EXISTS claim_by_holder ON claim (holder)
"""

# Links are clustered by golden record: all of one are read whenever one of its sources changes.
LINKS: Final = """
CREATE TABLE IF NOT EXISTS link (
    type INTEGER NOT NULL REFERENCES type, golden TEXT NOT NULL, source TEXT NOT NULL, result TEXT NOT NULL,
    link_source TEXT NOT NULL, version INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
    eid_match INTEGER NOT NULL, made_golden INTEGER NOT NULL, score REAL, explanation TEXT,
    removed INTEGER NOT NULL, PRIMARY KEY (type, golden, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS link_by_source ON link (type, source);
CREATE INDEX IF NOT EXISTS link_by_result ON link (type, result, link_source);
CREATE TABLE IF NOT EXISTS link_history (
    type INTEGER NOT NULL REFERENCES type, golden TEXT NOT NULL, source TEXT NOT NULL, result TEXT NOT NULL,
    link_source TEXT NOT NULL, version INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
    eid_match INTEGER NOT NULL, made_golden INTEGER NOT NULL, score REAL, explanation TEXT,
    removed INTEGER NOT NULL, PRIMARY KEY (type, golden, source, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS link_history_by_source ON link_history (type, source);
CREATE TABLE IF NOT EXISTS pending (
    place INTEGER PRIMARY KEY, type INTEGER NOT NULL REFERENCES type, id TEXT NOT NULL,
    version INTEGER NOT NULL, UNIQUE (type, id)
) STRICT
"""


def prepare(connection: sqlite3.Connection, types: Iterable[str]) -> Mapping[str, int]:
    """Makes the tables in an empty file, checks them in any other; every known type by name.

    Raises Unavailable where the file has the schema of another release, or is no index at all.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            _create(connection)
        _check(connection)
        for statement in (CLAIMS, *LINKS.split(";\n"), *JOBS.split(";\n")):
            connection.execute(statement)
        _make_sampled(connection)
        for statement in REVIEWS.split(";\n"):
            connection.execute(statement)
        _order_by_time(connection)
        known = dict(connection.execute("SELECT name, id FROM type"))
        missing = [(name,) for name in types if name not in known]
        connection.executemany("INSERT INTO type (name) VALUES (?)", missing)
        known = dict(connection.execute("SELECT name, id FROM type"))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return known


def _make_sampled(connection: sqlite3.Connection) -> None:
    """Links made before they could be sampled get their buckets when they next change."""
    if "bucket" not in {row[1] for row in connection.execute("PRAGMA table_info(link)")}:
        connection.execute("ALTER TABLE link ADD COLUMN bucket INTEGER")


def _order_by_time(connection: sqlite3.Connection) -> None:
    """What the changes of a type are read along."""
    columns = {row[1] for row in connection.execute("PRAGMA table_info(history)")}
    if "type" not in columns:
        connection.execute("ALTER TABLE history ADD COLUMN type INTEGER REFERENCES type")
    connection.execute(HISTORY_BY_TIME)
    for statement in (*BY_TIME.split(";\n"), *FOR_EXPUNGING.split(";\n")):
        connection.execute(statement)


def _create(connection: sqlite3.Connection) -> None:
    for statement in TABLES.split(";\n"):
        connection.execute(statement)
    connection.execute("INSERT INTO mark VALUES (?, ?)", (SCHEMA_MARK, str(SCHEMA_VERSION)))


def _check(connection: sqlite3.Connection) -> None:
    row = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'mark'").fetchone()
    found = row and connection.execute("SELECT value FROM mark WHERE name = ?", (SCHEMA_MARK,)).fetchone()
    if not found:
        raise Unavailable("the file is an SQLite database of something else, not a patient index")
    if found[0] != str(SCHEMA_VERSION):
        raise Unavailable(
            f"the file has schema {found[0]}, this release reads and writes schema {SCHEMA_VERSION}; "
            "export it with the release that made it and import it here"
        )
