"""What a rules file costs for each record and each candidate: python -m tests.benchmarks.hapi_rules_speed

Processor time in microseconds, the best of five runs. The rules are HAPI's documented example of six match
fields, and 24 fields in which every kind of matcher and similarity occurs.
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from fhir_mpi.demo.corruption import probe
from fhir_mpi.demo.name_shares import demo_names
from fhir_mpi.demo.population import people
from fhir_mpi.linkage.hapi.columns import read
from fhir_mpi.linkage.hapi.engine import HapiRules
from fhir_mpi.linkage.hapi.judging import MATCHERS
from fhir_mpi.linkage.hapi.rules import load_rules
from fhir_mpi.linkage.hapi.similarities import SIMILARITIES
from fhir_mpi.linkage.model import LinkageModel, default_model
from fhir_mpi.linkage.record import pack, unpack
from tests.benchmarks.linkage_speed import measured

PEOPLE, CANDIDATES = 1_000, 10

EXAMPLE = [
    ("birthday", "birthDate", "STRING"),
    ("phone", "telecom.value", "STRING"),
    ("firstname-meta", "name.given", "METAPHONE"),
    ("lastname-meta", "name.family", "METAPHONE"),
    ("firstname-jaro", "name.given", "JARO_WINKLER"),
    ("lastname-jaro", "name.family", "JARO_WINKLER"),
]
ODD = {
    "DATE": "birthDate",
    "NAME_ANY_ORDER": "name",
    "NAME_FIRST_AND_LAST": "name",
    "IDENTIFIER": "identifier",
    "EXTENSION_ANY_ORDER": "extension",
    "EMPTY_FIELD": "telecom",
}
EVERYTHING = [(name, ODD.get(name, "name.family"), name) for name in (*MATCHERS, *list(SIMILARITIES)[:5])]


def main() -> None:
    for title, fields in (("6 fields", EXAMPLE), (f"{len(EVERYTHING)} fields", EVERYTHING)):
        _measure(title, _model(fields))


def _measure(title: str, model: LinkageModel) -> None:
    names, rng, engine = demo_names(), Random(1), HapiRules(model)
    persons = list(people(PEOPLE, seed=2, names=names))
    patients = [person.patient() for person in persons]
    records = [model.record(patient) for patient in patients]
    probes = [model.record(probe(person, rng, names).patient()) for person in persons]
    asked = [(one, records[n : n + CANDIDATES]) for n, one in enumerate(probes[:-CANDIDATES])]
    packed = [pack(record) for record in records]
    measured(f"{title}: read a record", patients, lambda patient: read(model.columns, patient))
    measured(f"{title}: unpack", packed, lambda text: unpack("1", text))
    measured(f"{title}: score", asked, lambda pair: engine.score(*pair, population=1), CANDIDATES)


def _model(fields: Sequence[tuple[str, str, str]]) -> LinkageModel:
    document: dict[str, Any] = {
        "version": "1",
        "mdmTypes": ["Patient"],
        "matchFields": [_field(*field) for field in fields],
        "matchResultMap": {f"{fields[0][0]},{fields[1][0]}": "MATCH", fields[2][0]: "POSSIBLE_MATCH"},
    }
    rules = load_rules(document, lambda type, code: True)
    return replace(
        default_model("Patient"), mdm_rules=rules, columns=tuple(sorted(rules.columns_of("Patient")))
    )


def _field(name: str, path: str, algorithm: str) -> dict[str, Any]:
    judge: dict[str, Any] = {"matcher": {"algorithm": algorithm}}
    if algorithm in SIMILARITIES:
        judge = {"similarity": {"algorithm": algorithm, "matchThreshold": 0.8}}
    return {"name": name, "resourceType": "Patient", "resourcePath": path, **judge}


if __name__ == "__main__":
    main()
