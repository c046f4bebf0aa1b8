"""$explain-match: why two records match, or don't. An operation of this server's own."""

import re
from collections.abc import Iterator
from typing import Final

from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.outcome import InvalidValue
from fhir_mpi.fhir.references import LOGICAL_ID
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.reading import read
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.explanation import Explanation, explanation
from fhir_mpi.operations.call import Answer, Call
from fhir_mpi.operations.explained.page import page
from fhir_mpi.operations.match import matcher_named

OTHER: Final = re.compile(rf"(?:([A-Z][A-Za-z]*)/)?({LOGICAL_ID})")


async def explain_match(services: Services, call: Call) -> Answer:
    """Parameters, and the same as a page; NotFound or Gone where one of both is not there."""
    type = str(call.type)
    ours = await stored(services, type, str(call.id))
    theirs = await stored(services, type, _other(call, type))
    found = await explanation(matcher_named(services, type, call.parameters.get("engine")), ours, theirs)
    return Answer(explanation_parameters(found), page=lambda: page(found, ours, theirs))


async def stored(services: Services, type: str, id: str) -> Resource:
    """The current version, parsed."""
    return decode((await read(services, type, id)).json)


def _other(call: Call, type: str) -> str:
    named = OTHER.fullmatch(call.parameters["other"].removeprefix(f"{call.base_url}/"))
    if named is None or named[1] not in (None, type):
        raise InvalidValue(
            f"other is the id of a {type}, or {type}/ and its id",
            expression="Parameters.parameter.where(name='other').value",
        )
    return str(named[2])


def explanation_parameters(found: Explanation) -> Resource:
    """As capability/operations/Patient-explain-match.json defines it."""
    match = found.match
    values: list[Json] = [
        {"name": "grade", "valueCode": str(match.grade)},
        {"name": "score", "valueDecimal": round(match.score, 6)},
        {"name": "probability", "valueDecimal": round(match.probability, 6)},
        {"name": "weight", "valueDecimal": round(match.weight, 3)},
        {"name": "found", "valueBoolean": found.found},
        {"name": "engine", "valueString": found.engine},
        {"name": "model", "valueString": f"{found.model.name} {found.model.version}"},
        {"name": "population", "valueInteger": found.population},
    ]
    return {"resourceType": "Parameters", "parameter": [*values, *_working(found)]}


def _working(found: Explanation) -> Iterator[Json]:
    for cap in found.caps:
        yield _parts("guard", ("name", "valueCode", cap.guard), ("atMost", "valueCode", str(cap.at_most)))
    for outcome in found.match.outcomes:
        yield _parts(
            "comparison",
            ("name", "valueString", outcome.comparison),
            *([("level", "valueString", outcome.level)] if outcome.level else []),
            ("weight", "valueDecimal", round(outcome.weight, 3)),
        )
    for shared in found.keys:
        values = (("value", "valueString", value) for value in shared.values)
        skipped = ("skipped", "valueBoolean", shared.key in found.skipped)
        yield _parts("key", ("rule", "valueString", shared.rule), *values, skipped)
    for feature in found.features:
        yield _parts(
            "feature",
            ("name", "valueString", feature.name),
            *(("value", "valueString", value) for value in feature.ours),
            *(("other", "valueString", value) for value in feature.theirs),
        )


def _parts(name: str, *parts: tuple[str, str, object]) -> Json:
    return {"name": name, "part": [{"name": part, key: value} for part, key, value in parts]}
