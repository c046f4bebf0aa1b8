"""The engine `hapi-rules`: match fields are compared, and rules over matched fields decide.

The arithmetic is HAPI's: a matcher counts 1 where it matches, a similarity its value from its threshold on,
and their sum over the number of the type's match fields is the score. An EID in common decides alone.
"""

from collections.abc import Mapping, Sequence
from math import log2
from typing import Any, Final

from fhir_mpi.linkage.engine import ComparisonOutcome, MatchScore, Verdict
from fhir_mpi.linkage.hapi.columns import PART, Values, values_of
from fhir_mpi.linkage.hapi.rules import MATCH, POSSIBLE_MATCH, MatchField, eid_column
from fhir_mpi.linkage.model import InvalidModel, LinkageModel, MatchGrade, Thresholds
from fhir_mpi.linkage.record import Record

RULE: Final = "rule"
"""The outcome that says which rule decided; the match fields' own weigh nothing."""
NO_RULE: Final = "none"
EID: Final = "eid"
MATCHED, UNMATCHED = "matched", "not-matched"
NO_RULES: Final = (
    "HAPI-1521: Failed to load MDM Rules.  If MDM is enabled, then MDM rules must be available in context."
)
GRADES: Final[Mapping[str | None, MatchGrade]] = {
    MATCH: MatchGrade.CERTAIN,
    POSSIBLE_MATCH: MatchGrade.POSSIBLE,
    None: MatchGrade.CERTAINLY_NOT,
}


class HapiRules:
    """Scores pairs as HAPI does by the model's `mdm_rules`; InvalidModel where it has none for its type.

    `probability` and `weight` only say which grade it is: the middle of its band.
    """

    name = "hapi-rules"

    def __init__(self, model: LinkageModel) -> None:
        rules, type = model.mdm_rules, model.resource_type
        if rules is None:
            raise InvalidModel([NO_RULES])
        if type not in rules.types:
            raise InvalidModel([f"the rules file's mdmTypes are {', '.join(rules.types)}: not {type}"])
        self._rules = rules
        self._fields = [(field, model.columns.index(field.column)) for field in rules.fields_of(type)]
        self._systems = tuple(system + PART for system in rules.eid_systems_of(type))
        self._eids = model.columns.index(eid_column(type)) if self._systems else None
        self._weights = {grade: _weight(grade, model.thresholds) for grade in MatchGrade}

    def score(
        self, record: Record, candidates: Sequence[Record], /, *, population: int
    ) -> Sequence[MatchScore]:
        """One score per candidate, in their order, whatever the population."""
        asked = [(field, at, field.judge.prepare(_column(record, at))) for field, at in self._fields]
        eids = self._eids_of(record)
        return [self._score(asked, eids, candidate) for candidate in candidates]

    def _score(
        self, asked: Sequence[tuple[MatchField, int, Any]], eids: frozenset[str], candidate: Record
    ) -> MatchScore:
        if eids and not eids.isdisjoint(self._eids_of(candidate)):
            return self._told(MatchGrade.CERTAIN, 1.0, EID, [])
        total, matched, told = 0.0, [], []
        columns = [values_of(text) for text in candidate.columns]
        for field, at, prepared in asked:
            judge = field.judge
            found = judge.agreement(prepared, judge.prepare(columns[at] if columns else ()))
            if found >= field.threshold:
                matched.append(field.name)
                total += found
                told.append(ComparisonOutcome(field.name, MATCHED, 0.0, found))
            else:
                told.append(ComparisonOutcome(field.name, UNMATCHED, 0.0, found))
        rule = self._rules.verdict(frozenset(matched))
        grade = GRADES[rule.result if rule else None]
        return self._told(grade, total / (len(asked) or 1), rule.key if rule else NO_RULE, told)

    def _told(
        self, grade: MatchGrade, score: float, rule: str, outcomes: Sequence[ComparisonOutcome]
    ) -> MatchScore:
        probability, weight = self._weights[grade]
        decided = ComparisonOutcome(RULE, rule, weight)
        return MatchScore(weight, probability, (decided, *outcomes), Verdict(grade, score))

    def _eids_of(self, record: Record) -> frozenset[str]:
        if self._eids is None:
            return frozenset()
        values = _column(record, self._eids)
        return frozenset([value for value in values if value.startswith(self._systems)])


def _column(record: Record, at: int) -> Values:
    return values_of(record.columns[at]) if at < len(record.columns) else ()


def _weight(grade: MatchGrade, thresholds: Thresholds) -> tuple[float, float]:
    """The probability in the middle of the grade's band, and its log-odds."""
    bounds = (1.0, thresholds.certain, thresholds.probable, thresholds.possible, 0.0)
    probability = (bounds[grade.rank] + bounds[grade.rank + 1]) / 2
    return probability, log2(probability / (1 - probability))
