"""Birth date and multiple birth as linkage compares them."""

import re
from typing import Final

from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.conventions import EVERYWHERE, Conventions
from fhir_mpi.linkage.placeholders import is_placeholder_birth_date

_DATE: Final = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?")


def birth_date(value: str, conventions: Conventions = EVERYWHERE) -> str:
    """The date as precise as it was said; empty for placeholders and what is no date.

    >>> birth_date("1991-12-31"), birth_date("1991"), birth_date("1900-01-01")
    ('1991-12-31', '1991', '')
    """
    found = _DATE.match(value)
    return "" if found is None or is_placeholder_birth_date(found[0], conventions) else found[0]


def deceased(patient: Json) -> str:
    """The date of death as precise as it was said, "true", "false", or empty where nothing is said.

    >>> deceased({"deceasedDateTime": "2020-02-03T04:05:06Z"}), deceased({"deceasedBoolean": True})
    ('2020-02-03', 'true')
    """
    found = _DATE.match(patient.get("deceasedDateTime") or "")
    if found is not None:
        return found[0]
    said = patient.get("deceasedBoolean")
    return "" if said is None else str(said is True).lower()


def birth_order(patient: Json) -> str:
    """multipleBirthInteger; empty where it is not said (multipleBirthBoolean does not tell who)."""
    order = patient.get("multipleBirthInteger")
    return "" if order is None else str(int(order))
