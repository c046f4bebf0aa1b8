"""The four cases of HAPI's documentation, and deletion: before, what arrives, after."""

import pytest

from fhir_mpi.mdm.link import MatchResult
from fhir_mpi.mdm.tags import EXCLUDED, is_golden
from tests.integration.mdm.conftest import NewWorld
from tests.integration.mdm.states import World, person, possibly

MATCH, NO_MATCH = MatchResult.MATCH, MatchResult.NO_MATCH


async def test_case_1_nobody_known_makes_a_golden_record(world: World) -> None:
    await world.put("1", person("a"))
    assert await world.state() == ["1=A"]
    (link,) = await world.links()
    assert link.made_golden
    await world.put("2", person("b"))
    assert await world.state() == ["1=A", "2=B"]


async def test_case_2_who_matches_sources_of_one_golden_record_joins_it(world: World) -> None:
    await world.put("1", person("a"))
    await world.put("2", person("a"))
    assert await world.state() == ["1=A", "2=A"]
    await world.put("3", person("a"))
    assert await world.state() == ["1=A", "2=A", "3=A"]
    assert [link.made_golden for link in await world.links()] == [True, False, False]


async def apart(world: World) -> None:
    """Two sources of the same person on two golden records, which a person thought were two people."""
    await world.put("1", person("a"))
    await world.put("2", person("b"))
    await world.state()
    await world.creates("2", "A", NO_MATCH)
    await world.put("2", person("a"))
    assert await world.state() == ["1=A", "2-A!", "2=B"]


async def test_case_3_who_matches_several_golden_records_is_left_to_a_person(world: World) -> None:
    await apart(world)
    await world.put("3", person("a"))
    assert await world.state() in (
        ["1=A", "2-A!", "2=B", "3?A", "3?B", "B~A"],
        ["1=A", "2-A!", "2=B", "3?A", "3?B", "A~B"],
    )


async def test_case_4_who_may_match_is_left_to_a_person(world: World) -> None:
    await world.put("1", person("a"))
    await world.put("2", possibly("a"))
    assert await world.state() == ["1=A", "2?A"]
    (_, proposed) = await world.links()
    assert proposed.score is not None
    assert 0 < proposed.score < 1
    assert '"grade"' in str(proposed.explanation)


async def test_who_only_may_match_is_nobody_for_the_next_one(world: World) -> None:
    await world.put("1", person("a"))
    await world.put("2", possibly("a"))
    await world.put("3", person("a"))
    assert await world.state() == ["1=A", "2?A", "3=A"]


async def test_a_record_with_nothing_to_match_by_gets_no_golden_record_until_it_has(world: World) -> None:
    await world.put("1", person("a", name=None, telecom=None, address=None, birthDate=None))
    assert await world.state() == []
    await world.put("1", person("a"))
    assert await world.state() == ["1=A"]


async def test_a_record_with_the_tag_no_mdm_is_left_alone(world: World) -> None:
    left_alone = person("a", meta={"tag": [EXCLUDED]})
    await world.put("1", left_alone)
    await world.put("2", person("a"))
    assert await world.state() == ["2=A"]
    await world.put("2", left_alone)
    assert await world.state() == []
    assert await world.goldens() == {}


async def test_a_record_that_changes_moves_to_whom_it_is_now(world: World) -> None:
    await world.put("1", person("a"))
    await world.put("2", person("b"))
    assert await world.state() == ["1=A", "2=B"]
    await world.put("2", person("a"))
    assert await world.state() == ["1=A", "2=A"]
    assert len(await world.goldens()) == 1
    await world.put("2", person("c"))
    assert await world.state() == ["1=A", "2=C"]


async def test_a_golden_record_of_one_source_stays_whatever_that_changes_to(world: World) -> None:
    await world.put("1", person("a"))
    await world.state()
    await world.put("1", person("b"))
    assert await world.state() == ["1=A"]
    assert (await world.golden("A"))["name"] == person("b")["name"]


async def test_what_does_not_identify_changes_the_golden_record_and_no_link(world: World) -> None:
    await world.put("1", person("a"))
    await world.put("2", person("a"))
    before = await world.links()
    await world.put("2", person("a", maritalStatus={"text": "married"}))
    assert await world.links() == before
    await world.state()
    assert (await world.golden("A"))["maritalStatus"] == {"text": "married"}


async def test_of_one_source_that_may_be_another_person_the_golden_records_are_looked_at(
    world: World,
) -> None:
    await world.put("1", person("a"))
    await world.put("2", person("b"))
    await world.state()
    await world.put("2", possibly("a"))
    assert await world.state() == ["1=A", "2=B", "A~B"]


@pytest.mark.parametrize("deleted", ["1", "2"])
async def test_a_golden_record_stays_while_it_has_a_source(world: World, deleted: str) -> None:
    await world.put("1", person("a"))
    await world.put("2", person("a", photo=[{"title": "two"}]))
    await world.state()
    await world.delete(deleted)
    left = {"1": "2", "2": "1"}[deleted]
    assert await world.state() == [f"{left}=A"]
    assert ("photo" in await world.golden("A")) == (left == "2")


async def test_deletion_of_the_only_source_ends_the_golden_record(world: World) -> None:
    await world.put("1", person("a"))
    await world.state()
    await world.delete("1")
    assert await world.state() == []
    assert await world.goldens() == {}
    assert (await world.stored("A")).deleted
    history = await world.services.store.link_history("Patient", sources=["1"])
    assert [link.removed for link in history] == [True, False]


async def test_what_was_proposed_for_a_golden_record_that_ends_is_linked_anew(world: World) -> None:
    await world.put("1", person("a"))
    await world.put("2", possibly("a"))
    await world.state()
    await world.delete("1")
    await world.drain()
    assert await world.state() == ["2=B"]


async def test_what_is_proposed_for_another_golden_record_too_stays_proposed(world: World) -> None:
    await apart(world)
    await world.put("3", person("a"))
    await world.delete("1")
    await world.drain()
    assert await world.state() == ["2=B", "3?B"]


async def test_what_is_restored_is_linked_anew(world: World) -> None:
    await world.put("1", person("a"))
    await world.put("2", person("a"))
    await world.state()
    await world.delete("2")
    await world.put("2", person("a"))
    assert await world.state() == ["1=A", "2=A"]
    assert [link.version for link in await world.links()] == [1, 3]


async def test_golden_records_are_no_candidates(world: World) -> None:
    await world.put("1", person("a"))
    assert await world.services.store.population("Patient") == 1
    found = await world.services.matchers["Patient"].matches(person("a"))
    assert [match.id for match in found.matches] == ["1"]


async def test_a_type_that_is_only_matched_is_not_linked(new_world: NewWorld) -> None:
    async with new_world(patient_mdm="match-only") as world:
        await world.put("1", person("a"))
        assert await world.state() == []
        organizations = World(world.services, "Organization")
        clinic = {"resourceType": "Organization", "name": "Arden Clinic Tessel"}
        await organizations.put("o", {**clinic, "identifier": [{"system": "urn:o", "value": "77-1"}]})
        assert await organizations.state() == ["o=A"]
        assert is_golden(await organizations.golden("A"))


async def test_who_has_more_candidates_than_are_looked_at_at_once_waits(new_world: NewWorld) -> None:
    async with new_world(mdm_at_once=2) as world:
        for id in "123":
            await world.put(id, person("a"))
        assert await world.state() == ["1=A", "2=A", "3=A"]
        await world.put("4", person("a"))
        assert await world.state() == ["1=A", "2=A", "3=A"]
        assert [each.id for each in await world.services.store.pending(limit=9)] == ["4"]
        assert await world.drain() == 1
        assert await world.state() == ["1=A", "2=A", "3=A", "4=A"]
        assert await world.services.store.pending_count() == 0
        assert await world.drain() == 0


async def test_all_wait_where_a_setting_wants_it_and_deletions_never_do(new_world: NewWorld) -> None:
    async with new_world(mdm_at_once=0) as world:
        await world.put("1", person("a"))
        await world.put("2", person("a"))
        assert await world.state() == []
        await world.drain()
        assert await world.state() == ["1=A", "2=A"]
        await world.delete("1")
        assert await world.state() == ["2=A"]
        await world.put("3", person("b"))
        await world.delete("3")
        await world.drain()
        assert await world.state() == ["2=A"]
