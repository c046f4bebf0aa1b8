"""The table of choice elements says what the metadata of R5 says."""

from collections import defaultdict

from fhir_mpi.fhir.choices import CHOICES
from fhir_mpi.fhir.resource_types import RESOURCE_TYPES
from fhir_mpi.fhir.validation import children


def test_the_choices_are_those_of_every_type_of_r5() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    seen = {"Resource"}
    waiting = sorted(RESOURCE_TYPES)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for element in children(name).values():
            if element.choice is not None:
                found[element.choice].add(element.name.removeprefix(element.choice))
            if not element.primitive:
                waiting.append(element.type)
    assert {name: set(types) for name, types in CHOICES.items()} == found
