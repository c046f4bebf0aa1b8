"""What one record, one probe and one candidate cost: python -m tests.benchmarks.linkage_speed

Processor time in microseconds, the best of five runs, so that other work on the machine counts little.
"""

import time
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from fhir_mpi.demo.corruption import probe
from fhir_mpi.demo.name_shares import demo_names
from fhir_mpi.demo.population import people
from fhir_mpi.linkage.blocking import probe_keys, stored_keys
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter
from fhir_mpi.linkage.grades import Grader
from fhir_mpi.linkage.model import default_model
from fhir_mpi.linkage.record import pack, record_of, unpack
from tests.benchmarks.splink_model import splink_model

PEOPLE, MILLION = 5_000, 1_000_000
T = TypeVar("T")


def main() -> None:
    model, names, rng = default_model("Patient"), demo_names(), Random(1)
    engine = FellegiSunter(model)
    persons = list(people(PEOPLE, seed=2, names=names))
    patients = [person.patient() for person in persons]
    records = [record_of(patient) for patient in patients]
    probes = [record_of(probe(person, rng, names).patient()) for person in persons]
    packed = [pack(record) for record in records]
    same = list(zip(probes, records, strict=True))
    other = list(zip(probes, records[1:] + records[:1], strict=True))
    scores = [engine.score(a, [b], population=MILLION)[0] for a, b in same]
    measured("normalise", patients, record_of)
    measured("stored keys", records, lambda record: stored_keys(model, record))
    measured("probe keys", probes, lambda record: probe_keys(model, record))
    measured("pack", records, pack)
    measured("unpack", packed, lambda text: unpack("1", text))
    measured("score the same person", same, lambda p: engine.score(p[0], [p[1]] * 10, population=MILLION), 10)
    measured("score another person", other, lambda p: engine.score(p[0], [p[1]] * 10, population=MILLION), 10)
    translated = FellegiSunter(splink_model())
    for what, pairs in (("Splink, the same person", same), ("Splink, another person", other)):
        measured(what, pairs, lambda p: translated.score(p[0], [p[1]] * 10, population=MILLION), 10)
    grader, graded = Grader(model), list(zip(scores, same, strict=True))
    measured("grade", graded, lambda p: grader.grading(p[0], *p[1]))


def measured(what: str, items: Sequence[T], work: Callable[[T], object], per: int = 1) -> None:
    """Prints the processor time of `work` per item, divided by `per`."""
    times = []
    for _ in range(5):
        started = time.process_time()
        for item in items:
            work(item)
        times.append(time.process_time() - started)
    print(f"{what:24} {1e6 * min(times) / len(items) / per:8.2f} us")


if __name__ == "__main__":
    main()
