"""Whatever happens in whatever order: what has to hold of links holds after every step."""

import asyncio
from collections.abc import Coroutine, Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from fhir_mpi.app import open_services
from fhir_mpi.fhir.outcome import FhirError
from fhir_mpi.fhir.types import Resource
from fhir_mpi.mdm.link import Link, LinkSource, MatchResult
from fhir_mpi.settings import Settings
from tests.integration.mdm.conftest import compiled
from tests.integration.mdm.states import World, person, possibly

SOURCES = st.sampled_from("1234")
WHO = st.sampled_from(["a", "b", "possibly a", "possibly b", "nobody"])
NUMBERS = count()


class Links(RuleBasedStateMachine):
    """Sources come, change and go; people decide about whatever links there are."""

    world: World
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.example = next(NUMBERS)
        self.said: dict[tuple[str, str], MatchResult] = {}

    @rule(source=SOURCES, who=WHO)
    def put(self, source: str, who: str) -> None:
        self.run(self.world.put(self.id(source), self.person(who)))

    @rule(source=SOURCES)
    def delete(self, source: str) -> None:
        if self.id(source) in self.living():
            self.run(self.world.delete(self.id(source)))

    @rule(number=st.integers(0, 20), result=st.sampled_from([MatchResult.MATCH, MatchResult.NO_MATCH]))
    def update_link(self, number: int, result: MatchResult) -> None:
        found = [x for x in self.links() if x.source.startswith(f"{self.example}-")]
        if found:
            link = found[number % len(found)]
            self.attempt(self.world.says(link.source, link.golden, result))

    @rule(source=SOURCES, number=st.integers(0, 20), result=st.sampled_from([*MatchResult][:3]))
    def create_link(self, source: str, number: int, result: MatchResult) -> None:
        goldens = self.goldens()
        if goldens and self.id(source) in self.living():
            self.attempt(self.world.creates(self.id(source), goldens[number % len(goldens)], result))

    @rule(number=st.integers(0, 20))
    def not_duplicate(self, number: int) -> None:
        found = [x for x in self.links() if x.result is MatchResult.POSSIBLE_DUPLICATE]
        if found:
            link = found[number % len(found)]
            self.attempt(self.world.parts(link.golden, link.source))

    @rule(one=st.integers(0, 20), other=st.integers(0, 20))
    def merge(self, one: int, other: int) -> None:
        goldens = self.goldens()
        if len(goldens) > 1 and one % len(goldens) != other % len(goldens):
            self.attempt(self.world.merges(goldens[one % len(goldens)], goldens[other % len(goldens)]))

    @rule()
    def drain(self) -> None:
        self.run(self.world.drain())

    @invariant()
    def it_holds(self) -> None:
        self.run(self.world.check(self.run(self.world.links())))

    @invariant()
    def what_a_person_said_stays(self) -> None:
        """While both records are there, and nobody said otherwise or merged."""
        now = {(x.golden, x.source): x.result for x in self.links() if x.link_source is LinkSource.MANUAL}
        living, goldens = self.living(), set(self.goldens())
        for (golden, source), result in self.said.items():
            if source in living and golden in goldens and result is not MatchResult.POSSIBLE_MATCH:
                assert (golden, source) in now
        self.said = now

    def run(self, step: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(step)

    def attempt(self, decision: Coroutine[Any, Any, None]) -> None:
        """What isn't allowed now is refused, and changes nothing; what is may change what was said."""
        before = self.links()
        try:
            self.run(decision)
        except FhirError:
            assert self.links() == before
        else:
            self.said = {}

    def links(self) -> list[Link]:
        found: list[Link] = self.run(self.world.links())
        own = {x.golden for x in found if x.source.startswith(f"{self.example}-")}
        return [x for x in found if x.source.startswith(f"{self.example}-") or {x.golden, x.source} & own]

    def goldens(self) -> list[str]:
        return sorted({x.golden for x in self.links() if x.result is MatchResult.MATCH})

    def living(self) -> set[str]:
        ids = [self.id(source) for source in "1234"]
        stored = self.run(self.world.services.store.read_many("Patient", ids))
        return {each.id for each in stored}

    def id(self, source: str) -> str:
        return f"{self.example}-{source}"

    def person(self, who: str) -> Resource:
        if who == "nobody":
            return {"resourceType": "Patient", "active": True}
        letter = f"{self.example}{who[-1]}"
        return possibly(letter) if who.startswith("possibly") else person(letter)


@pytest.fixture
def machine(store_url: str) -> Iterator[type[Links]]:
    """The machine on a store of its own, which its examples share: each has records of its own."""
    with asyncio.Runner() as runner:
        definitions, intake = compiled()
        opening = open_services(Settings(store=store_url, mdm="match-and-link"), definitions, intake)
        services = runner.run(opening.__aenter__())

        class Here(Links):
            world = World(services)

        Here.runner = runner
        yield Here
        runner.run(opening.__aexit__(None, None, None))


def test_what_has_to_hold_holds_after_every_step(machine: type[Links], store_kind: str) -> None:
    steps = settings(
        max_examples={"sqlite": 25, "mongo": 5}[store_kind],
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=steps)
