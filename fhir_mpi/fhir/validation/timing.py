"""The invariants of the datatypes that say when and how: Timing, Dosage, triggers, expressions."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from fhir_mpi.fhir.types import Json
from fhir_mpi.fhir.validation.findings import Finding, Invariant, broken, every, has, number
from fhir_mpi.fhir.validation.quantities import simple

# (key, child, what it needs beside it), all of Timing.repeat
_NEEDS: Final = (
    ("tim-1", "duration", "durationUnit"),
    ("tim-2", "period", "periodUnit"),
    ("tim-6", "periodMax", "period"),
    ("tim-7", "durationMax", "duration"),
    ("tim-8", "countMax", "count"),
)
_MEALS: Final = frozenset({"C", "CM", "CD", "CV"})
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def _repeat(element: Json) -> Iterator[Finding]:
    for key, name, needed in _NEEDS:
        if has(element, name) and not has(element, needed):
            yield broken(f"{key}: {name} needs {needed}", needed)
    for key, name in (("tim-4", "duration"), ("tim-5", "period")):
        value = number(element.get(name))
        if value is not None and value < 0:
            yield broken(f"{key}: {name} must not be negative", name)
    if has(element, "timeOfDay") and has(element, "when"):
        yield broken("tim-10: either a time of day or an event, not both", "when")
    when = element.get("when")
    events = when if isinstance(when, list) else []
    if has(element, "offset") and (not has(element, "when") or any(event in _MEALS for event in events)):
        yield broken("tim-9: an offset needs an event that has a before and an after", "when")


def _available_time(element: Json) -> Iterator[Finding]:
    if element.get("allDay") is True and has(element, "availableStartTime", "availableEndTime"):
        yield broken("av-1: what is available all day has no start and no end", "allDay")


def _dosage(element: Json) -> Iterator[Finding]:
    if "asNeededFor" in element and element.get("asNeeded") is False:
        yield broken("dos-1: a reason needs that the dose is taken as needed", "asNeeded")


def _path_filter(key: str) -> Invariant:
    def check(element: Json) -> Iterator[Finding]:
        if has(element, "path") == has(element, "searchParam"):
            yield broken(f"{key}: a filter has either a path or a search parameter")

    return check


def _expression(element: Json) -> Iterator[Finding]:
    if not has(element, "expression", "reference"):
        yield broken("exp-1: an expression or a reference to one is required")
    name = element.get("name")
    if isinstance(name, str) and not _NAME.fullmatch(name):
        yield broken("exp-2: the name must be one that a program can use", "name")


def _trigger(element: Json) -> Iterator[Finding]:
    timed = any(name.startswith(("timing", "_timing")) for name in element)
    kind = element.get("type")
    if "data" in element and timed:
        yield broken("trd-1: either a timing or data, not both", "data")
    if "condition" in element and "data" not in element:
        yield broken("trd-2: a condition needs data", "data")
    if kind == "named-event" and not has(element, "name"):
        yield broken("trd-3: a named event needs a name", "name")
    if kind == "periodic" and not timed:
        yield broken("trd-3: a periodic event needs a timing", "timing[x]")
    if isinstance(kind, str) and kind.startswith("data-") and "data" not in element:
        yield broken("trd-3: an event of data needs data", "data")


TIMING: Final[Mapping[str, Invariant]] = {
    "AvailabilityAvailableTime": _available_time,
    "DataRequirementCodeFilter": _path_filter("drq-1"),
    "DataRequirementDateFilter": _path_filter("drq-2"),
    "Dosage": every(_dosage, simple("maxDosePerAdministration", "maxDosePerLifetime")),
    "DosageDoseAndRate": simple("doseQuantity", "rateQuantity"),
    "Expression": _expression,
    "TimingRepeat": _repeat,
    "TriggerDefinition": _trigger,
}
