"""An invented person, and the Patient a registration desk would make of them."""

from dataclasses import dataclass
from typing import Final

from fhir_mpi.fhir.types import Json, Resource

NATIONAL_ID: Final = "https://demo.invalid/national-id"
MEDICAL_RECORD: Final = "https://hospital-{}.demo.invalid/mrn"


@dataclass(frozen=True, slots=True)
class Person:
    """Empty texts are unknown. Nobody real is meant: every value is drawn at random."""

    id: str
    family: str
    given: str
    middle: str
    suffix: str
    gender: str
    birth_date: str
    line: str
    city: str
    state: str
    postal_code: str
    phone: str
    email: str
    hospital: int
    record_number: str
    national_id: str
    birth_order: int = 0

    def patient(self) -> Resource:
        """The Patient resource (R5), with what is known."""
        found: Resource = {
            "resourceType": "Patient",
            "id": self.id,
            "identifier": self._identifiers(),
            "active": True,
            "name": [self._name()],
            "telecom": self._telecom(),
            "gender": self.gender,
            "birthDate": self.birth_date,
            "address": [self._address()] if self.line else [],
        }
        if self.birth_order:
            found["multipleBirthInteger"] = self.birth_order
        return {key: value for key, value in found.items() if value not in ("", [])}

    def _identifiers(self) -> list[Json]:
        found: list[Json] = []
        if self.record_number:
            coding = {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}
            system = MEDICAL_RECORD.format(self.hospital)
            found.append({"type": {"coding": [coding]}, "system": system, "value": self.record_number})
        if self.national_id:
            found.append({"system": NATIONAL_ID, "value": self.national_id})
        return found

    def _name(self) -> Json:
        given = [name for name in (self.given, self.middle) if name]
        name: Json = {"use": "official", "family": self.family, "given": given}
        if self.suffix:
            name["suffix"] = [self.suffix]
        return name

    def _telecom(self) -> list[Json]:
        found: list[Json] = []
        if self.phone:
            found.append({"system": "phone", "value": self.phone, "use": "home"})
        if self.email:
            found.append({"system": "email", "value": self.email})
        return found

    def _address(self) -> Json:
        return {
            "use": "home",
            "line": [self.line],
            "city": self.city,
            "state": self.state,
            "postalCode": self.postal_code,
        }
