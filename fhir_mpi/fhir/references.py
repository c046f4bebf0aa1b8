"""References as they are written: `Type/id`, maybe with a base URL and a version (R5 references.html)."""

import re
from typing import Final

LOGICAL_ID: Final = r"[A-Za-z0-9\-.]{1,64}"
"""The pattern of a logical id (R5 datatypes.html#id)."""

_TARGET: Final = re.compile(rf"(?:^|/)([A-Z][A-Za-z]*)/{LOGICAL_ID}(?:/_history/{LOGICAL_ID})?(?:#.*)?\Z")


def written_type(reference: str) -> str | None:
    """The word in the place of the resource type, None where there is none.

    >>> written_type("https://example.org/FHIR/R5/Patient/1/_history/2"), written_type("urn:uuid:0-1")
    ('Patient', None)
    """
    found = _TARGET.search(reference)
    return None if found is None else found[1]
