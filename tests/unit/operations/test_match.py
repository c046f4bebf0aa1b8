"""$match without a server: what the answer says of matches that are given."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from fhir_mpi.fhir.json import encode
from fhir_mpi.fhir.outcome import InvalidResource, InvalidValue, Issue
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.services import Limits, Services
from fhir_mpi.linkage.engine import ComparisonOutcome
from fhir_mpi.linkage.model import MatchGrade
from fhir_mpi.mdm.matching import Match, Matching
from fhir_mpi.operations.call import Call
from fhir_mpi.operations.match import EXPLANATION, match
from fhir_mpi.storage.port import Stored

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIMITS = Limits(2, 3, 20, 100, True, 100)
PATIENT = {"resourceType": "Patient", "name": [{"family": "Muster"}]}


def found(id: str, grade: MatchGrade = MatchGrade.CERTAIN, score: float = 0.9999999) -> Match:
    outcomes = (
        ComparisonOutcome("prior", "1 in 1000", -9.96578),
        ComparisonOutcome("family", "exact", 12.34567),
    )
    return Match(id, grade, score, 0.83912, 2.37989, outcomes, ("uncorroborated",) if id == "guarded" else ())


class Desk:
    """A store, a matcher and an intake that know what a test gives them."""

    def __init__(self, matching: Matching, *, gone: Sequence[str] = ()) -> None:
        self.matching, self.gone = matching, gone

    async def matches(self, resource: Resource) -> Matching:
        return self.matching

    async def read_many(self, type: str, ids: Sequence[str]) -> Sequence[Stored]:
        return [
            Stored(type, id, 1, NOW, "POST", b'{"id":"%s"}' % id.encode())
            for id in ids
            if id not in self.gone
        ]

    def check(self, resource: Resource) -> list[Issue]:
        if "bad" in resource:
            raise InvalidResource([Issue("structure", "bad")])
        return []


async def answer(*matches: Match, skipped: int = 0, gone: Sequence[str] = (), **values: Any) -> Any:
    desk: Any = Desk(Matching(matches, skipped, 9), gone=gone)
    services = Services(desk, desk, desk, desk, {"Patient": desk}, LIMITS, lambda: NOW, lambda: "new")
    call = Call({"resource": PATIENT, **values}, "http://x/fhir", "Patient")
    return json.loads(encode(await match(services, call)))


async def test_a_match_is_told_with_score_grade_and_working() -> None:
    bundle = await answer(found("guarded", MatchGrade.PROBABLE, 0.98765432))
    assert bundle == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 1,
        "entry": [
            {
                "fullUrl": "http://x/fhir/Patient/guarded",
                "resource": {"id": "guarded"},
                "search": {
                    "mode": "match",
                    "extension": [
                        {
                            "url": "http://hl7.org/fhir/StructureDefinition/match-grade",
                            "valueCode": "probable",
                        },
                        {
                            "url": EXPLANATION,
                            "extension": [
                                {"url": "weight", "valueDecimal": 2.380},
                                {"url": "probability", "valueDecimal": 0.839120},
                                {"url": "guard", "valueCode": "uncorroborated"},
                                compared("prior", "1 in 1000", -9.966),
                                compared("family", "exact", 12.346),
                            ],
                        },
                    ],
                    "score": 0.987654,
                },
            }
        ],
    }


def compared(name: str, level: str, weight: float) -> Any:
    return {
        "url": "comparison",
        "extension": [
            {"url": "name", "valueString": name},
            {"url": "level", "valueString": level},
            {"url": "weight", "valueDecimal": weight},
        ],
    }


@pytest.mark.parametrize(
    ("count", "answered", "told"),
    [(None, 2, "2 more"), (1, 1, None), (3, 3, None), (100, 3, None), (2, 2, None)],
)
async def test_a_count_bounds_the_answer_and_the_default_says_what_it_leaves_out(
    count: int | None, answered: int, told: str | None
) -> None:
    values: dict[str, Any] = {} if count is None else {"count": count}
    bundle = await answer(*(found(id) for id in "abcd"), **values)
    matches = [e["resource"]["id"] for e in bundle["entry"] if e["search"]["mode"] == "match"]
    assert (bundle["total"], matches) == (answered, list("abcd"[:answered]))
    warnings = [e["resource"]["issue"] for e in bundle["entry"] if e["search"]["mode"] == "outcome"]
    assert [issue["diagnostics"][:6] for issues in warnings for issue in issues] == ([told] if told else [])


@pytest.mark.parametrize("count", [0, -1])
async def test_a_count_below_one_is_refused(count: int) -> None:
    with pytest.raises(InvalidValue) as refused:
        await answer(found("a"), count=count)
    assert "count" in (refused.value.issues[0].expression or "")


async def test_skipped_blocking_keys_are_told_last() -> None:
    bundle = await answer(found("a"), skipped=4)
    last = bundle["entry"][-1]
    assert last["search"] == {"mode": "outcome"}
    assert last["resource"]["issue"][0]["diagnostics"].startswith("4 of 9 blocking keys")


async def test_a_record_that_is_deleted_in_between_is_left_out() -> None:
    bundle = await answer(found("a"), found("b"), gone=["a"])
    assert (bundle["total"], [e["resource"]["id"] for e in bundle["entry"]]) == (1, ["b"])


@pytest.mark.parametrize(
    ("values", "answered"),
    [
        ({"onlyCertainMatches": True}, ["a"]),
        ({"onlySingleMatch": True}, ["a"]),
        ({"onlyCertainMatches": True, "onlySingleMatch": True}, ["a"]),
        ({"onlyCertainMatches": False, "onlySingleMatch": False}, ["a", "b"]),
    ],
)
async def test_the_flags_choose(values: dict[str, Any], answered: list[str]) -> None:
    bundle = await answer(found("a"), found("b", MatchGrade.PROBABLE, 0.9), **values)
    assert [e["resource"]["id"] for e in bundle["entry"]] == answered


async def test_an_invalid_patient_is_refused_before_it_is_looked_for() -> None:
    with pytest.raises(InvalidResource):
        await answer(resource={"resourceType": "Patient", "bad": True})


async def test_nobody_found_is_an_empty_searchset() -> None:
    assert await answer() == {"resourceType": "Bundle", "type": "searchset", "total": 0}
