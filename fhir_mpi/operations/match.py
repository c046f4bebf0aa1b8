"""$match: who is this? (https://hl7.org/fhir/R5/patient-operation-match.html)"""

from typing import Final

from fhir_mpi.fhir.bundle import MATCH_GRADE, match_entry, searchset
from fhir_mpi.fhir.outcome import InvalidValue, Issue
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.matching import Match, Matcher, Matching, certain_only, single_only
from fhir_mpi.operations.call import Call

EXPLANATION: Final = "https://fhir-mpi.github.io/fhir/StructureDefinition/match-explanation"


async def match(services: Services, call: Call) -> Resource:
    """A searchset of matches, best first, each with score, grade and the working of both.

    InvalidResource where the input isn't a valid instance, MissingParameter where nothing in it can
    be matched on.
    """
    given = call.parameters["resource"]
    services.intake.check(given)
    found = await matcher_named(services, given["resourceType"], call.parameters.get("engine")).matches(given)
    chosen = _chosen(found, call.parameters)
    wanted = _wanted(services, call.parameters.get("count"))
    best = chosen[:wanted]
    stored = {s.id: s for s in await services.store.read_many(given["resourceType"], [m.id for m in best])}
    entries = [
        match_entry(f"{call.base_url}/{stored[m.id].type}/{m.id}", stored[m.id].json, _search(m))
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


def _chosen(found: Matching, parameters: Json) -> tuple[Match, ...]:
    matches = found.matches
    if parameters.get("onlyCertainMatches"):
        matches = certain_only(matches)
    if parameters.get("onlySingleMatch"):
        matches = single_only(matches)
    return matches


def _wanted(services: Services, count: int | None) -> int:
    """How many to answer at most; a count of 0 asks for the default as "the server decides"."""
    if count is None:
        return services.limits.match_count
    if count < 1:
        raise InvalidValue("count is at least 1", expression="Parameters.parameter.where(name='count').value")
    return min(count, services.limits.match_count_max)


def _search(match: Match) -> Json:
    """Bundle.entry.search of one match (R5 StructureDefinition match-grade, and our match-explanation)."""
    return {
        "extension": [{"url": MATCH_GRADE, "valueCode": str(match.grade)}, _explanation(match)],
        "score": round(match.score, 6),
    }


def _explanation(match: Match) -> Json:
    parts: list[Json] = [
        {"url": "weight", "valueDecimal": round(match.weight, 3)},
        {"url": "probability", "valueDecimal": round(match.probability, 6)},
        *({"url": "guard", "valueCode": guard} for guard in match.guards),
    ]
    parts += [
        {
            "url": "comparison",
            "extension": [
                {"url": "name", "valueString": outcome.comparison},
                {"url": "level", "valueString": outcome.level},
                {"url": "weight", "valueDecimal": round(outcome.weight, 3)},
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
    if left_out and "count" not in call.parameters:
        text = f"{left_out} more matches were found; ask for them with count"
        issues.append(Issue("incomplete", text, severity="warning"))
    return issues
