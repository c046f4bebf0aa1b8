"""Blocking keys as a table of DuckDB: how many pairs each rule makes, and which they are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from fhir_mpi.batch.training.extra import Extra
from fhir_mpi.batch.training.linking import TABLE, append
from fhir_mpi.linkage.blocking import stored_keys
from fhir_mpi.linkage.model import LinkageModel
from fhir_mpi.linkage.record import Record, unpack

KEYS: Final = "blocking_keys"
_COLUMNS: Final = {"unique_id": "string", "rule": "string", "key": "int64"}
_ROWS: Final = 10_000


@dataclass(frozen=True, slots=True)
class RuleCount:
    """What one blocking rule does: keys with a second record, pairs, and keys over the cap with theirs."""

    rule: str
    shared: int
    pairs: int
    over_cap: int
    pairs_left_out: int


def key_records(found: Extra, connection: Any, model: LinkageModel) -> None:
    """Fills the table of keys. Rules of last resort are left out, as they are where a probe has others."""
    connection.execute(f"CREATE TABLE {KEYS} (unique_id VARCHAR, rule VARCHAR, key BIGINT)")
    rules = [replace(model, blocking_rules=(r,)) for r in model.blocking_rules if not r.last_resort]
    reader = connection.cursor()
    reader.execute(f"SELECT unique_id, record FROM {TABLE}")  # noqa: S608 - our own table
    while rows := reader.fetchmany(_ROWS):
        records = [unpack(id, packed) for id, packed in rows]
        append(found, connection, KEYS, _COLUMNS, [key for rule in rules for key in _keys(rule, records)])


def rule_counts(connection: Any, model: LinkageModel) -> Sequence[RuleCount]:
    """What each rule does, in the model's order; pairs that several rules make are counted for each."""
    rows = connection.execute(
        f"""SELECT rule, count(*), sum(CASE WHEN n <= ? THEN n * (n - 1) / 2 ELSE 0 END)::BIGINT,
            count(*) FILTER (n > ?), sum(CASE WHEN n > ? THEN n * (n - 1) / 2 ELSE 0 END)::BIGINT
            FROM (SELECT rule, key, count(*) AS n FROM {KEYS} GROUP BY ALL HAVING n > 1) GROUP BY rule""",  # noqa: S608
        [model.cap] * 3,
    ).fetchall()
    known = {row[0]: RuleCount(*row) for row in rows}
    return [
        known.get(r.name, RuleCount(r.name, 0, 0, 0, 0)) for r in model.blocking_rules if not r.last_resort
    ]


def keyed_pairs(connection: Any, model: LinkageModel, most: int) -> Sequence[tuple[Record, Record]]:
    """So many pairs that share a key, the same ones every time."""
    rows = connection.execute(
        f"""WITH few AS (SELECT key FROM {KEYS} GROUP BY key HAVING count(*) BETWEEN 2 AND ?),
            pairs AS (SELECT DISTINCT a.unique_id AS one, b.unique_id AS other
                FROM {KEYS} a JOIN few USING (key) JOIN {KEYS} b USING (key)
                WHERE a.unique_id < b.unique_id ORDER BY hash(one, other), one, other LIMIT ?)
            SELECT one, l.record, other, r.record FROM pairs
            JOIN {TABLE} l ON l.unique_id = one JOIN {TABLE} r ON r.unique_id = other""",  # noqa: S608
        [model.cap, most],
    ).fetchall()
    return [(unpack(one, left), unpack(other, right)) for one, left, other, right in rows]


def _keys(rule: LinkageModel, records: Sequence[Record]) -> Sequence[tuple[str, str, int]]:
    name = rule.blocking_rules[0].name
    return [(record.id, name, key) for record in records for key in stored_keys(rule, record)]
