"""$match: who is this? (https://hl7.org/fhir/R5/patient-operation-match.html)"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from fhir_mpi.fhir.bundle import MATCH_GRADE, match_entry, searchset
from fhir_mpi.fhir.outcome import InvalidRequest, InvalidValue, Issue
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.identity import OFF
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.link import MatchResult
from fhir_mpi.mdm.matching import Match, Matcher, Matching, certain_only, single_only
from fhir_mpi.mdm.ports import LinkQuery
from fhir_mpi.operations.call import Call

GOLDEN: Final = "golden "
"""Before a golden record's id, which no source record's begins with."""
EXPLANATION: Final = "https://fhir-mpi.github.io/fhir/StructureDefinition/match-explanation"


async def match(services: Services, call: Call) -> Resource:
    """A searchset of matches, best first, each with score, grade and the working of both.

    InvalidResource where the input isn't a valid instance, MissingParameter where nothing in it can
    be matched on.
    """
    given = call.parameters["resource"]
    services.intake.check(given)
    found = await matcher_named(services, given["resourceType"], call.parameters.get("engine")).matches(given)
    persons = await _persons(services, given["resourceType"], found, call.parameters)
    chosen = _chosen(found, call.parameters, persons)
    wanted = _wanted(services, call.parameters.get("count"))
    best = chosen[:wanted]
    stored = {s.id: s for s in await services.store.read_many(given["resourceType"], [m.id for m in best])}
    entries = [
        match_entry(
            f"{call.base_url}/{stored[m.id].type}/{m.id}", stored[m.id].json, _search(m, stored[m.id].type)
        )
        for m in best
        if m.id in stored
    ]
    return searchset(
        entries, total=len(entries), links={}, warnings=_cut(found, len(chosen) - len(best), call)
    )


def matcher_named(services: Services, type: str, name: str | None) -> Matcher:
    """The one that serves, or an alternative of that name."""
    if name is None:
        return services.matchers[type]
    found = services.alternatives.get(type, {}).get(name)
    if found is None:
        known = ", ".join(services.alternatives.get(type, {})) or "none"
        raise InvalidValue(
            f"no alternative for {type} has this name; configured: {known}",
            expression="Parameters.parameter.where(name='engine').value",
        )
    return found


async def mdm_match(services: Services, call: Call) -> Resource:
    """HAPI's $mdm-match: the same for every type that is matched."""
    given, type = call.parameters["resource"], call.parameters["resourceType"]
    if given["resourceType"] != type:
        raise InvalidRequest(f"the resource is no {type}", expression="Parameters.parameter")
    if type not in services.matchers or services.mdm.mode(type) == OFF:
        raise InvalidValue(f"{type:.64} is not matched on this server", expression="Parameters.parameter")
    return await match(services, replace(call, parameters={"resource": given}))


async def _persons(services: Services, type: str, found: Matching, parameters: Json) -> Mapping[str, str]:
    """The golden record of each match, where the answer depends on it."""
    asked = parameters.get("onlyCertainMatches") or parameters.get("onlySingleMatch")
    if not asked or not services.mdm.links(type):
        return {}
    ids = [match.id for match in found.matches]
    links = await services.store.links(LinkQuery((type,), sources=ids, results=[MatchResult.MATCH]))
    return {link.source: f"{GOLDEN}{link.golden}" for link in links}


def _chosen(found: Matching, parameters: Json, persons: Mapping[str, str]) -> tuple[Match, ...]:
    matches = found.matches
    if parameters.get("onlyCertainMatches"):
        matches = certain_only(matches, persons)
    if parameters.get("onlySingleMatch"):
        matches = single_only(matches, persons)
    return matches


def _wanted(services: Services, count: int | None) -> int:
    """How many to answer at most; a count of 0 asks for the default as "the server decides"."""
    if count is None:
        return services.limits.match_count
    if count < 1:
        raise InvalidValue("count is at least 1", expression="Parameters.parameter.where(name='count').value")
    return min(count, services.limits.match_count_max)


def _search(match: Match, type: str) -> Json:
    """Bundle.entry.search of one match (R5 StructureDefinition match-grade, and our match-explanation)."""
    return {
        "extension": [{"url": MATCH_GRADE, "valueCode": str(match.grade)}, _explanation(match, type)],
        "score": round(match.score, 6),
    }


def _explanation(match: Match, type: str) -> Json:
    parts: list[Json] = [
        {"url": "weight", "valueDecimal": round(match.weight, 3)},
        {"url": "probability", "valueDecimal": round(match.probability, 6)},
        *({"url": "guard", "valueCode": guard} for guard in match.guards),
    ]
    if match.retired is not None:
        parts.append({"url": "retired", "valueReference": {"reference": f"{type}/{match.retired}"}})
    parts += [
        {
            "url": "comparison",
            "extension": [
                {"url": "name", "valueString": outcome.comparison},
                {"url": "level", "valueString": outcome.level},
                {"url": "weight", "valueDecimal": round(outcome.weight, 3)},
                *(
                    []
                    if outcome.value is None
                    else [{"url": "value", "valueDecimal": round(outcome.value, 6)}]
                ),
            ],
        }
        for outcome in match.outcomes
    ]
    return {"url": EXPLANATION, "extension": parts}


def _cut(found: Matching, left_out: int, call: Call) -> list[Issue]:
    """What the answer doesn't hold, said only where something was left out."""
    issues = []
    if found.skipped:
        issues.append(
            Issue(
                "incomplete",
                f"{found.skipped} of {found.keys} blocking keys were left out because too many records share"
                " them; give more of what is known",
                severity="warning",
            )
        )
    if found.limit is not None:
        text = (
            f"more than {found.limit} records meet the candidate searches of the rules file; only so many"
            " were compared: give more of what is known, or search by less common things"
        )
        issues.append(Issue("incomplete", text, severity="warning"))
    if left_out and "count" not in call.parameters:
        text = f"{left_out} more matches were found; ask for them with count"
        issues.append(Issue("incomplete", text, severity="warning"))
    return issues
