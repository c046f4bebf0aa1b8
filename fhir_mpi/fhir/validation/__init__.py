"""Validation of R5 resources: JSON Schema from metadata, then a typed walk, then our own profiles."""

from fhir_mpi.fhir.validation.elements import Element, children
from fhir_mpi.fhir.validation.validator import Validator

__all__ = ["Element", "Validator", "children"]
