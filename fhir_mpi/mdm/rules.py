"""What a site decides about MDM: EIDs, survivorship, who feeds the index, who is kept from matching."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any, Final

import orjson
from jsonschema import Draft202012Validator

from fhir_mpi.fhir.fhirpath import UnsupportedExpression
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.mdm.blocklist import Blocklist, blocklist_of
from fhir_mpi.mdm.eid import EidRules
from fhir_mpi.mdm.survivorship import ANY, DEFAULT_RULES, DROP, Rules

UNTRUSTED: Final = 0.0


class InvalidRules(ValueError):
    """A document of MDM rules that can't be used; the text names what is wrong in it."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A system that feeds the index: how its records are known, and how far they are trusted."""

    name: str
    trust: float = UNTRUSTED
    uris: frozenset[str] = frozenset()
    """What `meta.source` begins with, before a `#`."""
    organizations: frozenset[str] = frozenset()
    """References that `managingOrganization` has."""
    identifier_systems: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MdmRules:
    eids: EidRules = field(default_factory=EidRules)
    survivorship: Mapping[str, Rules] = field(default_factory=dict)
    """By resource type; elements that a type doesn't name are as in the default, if it has no `*`."""
    feeds: Sequence[Feed] = ()
    blocklist: Blocklist = field(default_factory=Blocklist)

    def survivorship_of(self, type: str) -> Rules:
        own = self.survivorship.get(type, {})
        usual = {name: rules for name, rules in DEFAULT_RULES.items() if ANY not in own or rules == (DROP,)}
        return {**usual, **own}

    def feed_of(self, resource: Resource) -> Feed | None:
        """The system that a record comes from: by `meta.source`, else by its organization, else by an
        identifier of it.
        """
        source = str((resource.get("meta") or {}).get("source") or "").partition("#")[0]
        organization = (resource.get("managingOrganization") or {}).get("reference")
        systems = {(identifier or {}).get("system") for identifier in resource.get("identifier") or ()}
        by_source = (feed for feed in self.feeds if source in feed.uris)
        by_organization = (feed for feed in self.feeds if organization in feed.organizations)
        by_identifier = (feed for feed in self.feeds if systems & feed.identifier_systems)
        return next(chain(by_source, by_organization, by_identifier), None)

    def trust_of(self, resource: Resource) -> float:
        feed = self.feed_of(resource)
        return UNTRUSTED if feed is None else feed.trust


def read_rules(paths: Iterable[Path]) -> MdmRules:
    """The rules in these JSON documents together; InvalidRules where one is none, or two say the same."""
    found: dict[str, Any] = {}
    for path in paths:
        try:
            document = orjson.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise InvalidRules(f"{path}: this can't be read as JSON") from error
        problems = [f"{e.json_path}: {e.message}" for e in _validator().iter_errors(document)]
        if problems:
            raise InvalidRules(f"{path}: {'; '.join(problems)}")
        if twice := found.keys() & document.keys():
            raise InvalidRules(f"{path}: {min(twice)} stands in another document too")
        found |= document
    try:
        return rules_of(found)
    except UnsupportedExpression as error:
        raise InvalidRules(f"blocklist: {error}") from error


def rules_of(document: Json) -> MdmRules:
    """The rules that a document says that was checked."""
    return MdmRules(
        eids=EidRules(_systems(document.get("eidSystems", {}))),
        survivorship={
            type: {name: tuple([rules] if isinstance(rules, str) else rules) for name, rules in own.items()}
            for type, own in document.get("survivorship", {}).items()
        },
        feeds=[_feed(one) for one in document.get("sources", ())],
        blocklist=blocklist_of(document.get("blocklist", ())),
    )


def with_eids(rules: MdmRules, **changes: Any) -> MdmRules:
    """The same rules with other ones for EIDs.

    >>> with_eids(MdmRules(), prevent_multiple=False).eids.prevent_multiple
    False
    """
    return replace(rules, eids=replace(rules.eids, **changes))


def _systems(given: Mapping[str, str | list[str]]) -> Mapping[str, tuple[str, ...]]:
    return {type: (value,) if isinstance(value, str) else tuple(value) for type, value in given.items()}


def _feed(given: Json) -> Feed:
    return Feed(
        given["name"],
        float(given.get("trust", UNTRUSTED)),
        frozenset(given.get("uris", ())),
        frozenset(given.get("organizations", ())),
        frozenset(given.get("identifierSystems", ())),
    )


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(
        orjson.loads(files("fhir_mpi.mdm").joinpath("rules_schema.json").read_bytes())
    )
