"""Defects that were reported of HAPI's MDM, each by its number: they aren't here."""

import pytest

from fhir_mpi.fhir.outcome import InvalidRequest
from fhir_mpi.mdm.link import MatchResult
from tests.integration.mdm.states import World, person, possibly
from tests.integration.mdm.test_four_cases import apart

MATCH, NO_MATCH = MatchResult.MATCH, MatchResult.NO_MATCH


async def test_4156_a_source_matches_one_golden_record_only(world: World) -> None:
    await apart(world)
    await world.put("3", person("a"))
    await world.says("3", "A", MATCH)
    with pytest.raises(InvalidRequest, match="HAPI-2218: A match with a different golden resource"):
        await world.says("3", "B", MATCH)
    assert "3=A!" in await world.state()


async def test_4745_what_is_left_can_be_refused_when_one_was_accepted(world: World) -> None:
    await apart(world)
    await world.put("3", person("a"))
    await world.says("3", "A", MATCH)
    await world.says("3", "B", NO_MATCH)
    assert {"3=A!", "3-B!"} <= set(await world.state())


@pytest.mark.parametrize(("retired", "survivor"), ["AB", "BA"])
async def test_4287_no_possible_duplicate_is_left_whichever_way_two_are_merged(
    world: World, retired: str, survivor: str
) -> None:
    await world.put("1", person("a"))
    await world.put("2", person("b"))
    await world.state()
    await world.put("2", possibly("a"))
    assert "A~B" in await world.state()
    await world.merges(retired, survivor)
    assert await world.state() == sorted([f"1={survivor}", f"2={survivor}", f"{retired}>{survivor}!"])


async def test_5236_and_5242_a_golden_record_forgets_a_source_that_is_no_match(world: World) -> None:
    await world.put("1", person("a"))
    await world.state()
    before = await world.golden("A")
    await world.put("2", person("a", photo=[{"title": "two"}], identifier=[{"system": "u", "value": "2"}]))
    assert (await world.golden("A"))["photo"] == [{"title": "two"}]
    await world.says("2", "A", NO_MATCH)
    assert await world.state() == ["1=A", "2-A!", "2=B"]
    after = await world.golden("A")
    assert {**after, "meta": {}} == {**before, "meta": {}}


async def test_5956_a_golden_record_is_rebuilt_from_the_sources_it_has_left(world: World) -> None:
    for id, title in (("1", "one"), ("2", "two"), ("3", "three")):
        await world.put(id, person("a", identifier=[{"system": f"urn:{title}", "value": title}]))
    await world.state()
    await world.says("2", "A", NO_MATCH)
    values = {each["value"] for each in (await world.golden("A"))["identifier"]}
    assert {"one", "three"} < values
    assert "two" not in values


async def test_3579_what_was_refused_is_not_found_again(world: World) -> None:
    await world.put("1", person("a"))
    await world.put("2", person("a"))
    await world.state()
    await world.says("2", "A", NO_MATCH)
    for title in ("x", "y"):
        await world.put("2", person("a", telecom=[{"system": "email", "value": f"{title}@a.example"}]))
    assert await world.state() == ["1=A", "2-A!", "2=B"]


async def test_5141_an_update_can_match_what_it_did_not_before(world: World) -> None:
    await world.put("1", person("a"))
    await world.put("2", person("b"))
    await world.put("2", person("a"))
    assert await world.state() == ["1=A", "2=A"]


async def test_2515_survivorship_is_applied_for_the_second_source_too(world: World) -> None:
    await world.put("1", person("a"))
    await world.put("2", person("a", maritalStatus={"text": "married"}))
    await world.state()
    assert (await world.golden("A"))["maritalStatus"] == {"text": "married"}
