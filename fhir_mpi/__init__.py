"""A FHIR R5 master patient index."""

__version__ = "0.1.0"
