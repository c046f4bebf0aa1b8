"""Who a resource is about: the compartment of a patient, read off the search parameters that are served.

What belongs to a patient is what a reference parameter finds that may name a Patient (R5
compartmentdefinition.html), so that a type added by JSON belongs as soon as one of its parameters says so.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from fhir_mpi.search.filters import NOTHING, Filter, OneOf, Or, Prefix
from fhir_mpi.search.parameter import SearchParameter
from fhir_mpi.search.term import SearchContext

PATIENT: Final = "Patient"


def in_compartment(
    parameters: Mapping[str, SearchParameter], ids: Sequence[str], context: SearchContext
) -> Filter:
    """Finds what refers to one of these patients, among the resources of the type that has these
    parameters.
    """
    written = tuple(f"{base}{PATIENT}/{id}" for base in ("", f"{context.base_url}/") for id in ids)
    found = [OneOf(parameter.code, written) for parameter in _about_patients(parameters)]
    return Or(tuple(found)) if found else NOTHING


def in_any_compartment(parameters: Mapping[str, SearchParameter], context: SearchContext) -> Filter:
    """Finds what refers to any patient of this server."""
    found = [
        Prefix(parameter.code, base + f"{PATIENT}/")
        for parameter in _about_patients(parameters)
        for base in ("", f"{context.base_url}/")
    ]
    return Or(tuple(found)) if found else NOTHING


def _about_patients(parameters: Mapping[str, SearchParameter]) -> Sequence[SearchParameter]:
    return [p for p in parameters.values() if PATIENT in p.definition.get("target", ())]
