"""Training: records in, a linkage model that the server serves out, and what a report says of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log2
from typing import Any, Final

from fhir_mpi import __version__
from fhir_mpi.batch.labels import Labels
from fhir_mpi.batch.reading import UnreadableInput
from fhir_mpi.batch.training.blocking import RuleCount, key_records, keyed_pairs, rule_counts
from fhir_mpi.batch.training.document import term_frequencies, trained_document
from fhir_mpi.batch.training.estimating import (
    FEWEST_PAIRS,
    SESSIONS,
    Estimates,
    Session,
    m_by_em,
    m_by_labels,
    sampled_u,
)
from fhir_mpi.batch.training.extra import Extra
from fhir_mpi.batch.training.linking import TABLE, connected
from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter
from fhir_mpi.linkage.model import LinkageModel, load_model
from fhir_mpi.linkage.record import Record, unpack

PAIRS_DRAWN: Final = 20_000
RECORDS_DRAWN: Final = 10_000


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train: a base model's JSON, a name, random pairs for u, and labels for m, or EM without."""

    base: Json
    name: str
    pairs: int
    seed: int
    labels: Labels | None
    sessions: Sequence[Session]
    now: datetime


@dataclass(frozen=True, slots=True)
class Trained:
    """The model as JSON, and what was seen on the way."""

    document: Json
    records: int
    rules: Sequence[RuleCount]
    weights: Sequence[float]
    """Of pairs that share a key, in bits."""
    own_weights: Sequence[float]
    """Of records compared with themselves, in bits: what can't reach a grade even so is unlinkable."""
    warnings: Sequence[str]

    @property
    def model(self) -> LinkageModel:
        return load_model(self.document)


def train(found: Extra, records: Iterable[Record], plan: Plan, on_step: Callable[[str], None]) -> Trained:
    """The trained model. UnreadableInput where there are too few records or labelled pairs to learn from."""
    base = load_model(plan.base)
    connection = connected(found, base, records, threads=1)
    [(total,)] = connection.execute(f"SELECT count(*) FROM {TABLE}").fetchall()  # noqa: S608 - our own table
    if total < 2:
        raise UnreadableInput(f"{total} records are too few to train on")
    on_step(f"u over {plan.pairs:,} random pairs of {total:,} records")
    u = sampled_u(found, connection, base, plan.pairs, plan.seed)
    m, notes = _estimated_m(found, connection, base, plan, u, on_step)
    document = trained_document(
        plan.base,
        name=plan.name,
        m=m,
        u=u,
        tables=term_frequencies(connection, base),
        provenance=[*_provenance(found, plan, total), *notes],
    )
    on_step("blocking keys and match weights")
    key_records(found, connection, base)
    return _reported(connection, document, total)


def sessions_of(type: str) -> Sequence[Session]:
    return SESSIONS[type]


def _estimated_m(
    found: Extra,
    connection: Any,
    base: LinkageModel,
    plan: Plan,
    u: Estimates,
    on_step: Callable[[str], None],
) -> tuple[Estimates, Sequence[str]]:
    if plan.labels is None:
        m, notes = m_by_em(found, connection, base, u, plan.sessions, on_step)
        if not m:
            raise UnreadableInput("; ".join(notes) + ": nothing to learn from; give --labels")
        return m, notes
    on_step(f"m over {len(plan.labels.matches):,} labelled pairs")
    pairs = _labelled(connection, plan.labels)
    if len(pairs) < FEWEST_PAIRS:
        raise UnreadableInput(
            f"{len(pairs)} labelled pairs of one person are among these records; it takes {FEWEST_PAIRS}"
        )
    return m_by_labels(base, pairs), [f"m counted with Laplace's rule over {len(pairs)} labelled pairs"]


def _labelled(connection: Any, labels: Labels) -> Sequence[tuple[Record, Record]]:
    """Those pairs of one person of which both records are here."""
    wanted = {id for pair in labels.matches for id in pair}
    rows = connection.execute(
        f"SELECT unique_id, record FROM {TABLE} WHERE unique_id IN (SELECT unnest(?))",  # noqa: S608
        [sorted(wanted)],
    ).fetchall()
    known = {id: unpack(id, packed) for id, packed in rows}
    return [(known[one], known[other]) for one, other in labels.matches if one in known and other in known]


def _provenance(found: Extra, plan: Plan, total: int) -> list[str]:
    base = plan.base
    return [
        f"trained on {plan.now.date()} with fhir-mpi {__version__}, {found.versions}",
        f"{total} records; levels, blocking, guards and grades of {base['name']} {base['version']}",
        f"u by Splink over {plan.pairs} random pairs (seed {plan.seed}), with Laplace's rule",
        "term frequencies: the share of each value among these records",
        "no prior is kept: it is one in the number of records indexed, at least populationFloor",
    ]


def _reported(connection: Any, document: Json, total: int) -> Trained:
    model = load_model(document)
    engine = FellegiSunter(model)
    pairs = keyed_pairs(connection, model, PAIRS_DRAWN)
    drawn = connection.execute(
        f"SELECT unique_id, record FROM {TABLE} ORDER BY hash(unique_id), unique_id LIMIT {RECORDS_DRAWN}"  # noqa: S608
    ).fetchall()
    alone = [unpack(id, packed) for id, packed in drawn]
    return Trained(
        document=document,
        records=total,
        rules=rule_counts(connection, model),
        weights=[engine.score(a, [b], population=total)[0].weight for a, b in pairs],
        own_weights=[engine.score(a, [a], population=total)[0].weight for a in alone],
        warnings=_warnings(model),
    )


def _warnings(model: LinkageModel) -> Sequence[str]:
    """Comparisons in which agreeing is no evidence for one person: EM has then found something else."""
    return [
        f"{comparison.name}: that it is {level.label} is no evidence for one person; look at the report, or"
        " train by labels"
        for comparison in model.comparisons
        for level in comparison.levels[1:2]
        if log2(level.m / level.u) <= 0 and len(comparison.levels) > 2
    ]
