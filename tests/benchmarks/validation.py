"""What the validation of one Patient costs: python -m tests.benchmarks.validation

Processor time in microseconds, the best of five runs, so that other work on the machine counts little.
"""

import time

from fhir_mpi.definitions import load_definitions
from fhir_mpi.fhir.json import encode
from fhir_mpi.fhir.types import Json
from fhir_mpi.fhir.validation import Validator

RUNS, TIMES = 5, 2_000
CITIZEN = "http://example.org/StructureDefinition/citizen"
XHTML = '<div xmlns="http://www.w3.org/1999/xhtml">'

PROFILE: Json = {
    "resourceType": "StructureDefinition",
    "url": CITIZEN,
    "type": "Patient",
    "differential": {
        "element": [
            {
                "id": "Patient.identifier",
                "path": "Patient.identifier",
                "slicing": {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"},
                "min": 1,
            },
            {
                "id": "Patient.identifier:national",
                "path": "Patient.identifier",
                "sliceName": "national",
                "min": 1,
                "max": "1",
            },
            {
                "id": "Patient.identifier:national.system",
                "path": "Patient.identifier.system",
                "min": 1,
                "fixedUri": "urn:example:national",
            },
            {"id": "Patient.name", "path": "Patient.name", "min": 1},
        ]
    },
}


def patient(**more: Json) -> Json:
    """An invented person with what registration desks write: about 1.9 KB of JSON."""
    return {
        "resourceType": "Patient",
        **more,
        "text": {"status": "generated", "div": f"{XHTML}<p><b>Wanda Example</b>, born 1980-02-11</p></div>"},
        "extension": [
            {"url": "http://example.org/ward", "valueCode": "west"},
            {"url": "http://example.org/origin", "extension": [{"url": "place", "valueString": "Gdynia"}]},
        ],
        "identifier": [
            {
                "use": "official",
                "type": {"coding": [{"system": "urn:example:types", "code": kind, "display": kind}]},
                "system": f"urn:example:{kind}",
                "value": f"{kind}-0000012345",
                "period": {"start": "2001-05-06"},
                "assigner": {"display": "Example Health Trust"},
            }
            for kind in ("national", "ward", "insurance")
        ],
        "active": True,
        "name": [
            {"use": "official", "family": "Example", "given": ["Wanda", "Maria"], "prefix": ["Dr"]},
            {"use": "maiden", "family": "Sample", "period": {"end": "2005-01-01"}},
        ],
        "telecom": [
            {"system": "phone", "value": "+48 58 000 00 01", "use": "home", "rank": 1},
            {"system": "email", "value": "wanda@example.org", "use": "work"},
        ],
        "gender": "female",
        "birthDate": "1980-02-11",
        "deceasedBoolean": False,
        "address": [
            {"use": "home", "line": ["1 Invented Street"], "city": "Gdynia", "postalCode": "81-000"},
            {"use": "old", "line": ["2 Invented Street"], "city": "Sopot", "period": {"end": "2010-01-01"}},
        ],
        "maritalStatus": {"coding": [{"system": "urn:example:marital", "code": "M"}]},
        "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "pl"}]}}],
        "contact": [{"name": {"family": "Example"}, "telecom": [{"system": "phone", "value": "1"}]}],
        "generalPractitioner": [{"reference": "Practitioner/1", "display": "Dr Sample"}],
        "managingOrganization": {"reference": "Organization/1"},
    }


def main() -> None:
    definitions = load_definitions()
    validator = Validator(definitions.types, [*definitions.profiles, PROFILE])
    measured("a Patient", validator, patient())
    measured("a Patient of a site's profile", validator, patient(meta={"profile": [CITIZEN]}))


def measured(what: str, validator: Validator, resource: Json) -> None:
    """Prints the processor time of one validation."""
    if validator.issues(resource):
        raise RuntimeError(f"{what} is not valid")
    times = []
    for _ in range(RUNS):
        started = time.process_time()
        for _ in range(TIMES):
            validator.issues(resource)
        times.append(time.process_time() - started)
    size = len(encode(resource))
    print(f"{what:32} {size:6d} bytes {1e6 * min(times) / TIMES:8.1f} us")


if __name__ == "__main__":
    main()
