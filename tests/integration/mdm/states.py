"""Link tests in three steps: before, what arrives, after.

A person is a letter. `person("a")` and `person("a", 2)` are one person, as two systems sent them; another
letter is somebody else. `person("a", alike="b")` is possibly b. What is linked is told by `state`:
`["1=A", "2?A", "2?B", "B~A"]` says that source 1 matches golden record A, that 2 is possibly A or B, and that
B is a possible duplicate of A. Golden records are named in the order of their making; `!` is behind what a
person said, `2-A` is a NO_MATCH, `A>B` a redirect from A to B.
"""

import random
from collections.abc import Mapping
from typing import Any

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions import deciding, writing
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.waiting import drain
from fhir_mpi.mdm.link import Link, LinkSource, MatchResult
from fhir_mpi.mdm.ports import LinkField, LinkQuery, LinkSort
from fhir_mpi.mdm.tags import is_golden, is_managed, is_redirected
from fhir_mpi.storage.port import Stored

SIGNS: Mapping[MatchResult, str] = {
    MatchResult.MATCH: "=",
    MatchResult.POSSIBLE_MATCH: "?",
    MatchResult.NO_MATCH: "-",
    MatchResult.POSSIBLE_DUPLICATE: "~",
    MatchResult.REDIRECT: ">",
}
EID = "urn:eid"


def person(who: str, **elements: Any) -> Resource:
    """A Patient, the same for the same letter: enough of it to be certain."""
    own = random.Random(who)
    letters = "".join(own.choices("bcdfghklmnprstvz", k=7))
    known: Json = {
        "resourceType": "Patient",
        "name": [{"family": f"{letters.capitalize()}son", "given": [f"{letters[::-1].capitalize()}a"]}],
        "gender": own.choice(["female", "male"]),
        "birthDate": f"{own.randint(1920, 2005)}-{own.randint(1, 12):02d}-{own.randint(1, 28):02d}",
        "telecom": [{"system": "phone", "value": f"+49 30 {own.randint(10**7, 10**8)}"}],
        "address": [
            {
                "line": [f"{letters.capitalize()}allee {own.randint(1, 200)}"],
                "city": f"{letters.capitalize()}hausen",
                "postalCode": f"{own.randint(10_000, 99_999)}",
            }
        ],
    }
    return {key: value for key, value in {**known, **elements}.items() if value is not None}


def possibly(who: str, **elements: Any) -> Resource:
    """Somebody with the name and birthday of another, and nothing else known."""
    return person(who, telecom=None, address=None, gender=None, **elements)


def eid(value: str, system: str = EID) -> Json:
    return {"system": system, "value": value}


class World:
    """Services that link, and short names for what is done with them."""

    def __init__(self, services: Services, type: str = "Patient") -> None:
        self.services, self.type = services, type
        self.names: dict[str, str] = {}

    async def put(self, id: str, resource: Resource) -> None:
        """Creates or updates a source record under this id."""
        await writing.update(self.services, self.type, id, {**resource, "id": id})

    async def delete(self, id: str) -> None:
        await writing.delete(self.services, self.type, id, "http://mpi.test/fhir")

    async def stored(self, id: str) -> Stored:
        found = await self.services.store.read(self.type, self._id_of(id))
        assert found is not None
        return found

    async def says(self, source: str, golden: str, result: MatchResult) -> None:
        """A person updates a link."""
        await deciding.update_link(
            self.services, await self.stored(golden), await self.stored(source), result
        )

    async def creates(self, source: str, golden: str, result: MatchResult = MatchResult.MATCH) -> None:
        await deciding.create_link(
            self.services, await self.stored(golden), await self.stored(source), result
        )

    async def parts(self, golden: str, other: str) -> None:
        """A person says that two golden records are no duplicates."""
        await deciding.not_duplicate(self.services, await self.stored(golden), await self.stored(other))

    async def merges(self, retired: str, survivor: str, given: Resource | None = None) -> None:
        await deciding.merge_goldens(
            self.services, await self.stored(retired), await self.stored(survivor), given
        )

    async def drain(self) -> int:
        return await drain(self.services)

    async def links(self, **narrowed: Any) -> list[Link]:
        query = LinkQuery((self.type,), sort=[LinkSort(LinkField.CREATED)], **narrowed)
        return list(await self.services.store.links(query))

    async def goldens(self) -> dict[str, Resource]:
        """The golden records there are, by id."""
        found = [s async for s in self.services.store.scan(self.type) if is_golden(s.resource)]
        return {stored.id: stored.resource for stored in sorted(found, key=lambda s: s.last_updated)}

    async def golden(self, name: str) -> Resource:
        """The golden record of this name, in `state`."""
        return (await self.stored(name)).resource

    async def state(self) -> list[str]:
        """What is linked, in short; and that it is as it must be."""
        links = await self.links()
        await self.check(links)
        for link in links:
            self._name(link.golden)
        return sorted(self._told(link) for link in links)

    async def check(self, links: list[Link]) -> None:
        """What holds of links at any time."""
        store = self.services.store
        living = {s.id: s.resource async for s in store.scan(self.type)}
        matched = [link.source for link in links if link.result is MatchResult.MATCH]
        assert len(matched) == len(set(matched)), "a source has one MATCH"
        for link in links:
            assert {link.golden, link.source} <= living.keys(), "a link leads to what is there"
            assert is_managed(living[link.golden])
        served = {link.golden for link in links if link.result is MatchResult.MATCH}
        for id, resource in living.items():
            if is_golden(resource):
                assert id in served, "a golden record has a source"
            if is_redirected(resource):
                redirects = [x for x in links if x.source == id and x.result is MatchResult.REDIRECT]
                assert len(redirects) == 1, "what was merged leads to one golden record"
        current = [link async for link in store.scan_links(self.type)]
        assert {link.pair for link in current} == {link.pair for link in links}
        for link in links:
            history = await store.link_history(self.type, goldens=[link.golden], sources=[link.source])
            versions = [each.version for each in history if each.pair == link.pair]
            assert sorted(versions) == list(range(1, link.version + 1)), "every version is kept"

    def _id_of(self, name: str) -> str:
        return next((id for id, known in self.names.items() if known == name), name)

    def _name(self, id: str) -> str:
        return self.names.setdefault(id, chr(ord("A") + len(self.names)))

    def _told(self, link: Link) -> str:
        between = link.result in (MatchResult.POSSIBLE_DUPLICATE, MatchResult.REDIRECT)
        source = self._name(link.source) if between or link.source in self.names else link.source
        manual = "!" if link.link_source is LinkSource.MANUAL else ""
        return f"{source}{SIGNS[link.result]}{self._name(link.golden)}{manual}"
