"""Whole-population linkage: Splink finds the pairs and weighs them, the server's own grades judge them.

Pairs that share a blocking key of the model (rules of last resort and keys over the cap left out) get
Splink's match weight by the model's m and u. Those that could reach the least grade are scored and graded
as `$match` would, household and guards included.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any, Final

from fhir_mpi.batch.training.blocking import KEYS, key_records
from fhir_mpi.batch.training.estimating import with_probabilities
from fhir_mpi.batch.training.extra import Extra
from fhir_mpi.batch.training.linking import TABLE, connected, linker, settings_of
from fhir_mpi.linkage.engine import ScoringEngine
from fhir_mpi.linkage.grades import Grader
from fhir_mpi.linkage.model import LinkageModel, MatchGrade
from fhir_mpi.linkage.record import Record, unpack

KEYED: Final = "keyed_people"
SLACK: Final = 20.0
"""Bits below the least grade at which Splink's pairs are still looked at: term frequencies of rare names
and what the household forgives come on top of its weight."""
_ROWS: Final = 10_000


@dataclass(frozen=True, slots=True)
class LinkedPair:
    """A pair, the lesser id first, as `$match` would judge it; `cluster` is the least id of its group."""

    one: str
    other: str
    grade: MatchGrade
    probability: float
    weight: float
    splink_weight: float
    guards: tuple[str, ...]
    cluster: str = ""


def linked_pairs(
    found: Extra,
    records: Iterable[Record],
    model: LinkageModel,
    engine: ScoringEngine,
    least: MatchGrade,
    on_step: Callable[[str], None],
) -> Iterator[LinkedPair]:
    """Every pair of at least this grade, in order of their ids."""
    on_step("records and blocking keys")
    connection = connected(found, model, records, threads=None)
    key_records(found, connection, model)
    population = _with_keys(connection, model)
    on_step(f"Splink over {population:,} records")
    rows = _predicted(found, connection, model, population, least)
    on_step("grades")
    grader = Grader(model)
    while batch := rows.fetchmany(_ROWS):
        for one, left, other, right, weight in batch:
            pair = _graded(engine, grader, population, unpack(one, left), unpack(other, right), weight)
            if pair.grade.rank <= least.rank:
                yield pair


def clustered(pairs: Sequence[LinkedPair], least: MatchGrade) -> dict[str, str]:
    """Each id of a pair of at least this grade -> the least id that is connected with it.

    >>> from fhir_mpi.linkage.model import MatchGrade as G
    >>> pairs = [LinkedPair(a, b, G.CERTAIN, 1.0, 9.0, 9.0, ()) for a, b in ("bc", "ab", "xy")]
    >>> clustered(pairs, G.PROBABLE)
    {'b': 'a', 'c': 'a', 'a': 'a', 'x': 'x', 'y': 'x'}
    """
    parent: dict[str, str] = {}

    def root(id: str) -> str:
        while parent.setdefault(id, id) != id:
            parent[id] = parent[parent[id]]
            id = parent[id]
        return id

    for pair in pairs:
        if pair.grade.rank <= least.rank:
            low, high = sorted((root(pair.one), root(pair.other)))
            parent[high] = low
    return {id: root(id) for id in parent}


def _with_keys(connection: Any, model: LinkageModel) -> int:
    """A table of the records with their keys, those over the cap left out; how many records there are."""
    connection.execute(
        f"""CREATE TABLE {KEYED} AS WITH few AS (
                SELECT rule, key FROM {KEYS} GROUP BY ALL HAVING count(*) BETWEEN 2 AND ?),
            own AS (SELECT unique_id, list(DISTINCT key) AS keys
                FROM {KEYS} JOIN few USING (rule, key) GROUP BY ALL)
            SELECT p.*, own.keys FROM {TABLE} p JOIN own USING (unique_id)""",  # noqa: S608 - our own tables
        [model.cap],
    )
    [(population,)] = connection.execute(f"SELECT count(*) FROM {TABLE}").fetchall()  # noqa: S608
    return int(population)


def _predicted(found: Extra, connection: Any, model: LinkageModel, population: int, least: MatchGrade) -> Any:
    """A cursor over pairs with both packed records and Splink's weight."""
    prior = 2 ** model.prior(population)
    rule = {"blocking_rule": "l.keys = r.keys", "sql_dialect": "duckdb", "arrays_to_explode": ["keys"]}
    settings = settings_of(
        with_probabilities(model, {}, {}),
        blocking_rules_to_generate_predictions=[rule],
        probability_two_random_records_match=prior,
    )
    floor = {
        MatchGrade.CERTAIN: model.thresholds.certain,
        MatchGrade.PROBABLE: model.thresholds.probable,
    }.get(least, model.thresholds.possible)
    lowest = log2(floor / (1 - floor)) - SLACK
    splink = linker(found, connection, settings, table=KEYED)
    predicted = splink.inference.predict(threshold_match_weight=lowest).physical_name
    rows = connection.cursor()
    rows.execute(
        f"""SELECT one, l.record, other, r.record, match_weight FROM (
                SELECT least(unique_id_l, unique_id_r) AS one, greatest(unique_id_l, unique_id_r) AS other,
                match_weight FROM {predicted})
            JOIN {TABLE} l ON l.unique_id = one JOIN {TABLE} r ON r.unique_id = other ORDER BY one, other"""  # noqa: S608
    )
    return rows


def _graded(
    engine: ScoringEngine, grader: Grader, population: int, one: Record, other: Record, splink_weight: float
) -> LinkedPair:
    [score] = engine.score(one, [other], population=population)
    grading = grader.grading(score, one, other)
    return LinkedPair(
        one.id, other.id, grading.grade, score.probability, score.weight, splink_weight, grading.guards
    )
