"""Matching: one query, best first, nothing hidden."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest

from fhir_mpi.fhir.outcome import MissingParameter, TooCostly
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.linkage.blocking import probe_keys, stored_keys
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter
from fhir_mpi.linkage.model import MatchGrade, default_model
from fhir_mpi.linkage.record import pack, record_of
from fhir_mpi.mdm.matching import Match, Matcher, Matching, certain_only, single_only
from fhir_mpi.mdm.ports import CandidateRow, CandidateSet

MODEL = default_model("Patient")


class FewPeople:
    """Candidates in a dict, and the questions that were asked."""

    def __init__(self, *patients: Resource, skipped: int = 0) -> None:
        self._records = [record_of(patient) for patient in patients]
        self._skipped = skipped
        self.asked: list[tuple[str, Collection[int], int]] = []
        self.looked_up: list[list[str]] = []

    async def candidates(self, type: str, keys: Collection[int], /, *, cap: int) -> CandidateSet:
        self.asked.append((type, keys, cap))
        rows = [CandidateRow(r.id, pack(r)) for r in self._records if stored_keys(MODEL, r) & set(keys)]
        return CandidateSet(rows, frozenset(list(keys)[: self._skipped]))

    async def candidate_records(self, type: str, ids: Collection[str], /) -> list[CandidateRow]:
        self.looked_up.append(sorted(ids))
        return [CandidateRow(r.id, pack(r)) for r in self._records if r.id in ids]

    async def population(self, type: str, /) -> int:
        return 1_000_000


def _patient(id: str, **changes: object) -> Resource:
    jane: Json = {
        "resourceType": "Patient",
        "id": id,
        "name": [{"family": "Thornbury", "given": ["Jane"]}],
        "gender": "female",
        "birthDate": "1980-02-03",
        "telecom": [{"system": "phone", "value": "201-555-0188"}],
        "address": [{"line": ["1 Hill Road"], "postalCode": "18503"}],
    }
    return jane | changes


async def _matches(probe: Resource, *patients: Resource) -> Matching:
    return await Matcher(MODEL, FellegiSunter(MODEL), FewPeople(*patients)).matches(probe)


TWIN = _patient("twin", name=[{"family": "Thornbury", "given": ["Agatha"]}])
MOVED = _patient("moved", address=[], telecom=[])
STRANGER = _patient(
    "stranger", name=[{"family": "Doe", "given": ["Al"]}], birthDate="1950-01-02", telecom=[], gender="male"
)


@pytest.mark.anyio
async def test_matches_come_best_first_and_strangers_not_at_all() -> None:
    found = await _matches(_patient("probe"), TWIN, STRANGER, MOVED, _patient("same"))
    assert [(m.id, m.grade.value) for m in found.matches] == [
        ("same", "certain"),
        ("moved", "probable"),
        ("twin", "possible"),
    ]
    assert [m.score for m in found.matches] == sorted((m.score for m in found.matches), reverse=True)


@pytest.mark.anyio
async def test_a_match_explains_itself() -> None:
    found = await _matches(_patient("probe"), TWIN)
    [match] = found.matches
    assert match.guards == ("given-name-differs",)
    assert match.score == pytest.approx(0.8999)
    assert match.weight == sum(o.weight for o in match.outcomes)
    assert ("given", "else") in [(o.comparison, o.level) for o in match.outcomes]


@pytest.mark.anyio
async def test_equal_matches_are_ordered_by_weight_then_id() -> None:
    other = _patient("lighter", gender="male", name=[{"family": "Thornbury", "given": ["Agatha"]}])
    found = await _matches(_patient("probe"), other, TWIN | {"id": "twin-b"}, TWIN | {"id": "twin-a"})
    assert [m.id for m in found.matches] == ["twin-a", "twin-b", "lighter"]


@pytest.mark.anyio
async def test_one_query_asks_for_every_key_with_the_models_cap() -> None:
    store = FewPeople(skipped=2)
    probe = _patient("probe")
    found = await Matcher(MODEL, FellegiSunter(MODEL), store).matches(probe)
    keys = probe_keys(MODEL, record_of(probe))
    assert store.asked == [("Patient", keys, MODEL.cap)]
    assert found == Matching((), skipped=2, keys=len(keys))


@pytest.mark.anyio
@pytest.mark.parametrize(
    "changes",
    [
        {"name": [], "birthDate": None, "telecom": [], "address": []},
        {"name": [{"given": ["Baby Boy"]}], "telecom": [], "address": []},
        {"name": [{"family": "Thornbury"}], "birthDate": None, "telecom": [], "address": []},
    ],
)
async def test_a_probe_that_says_too_little_is_refused(changes: Json) -> None:
    with pytest.raises(MissingParameter) as refused:
        await _matches(_patient("probe", **changes))
    assert (refused.value.http_status, refused.value.issues[0].code) == (400, "required")
    assert refused.value.issues[0].expression == "Patient"


@pytest.mark.anyio
async def test_a_probe_with_names_without_end_is_refused() -> None:
    letters = "bdfgklmn"
    names = [{"family": f"{x}ar {x}il-{x}on", "given": [f"{x}ana", f"{x}ipo", f"{x}unel"]} for x in letters]
    homes = [{"line": [f"{n} Quay Street"], "postalCode": f"4021{n}"} for n in range(8)]
    with pytest.raises(TooCostly) as refused:
        await _matches(_patient("probe", name=names, address=homes))
    assert (refused.value.http_status, refused.value.issues[0].code) == (400, "too-costly")


@pytest.mark.anyio
async def test_a_licence_without_system_is_found_by_type_and_value() -> None:
    licence = [{"type": {"coding": [{"system": "urn:a", "code": "DL"}]}, "value": "Q147604567"}]
    same = [{"type": {"coding": [{"system": "urn:b", "code": "DL"}]}, "value": "q-147604567"}]
    probe = _patient("probe", identifier=licence, telecom=[], address=[])
    found = await _matches(probe, _patient("stored", identifier=same, telecom=[], address=[]))
    [match] = found.matches
    assert ("identifier", "same type") in [(o.comparison, o.level) for o in match.outcomes]


def _replaced(id: str, by: str, **changes: object) -> Resource:
    link = [{"type": "replaced-by", "other": {"reference": f"Patient/{by}"}}]
    return _patient(id, active=False, link=link, **changes)


RENAMED = _patient("new", name=[{"family": "Oakhurst", "given": ["Jane"]}], telecom=[], address=[])


@pytest.mark.anyio
async def test_a_retired_record_is_answered_by_its_survivor_once_and_with_the_better_score() -> None:
    alone = await _matches(_patient("probe"), RENAMED)
    assert [m.grade for m in alone.matches] == [MatchGrade.POSSIBLE]
    found = await _matches(_patient("probe"), _replaced("old", "new"), RENAMED)
    [match] = found.matches
    assert (match.id, match.retired, match.grade) == ("new", "old", MatchGrade.CERTAIN)


@pytest.mark.anyio
async def test_a_survivor_that_agrees_more_answers_for_itself() -> None:
    found = await _matches(
        _patient("probe"), _replaced("old", "new", telecom=[], address=[]), _patient("new")
    )
    [match] = found.matches
    assert (match.id, match.retired, match.grade) == ("new", None, MatchGrade.CERTAIN)


@pytest.mark.anyio
async def test_survivors_are_followed_to_the_last_and_asked_for_together() -> None:
    between = _replaced("b", "new", birthDate="1911-02-02", name=[], telecom=[], address=[])
    store = FewPeople(_replaced("a", "b"), between, RENAMED)
    found = await Matcher(MODEL, FellegiSunter(MODEL), store).matches(_patient("probe"))
    assert [(m.id, m.retired) for m in found.matches] == [("new", "a")]
    assert store.looked_up[0] == ["b"]


@pytest.mark.anyio
@pytest.mark.parametrize("others", [[], [_replaced("gone", "old", birthDate="1911-02-02", name=[])]])
async def test_a_record_replaced_by_nobody_who_is_there_stands_for_itself(others: list[Resource]) -> None:
    found = await _matches(_patient("probe"), _replaced("old", "gone"), *others)
    assert ("old", None, ("inactive",)) in [(m.id, m.retired, m.guards) for m in found.matches]
    assert "certain" not in [m.grade.value for m in found.matches]


@pytest.mark.anyio
async def test_nobody_is_looked_up_where_nobody_was_replaced() -> None:
    store = FewPeople(_patient("same"))
    await Matcher(MODEL, FellegiSunter(MODEL), store).matches(_patient("probe"))
    assert store.looked_up == []


def _match(id: str, grade: MatchGrade, score: float = 0.95) -> Match:
    return Match(id, grade, score, score, 0.0, ())


CERTAIN, OTHER = _match("a", MatchGrade.CERTAIN), _match("b", MatchGrade.CERTAIN)
PROBABLE, RIVAL = _match("c", MatchGrade.PROBABLE), _match("d", MatchGrade.PROBABLE)
POSSIBLE = _match("e", MatchGrade.POSSIBLE)
ONE_PERSON = {"a": "golden", "b": "golden", "c": "golden", "d": "golden"}


@pytest.mark.parametrize(
    ("matches", "person_of", "ids"),
    [
        ([CERTAIN, PROBABLE, POSSIBLE], {}, ["a"]),
        ([PROBABLE], {}, []),
        ([], {}, []),
        ([CERTAIN, OTHER], {}, []),
        ([CERTAIN, OTHER, PROBABLE], ONE_PERSON, ["a", "b"]),
        ([CERTAIN, OTHER], {"a": "golden"}, []),
    ],
)
def test_only_certain_matches_of_one_person_are_answered(
    matches: list[Match], person_of: Mapping[str, str], ids: list[str]
) -> None:
    assert [m.id for m in certain_only(matches, person_of)] == ids


@pytest.mark.parametrize(
    ("matches", "person_of", "ids"),
    [
        ([CERTAIN, PROBABLE], {}, ["a"]),
        ([POSSIBLE], {}, ["e"]),
        ([PROBABLE, RIVAL], {}, []),
        ([PROBABLE, RIVAL], ONE_PERSON, ["c"]),
        ([], {}, []),
    ],
)
def test_a_single_match_is_answered_unless_it_is_ambiguous(
    matches: list[Match], person_of: Mapping[str, str], ids: list[str]
) -> None:
    assert [m.id for m in single_only(matches, person_of)] == ids


def test_without_known_persons_every_record_is_its_own() -> None:
    assert certain_only([CERTAIN]) == (CERTAIN,)
    assert single_only([CERTAIN, replace(OTHER, id="a2")]) == ()
