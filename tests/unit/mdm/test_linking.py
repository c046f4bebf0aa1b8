"""What is decided of a source: every case as a line."""

import pytest

from fhir_mpi.mdm.link import MatchResult
from fhir_mpi.mdm.linking import KEEP, NEW, RELEASE, Compared, Decision, Found, Proposal, decide

MATCH, POSSIBLE = MatchResult.MATCH, MatchResult.POSSIBLE_MATCH


def met(golden: str | None, result: MatchResult = MATCH, score: float = 0.9, source: str = "s") -> Compared:
    return Compared(source, golden, result, score)


A, B, MAYBE_A = met("A"), met("B", score=0.8), met("A", POSSIBLE, 0.5)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Found(), Decision(Proposal(NEW))),
        (Found(compared=(A,)), Decision(Proposal("A", A))),
        (Found(compared=(A, B)), Decision(None, (Proposal("A", A), Proposal("B", B)), (("A", "B"),))),
        (Found(compared=(MAYBE_A,)), Decision(None, (Proposal("A", MAYBE_A),))),
        (Found(compared=(B, MAYBE_A)), Decision(Proposal("B", B))),
        (Found(compared=(met(None),)), Decision(Proposal(NEW))),
        (Found(compared=(A,), refused=frozenset("A")), Decision(Proposal(NEW))),
        (Found(compared=(A,), manual=True), KEEP),
        (Found(compared=(A,), excluded=True), RELEASE),
        (Found(compared=(A,), blocked=True), Decision(Proposal(NEW))),
        (Found(matchable=False), KEEP),
        (Found(current="A", alone=True), Decision(Proposal("A"))),
        (Found(current="A", alone=False), Decision(Proposal(NEW))),
        (Found(current="A", alone=True, compared=(B,)), Decision(Proposal("B", B))),
        (Found(current="B", compared=(A, B)), Decision(Proposal("B", B), (), (("B", "A"),))),
        (Found(current="C", alone=True, compared=(MAYBE_A,)), Decision(Proposal("C"), (), (("C", "A"),))),
        (Found(current="C", compared=(MAYBE_A,)), Decision(None, (Proposal("A", MAYBE_A),))),
        (Found(compared=(A,), contradicted=frozenset("A")), Decision(Proposal(NEW), (), ((NEW, "A"),))),
        (Found(compared=(MAYBE_A,), contradicted=frozenset("A")), Decision(Proposal(NEW))),
        (Found(by_eid=("A",), compared=(B,)), Decision(Proposal("A"), eid_match=True)),
        (Found(by_eid=("A",), refused=frozenset("A"), compared=(B,)), Decision(Proposal("B", B))),
        (Found(by_eid=("A",), current="B"), Decision(Proposal("A"), (), (("A", "B"),), eid_match=True)),
        (Found(by_eid=("A",), current="B", alone=True), Decision(Proposal("A"), eid_match=True)),
        (
            Found(by_eid=("A", "B")),
            Decision(None, (Proposal("A"), Proposal("B")), (("A", "B"),), eid_match=True),
        ),
        (Found(by_eid=("A", "B"), current="B"), Decision(Proposal("B"), (), (("B", "A"),), eid_match=True)),
    ],
)
def test_a_source_is_decided_on(found: Found, expected: Decision) -> None:
    assert decide(found) == expected


def test_the_best_comparison_speaks_for_a_golden_record() -> None:
    worse, better = met("A", score=0.5, source="x"), met("A", score=0.7, source="y")
    assert decide(Found(compared=(worse, better))).match == Proposal("A", better)
