"""HAPI FHIR's MDM rules: read, checked and scored as HAPI does it."""
