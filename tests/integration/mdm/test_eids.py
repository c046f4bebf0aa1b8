"""Enterprise identifiers: they decide, are kept unique, and are guarded."""

import json
from pathlib import Path
from typing import Any

import pytest

from fhir_mpi.fhir.outcome import Forbidden
from fhir_mpi.mdm.eid import INTERNAL
from tests.integration.mdm.conftest import NewWorld
from tests.integration.mdm.states import EID, World, eid, person

OTHER = "urn:other-eid"


@pytest.fixture
def rules(tmp_path: Path) -> dict[str, Any]:
    """Settings with two EID systems for Patient."""
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"eidSystems": {"Patient": [EID, OTHER]}}))
    return {"mdm_rules": str(file)}


async def eids(world: World, name: str) -> list[tuple[str, str]]:
    found = (await world.golden(name))["identifier"]
    return [(each["system"], each["value"]) for each in found if each["system"] in (EID, OTHER, INTERNAL)]


async def test_a_golden_record_has_an_eid_that_is_made_here_until_a_source_brings_one(
    new_world: NewWorld, rules: dict[str, Any]
) -> None:
    async with new_world(**rules) as world:
        await world.put("1", person("a"))
        await world.state()
        ((system, value),) = await eids(world, "A")
        assert (system, len(value)) == (INTERNAL, 36)
        await world.put("1", person("a", maritalStatus={"text": "x"}))
        assert await eids(world, "A") == [(system, value)]
        await world.put("2", person("a", identifier=[eid("7")]))
        assert await world.state() == ["1=A", "2=A"]
        assert await eids(world, "A") == [(EID, "7")]


async def test_the_same_eid_is_the_same_person_whatever_else_is_said(
    new_world: NewWorld, rules: dict[str, Any]
) -> None:
    async with new_world(**rules) as world:
        await world.put("1", person("a", identifier=[eid("7")]))
        await world.put("2", person("b", identifier=[eid("7")]))
        assert await world.state() == ["1=A", "2=A"]
        assert [(link.eid_match, link.score) for link in await world.links()][1] == (True, 1.0)


async def test_another_eid_is_another_person_who_may_be_a_duplicate(
    new_world: NewWorld, rules: dict[str, Any]
) -> None:
    async with new_world(**rules) as world:
        await world.put("1", person("a", identifier=[eid("7")]))
        await world.put("2", person("a", identifier=[eid("8")]))
        assert await world.state() in (["1=A", "2=B", "A~B"], ["1=A", "2=B", "B~A"])


async def test_eids_of_different_systems_do_not_contradict(
    new_world: NewWorld, rules: dict[str, Any]
) -> None:
    async with new_world(**rules) as world:
        await world.put("1", person("a", identifier=[eid("7")]))
        await world.put("2", person("a", identifier=[eid("8", OTHER)]))
        assert await world.state() == ["1=A", "2=A"]
        assert await eids(world, "A") == [(EID, "7"), (OTHER, "8")]


async def test_eids_of_different_golden_records_are_left_to_a_person(
    new_world: NewWorld, rules: dict[str, Any]
) -> None:
    async with new_world(**rules) as world:
        await world.put("1", person("a", identifier=[eid("7")]))
        await world.put("2", person("b", identifier=[eid("8", OTHER)]))
        await world.state()
        await world.put("3", person("c", identifier=[eid("7"), eid("8", OTHER)]))
        assert set(await world.state()) - {"A~B", "B~A"} == {"1=A", "2=B", "3?A", "3?B"}
        assert [link.eid_match for link in await world.links(sources=["3"])] == [True, True]


async def test_a_source_that_gets_the_eid_of_another_golden_record_moves_to_it(
    new_world: NewWorld, rules: dict[str, Any]
) -> None:
    async with new_world(**rules) as world:
        await world.put("1", person("a", identifier=[eid("7")]))
        await world.put("2", person("b"))
        await world.put("3", person("b"))
        assert await world.state() == ["1=A", "2=B", "3=B"]
        await world.put("3", person("b", identifier=[eid("7")]))
        assert set(await world.state()) == {"1=A", "2=B", "3=A", "B~A"}


async def test_an_eid_may_not_change(new_world: NewWorld, rules: dict[str, Any]) -> None:
    async with new_world(**rules) as world:
        await world.put("1", person("a", identifier=[eid("7"), eid("9", OTHER)]))
        with pytest.raises(Forbidden, match="HAPI-0763: While running with EID updates disabled"):
            await world.put("1", person("a", identifier=[eid("8")]))
        await world.put("1", person("a", identifier=[eid("8"), eid("9", OTHER)]))


async def test_an_eid_may_change_where_a_setting_allows_it(
    new_world: NewWorld, rules: dict[str, Any]
) -> None:
    async with new_world(**rules, mdm_prevent_eid_updates=False) as world:
        await world.put("1", person("a", identifier=[eid("7")]))
        await world.put("1", person("a", identifier=[eid("8")]))
        assert await world.state() == ["1=A"]
        assert await eids(world, "A") == [(EID, "8")]
        await world.put("1", person("a"))
        assert [system for system, _ in await eids(world, "A")] == [INTERNAL]


async def test_an_eid_that_contradicts_the_other_sources_leaves_them(
    new_world: NewWorld, rules: dict[str, Any]
) -> None:
    async with new_world(**rules, mdm_prevent_eid_updates=False) as world:
        await world.put("1", person("a", identifier=[eid("7")]))
        await world.put("2", person("a", identifier=[eid("7")]))
        await world.put("2", person("a", identifier=[eid("8")]))
        assert set(await world.state()) - {"A~B", "B~A"} == {"1=A", "2=B"}


async def test_a_source_has_one_eid_of_a_system(new_world: NewWorld, rules: dict[str, Any]) -> None:
    async with new_world(**rules) as world:
        with pytest.raises(Forbidden, match="HAPI-0766: While running with multiple EIDs disabled"):
            await world.put("1", person("a", identifier=[eid("7"), eid("8")]))
        assert await world.state() == []
        await world.put("1", person("a", identifier=[eid("7"), eid("8", OTHER)]))
        assert await world.state() == ["1=A"]


async def test_a_source_has_several_eids_where_a_setting_allows_it(
    new_world: NewWorld, rules: dict[str, Any]
) -> None:
    async with new_world(**rules, mdm_prevent_multiple_eids=False, mdm_prevent_eid_updates=False) as world:
        await world.put("1", person("a", identifier=[eid("7"), eid("8")]))
        await world.put("2", person("b", identifier=[eid("8"), eid("9")]))
        assert await world.state() == ["1=A", "2=A"]
        assert await eids(world, "A") == [(EID, "7"), (EID, "8"), (EID, "9")]
        await world.put("2", person("a", identifier=[eid("10")]))
        assert await world.state() == ["1=A", "2=A"]
        assert await eids(world, "A") == [(EID, "10"), (EID, "7"), (EID, "8")]


@pytest.mark.parametrize(("scheme", "length"), [("verhoeff", 16), ("iso7064-mod97-10", 16), ("uuid", 36)])
async def test_a_setting_says_how_eids_are_made(new_world: NewWorld, scheme: str, length: int) -> None:
    async with new_world(mdm_eid_scheme=scheme) as world:
        await world.put("1", person("a"))
        await world.state()
        ((_, value),) = await eids(world, "A")
        assert len(value) == length
