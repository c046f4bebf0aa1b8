"""What a call of $mdm-review-queue asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from fhir_mpi.fhir.dates import period
from fhir_mpi.fhir.outcome import InvalidRequest, InvalidValue
from fhir_mpi.fhir.types import Json
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.link import Link
from fhir_mpi.mdm.ports import LinkField, LinkSort
from fhir_mpi.mdm.review import ReviewReason, ReviewState
from fhir_mpi.operations.mdm_parameters import where
from fhir_mpi.operations.reviewing.items import Item

DEFAULT_COUNT: Final = 20
MOST: Final = 100
SORTS: Final[Mapping[str, LinkField]] = {
    "score": LinkField.SCORE,
    "created": LinkField.CREATED,
    "updated": LinkField.UPDATED,
}
Code = TypeVar("Code", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Asked:
    """`score` and `changed`, the time of the link's last change in ms since 1970, are bounds, both inside."""

    types: tuple[str, ...]
    reasons: frozenset[ReviewReason]
    states: frozenset[ReviewState]
    assignee: str | None
    score: tuple[float | None, float | None]
    changed: tuple[float | None, float | None]
    sort: LinkSort
    count: int
    offset: int

    @property
    def of_stewards(self) -> bool:
        """Whether it asks for what stewards have, and not for what waits."""
        return self.assignee is not None or ReviewState.OPEN not in self.states

    def takes_link(self, link: Link) -> bool:
        return _within(link.score, self.score) and _within(link.updated.timestamp() * 1000, self.changed)

    def takes(self, item: Item) -> bool:
        return item.reason in self.reasons and item.state in self.states


def asked_for(services: Services, parameters: Json) -> Asked:
    """InvalidValue for what none of the parameters can be, InvalidRequest where two contradict."""
    states = _codes(ReviewState, parameters, "state") or frozenset({ReviewState.OPEN})
    assignee = parameters.get("assignee")
    if assignee is not None and "state" not in parameters:
        states = frozenset({ReviewState.CLAIMED, ReviewState.DEFERRED})
    if ReviewState.OPEN in states and (len(states) > 1 or assignee is not None):
        raise InvalidRequest("what is open is nobody's, and listed alone", expression=where("state"))
    if "_sort" in parameters and ReviewState.OPEN not in states:
        text = "what stewards have is sorted by what was done last"
        raise InvalidRequest(text, expression=where("_sort"))
    count, offset = parameters.get("_count", DEFAULT_COUNT), parameters.get("_offset", 0)
    if count < 1 or offset < 0:
        name = "_count" if count < 1 else "_offset"
        raise InvalidValue(f"{name} is too small", expression=where(name))
    return Asked(
        types=_types(services, parameters.get("resourceType")),
        reasons=_codes(ReviewReason, parameters, "reason") or frozenset(ReviewReason),
        states=states,
        assignee=assignee,
        score=(_number(parameters, "minScore"), _number(parameters, "maxScore")),
        changed=(_moment(parameters, "changedSince", 0), _moment(parameters, "changedBefore", 1)),
        sort=_sort(parameters.get("_sort", "created")),
        count=min(count, MOST),
        offset=offset,
    )


def _codes(kind: type[Code], parameters: Json, name: str) -> frozenset[Code]:
    given = [code for text in parameters.get(name, ()) for code in text.split(",")]
    if unknown := [code for code in given if code not in set(kind)]:
        known = ", ".join(kind)
        raise InvalidValue(f"{name} is one of {known}; {unknown[0]:.40} is none", expression=where(name))
    return frozenset(kind(code) for code in given)


def _types(services: Services, asked: str | None) -> tuple[str, ...]:
    linked = services.mdm.linked_types
    if asked is not None and asked not in linked:
        text = f"records of this type aren't linked here; these are: {', '.join(linked)}"
        raise InvalidValue(text, expression=where("resourceType"))
    return linked if asked is None else (asked,)


def _sort(text: str) -> LinkSort:
    field = SORTS.get(text.removeprefix("-"))
    if field is None:
        known = ", ".join(SORTS)
        raise InvalidValue(f"_sort is one of {known}, with - for descending", expression=where("_sort"))
    return LinkSort(field, text.startswith("-"))


def _number(parameters: Json, name: str) -> float | None:
    return float(parameters[name]) if name in parameters else None


def _moment(parameters: Json, name: str, end: int) -> float | None:
    return float(period(parameters[name])[end]) if name in parameters else None


def _within(value: float | None, bounds: tuple[float | None, float | None]) -> bool:
    low, high = bounds
    if value is None:
        return low is None and high is None
    return (low is None or low <= value) and (high is None or value <= high)
