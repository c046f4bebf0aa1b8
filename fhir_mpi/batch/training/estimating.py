"""How often each level is true: u over random pairs, m over pairs of one person.

u by Splink over sampled pairs. m by its EM, or counted over labelled pairs with Laplace's rule: half a
pair is added to every level, so that nothing unseen is impossible (matching.md section 1).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from fhir_mpi.batch.training.extra import Extra
from fhir_mpi.batch.training.linking import TABLE, linker, settings_of, weighed
from fhir_mpi.linkage.fellegi_sunter import compiled
from fhir_mpi.linkage.model import LinkageModel
from fhir_mpi.linkage.record import Record
from fhir_mpi.linkage.weights import PROBABILITY_FLOOR, Comparison, Level

Estimates: TypeAlias = Mapping[tuple[str, str], float]
"""Comparison and level -> its probability; without those that were never observed."""
Session: TypeAlias = tuple[str, ...]
"""Columns that both records of a pair have the same value of, in one run of EM."""

FEWEST_PAIRS: Final = 20
"""Below it nothing is counted: labelled pairs of one person, and records that have a feature."""

MOST_PAIRS: Final = 20_000_000
"""Pairs of one EM session; each is compared in Python."""

SESSIONS: Final[Mapping[str, Sequence[Session]]] = {
    "Patient": (("given", "family"), ("given", "birth_date"), ("family", "birth_date")),
    "Organization": (("organization",), ("phone",), ("address",)),
}
"""Pairs of few strangers, and every comparison left open by one session at least."""


def sampled_u(found: Extra, connection: Any, model: LinkageModel, pairs: int, seed: int) -> Estimates:
    """The u of every level over so many random pairs, by Splink, then with Laplace's rule."""
    splink = linker(found, connection, settings_of(model, probabilities=False))
    whole = {"num_chunks": 1} if found.is_splink_5 else {}
    splink.training.estimate_u_using_random_sampling(max_pairs=pairs, seed=seed, **whole)
    seen = _read(splink, model, "u_probability")
    total = _count(connection, "*")
    drawn = min(pairs, total * (total - 1) / 2)
    smoothed: dict[tuple[str, str], float] = {}
    for comparison in weighed(model):
        known = _count(connection, comparison.feature)
        if known < FEWEST_PAIRS:
            continue
        compared = drawn * (known / max(total, 1)) ** 2
        levels = [level.label for level in comparison.levels if not level.null]
        counts = {label: compared * seen.get((comparison.name, label), 0.0) for label in levels}
        smoothed |= {(comparison.name, label): share for label, share in laplace(counts).items()}
    return smoothed


def _count(connection: Any, what: str) -> int:
    [(number,)] = connection.execute(f"SELECT count({what}) FROM {TABLE}").fetchall()  # noqa: S608 - a column
    return int(number)


def m_by_em(
    found: Extra,
    connection: Any,
    model: LinkageModel,
    u: Estimates,
    sessions: Sequence[Session],
    on_session: Callable[[str], None],
) -> tuple[Estimates, Sequence[str]]:
    """The m of every level that EM saw, and what is to be said of its sessions; u is kept as it is.

    EM begins with the model's own m. A comparison has the median of the sessions that leave it open.
    """
    start = with_probabilities(model, {}, u)
    splink = linker(found, connection, settings_of(start))
    notes = []
    for session in sessions:
        what = f"EM among pairs of the same {' and '.join(session)}"
        pairs = _session_pairs(connection, session)
        if not 0 < pairs <= MOST_PAIRS:
            notes.append(f"{what} was left out: there are {pairs} of them")
            continue
        on_session(f"{what}: {pairs:,}")
        splink.training.estimate_parameters_using_expectation_maximisation(
            found.splink.block_on(*session), estimate_without_term_frequencies=True
        )
        notes.append(f"m by Splink's {what}: {pairs}")
    m = _read(splink, model, "m_probability")
    begun = {(c.name, level.label): level.m for c in start.comparisons for level in c.levels}
    return {key: share for key, share in m.items() if share != begun[key]}, notes


def _session_pairs(connection: Any, session: Session) -> int:
    columns, known = ", ".join(session), " AND ".join(f"{column} IS NOT NULL" for column in session)
    [(pairs,)] = connection.execute(
        f"""SELECT coalesce(sum(n * (n - 1) / 2), 0)::BIGINT FROM
            (SELECT count(*) AS n FROM {TABLE} WHERE {known} GROUP BY {columns})"""  # noqa: S608 - features
    ).fetchall()
    return int(pairs)


def counted(model: LinkageModel, pairs: Iterable[tuple[Record, Record]]) -> Mapping[str, Mapping[str, float]]:
    """How often each level of each comparison was the first that was true; null levels left out."""
    compares = [(c.name, compiled(c, model)) for c in model.comparisons]
    found: dict[str, Counter[str]] = {name: Counter() for name, _ in compares}
    for one, other in pairs:
        for name, compare in compares:
            found[name][compare(one, other).level] += 1
    return {c.name: {label: found[c.name][label] for label in _labels(c)} for c in model.comparisons}


def m_by_labels(model: LinkageModel, pairs: Iterable[tuple[Record, Record]]) -> Estimates:
    """The m of every level, counted over pairs of one person with Laplace's rule.

    A comparison that too few of them allow is left out.
    """
    return {
        (name, label): share
        for name, counts in counted(model, pairs).items()
        if sum(counts.values()) >= FEWEST_PAIRS
        for label, share in laplace(counts).items()
    }


def laplace(counts: Mapping[str, float]) -> Mapping[str, float]:
    """
    >>> laplace({"exact": 2, "else": 0})
    {'exact': 0.8333333333333334, 'else': 0.16666666666666666}
    """
    total = sum(counts.values()) + 0.5 * len(counts)
    return {label: (count + 0.5) / total for label, count in counts.items()}


def with_probabilities(model: LinkageModel, m: Estimates, u: Estimates) -> LinkageModel:
    """The model with these m and u, all within what EM can start from; a level without keeps its own."""

    def level_with(comparison: Comparison, level: Level) -> Level:
        key = (comparison.name, level.label)
        return replace(level, m=_inside(m.get(key, level.m)), u=_inside(u.get(key, level.u)))

    comparisons = tuple(
        replace(c, levels=tuple(level if level.null else level_with(c, level) for level in c.levels))
        for c in model.comparisons
    )
    return replace(model, comparisons=comparisons)


def _inside(probability: float) -> float:
    return min(max(probability, PROBABILITY_FLOOR), 1 - PROBABILITY_FLOOR)


def _labels(comparison: Comparison) -> Sequence[str]:
    return [level.label for level in comparison.levels if not level.null]


def _read(splink: Any, model: LinkageModel, key: str) -> Estimates:
    """What the linker's model says of each level; Splink leaves out what it never saw."""
    document = splink.misc.save_model_to_json()
    return {
        (comparison.name, level.label): said[key]
        for comparison, theirs in zip(weighed(model), document["comparisons"], strict=True)
        for level, said in zip(comparison.levels, theirs["comparison_levels"], strict=True)
        if not level.null and key in said
    }
